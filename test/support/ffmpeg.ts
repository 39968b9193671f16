/** Runs ffmpeg for tests: encoders that end, and publishers that are ended by their pid. */
import { spawn } from 'node:child_process';

/** A running ffmpeg. */
export interface FfmpegRun {
  readonly pid: number;
  /** Settles with the exit code, or null where a signal ended it. */
  readonly done: Promise<number | null>;
  /** What it printed to stderr so far. */
  log(): string;
  /** Asks it to end, insists after a second, and waits until it has gone. */
  stop(): Promise<void>;
}

/** Arguments as one readable text; spaces separate, so none may stand inside an argument. */
export type FfmpegArgs = string | readonly string[];

const list = (args: FfmpegArgs): string[] => (typeof args === 'string' ? args.trim().split(/\s+/) : [...args]);

/** Starts ffmpeg. Whoever starts it stops it, or awaits `done`. */
export function startFfmpeg(args: FfmpegArgs): FfmpegRun {
  const child = spawn('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'warning', ...list(args)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-20_000)));
  const done = new Promise<number | null>((settle, reject) => {
    child.once('error', reject);
    child.once('close', (code) => settle(code));
  });
  return {
    pid: child.pid ?? -1,
    done,
    log: () => log,
    async stop() {
      child.kill('SIGTERM');
      const insist = setTimeout(() => child.kill('SIGKILL'), 1000);
      await done;
      clearTimeout(insist);
    },
  };
}

/** Publishes small moving pictures by RTMP, 25 a second and a key frame every `gop` of them, until it is stopped. */
export function publishSmall(url: string, gop = 25): FfmpegRun {
  const encode = `-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -bf 0 -g ${gop} -b:v 150k`;
  return startFfmpeg(`-re -f lavfi -i testsrc2=s=320x180:r=25 ${encode} -f flv ${url}`);
}

/** Runs ffmpeg to its end; throws with its log where it failed. */
export async function runFfmpeg(args: FfmpegArgs): Promise<void> {
  const run = startFfmpeg(['-y', ...list(args)]);
  const code = await run.done;
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}: ${run.log()}`);
}

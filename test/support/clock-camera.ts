/** A camera by RTMP whose pictures show the time at which they were made: raw pictures into ffmpeg, in real time. */
import { spawn } from 'node:child_process';
import { drawBlockClock } from '../../core/media/block-clock.ts';

/** A camera that publishes. */
export interface ClockCamera {
  /** What ffmpeg printed to stderr. */
  log(): string;
  /** Ends it and waits until it has gone. */
  stop(): Promise<void>;
}

/** Begins to publish H.264 without B-frames to this address. A picture that ffmpeg has no time for is left out, never late. */
export function startClockCamera(
  url: string,
  { width, height, fps = 30, gopSeconds = 2 }: { width: number; height: number; fps?: number; gopSeconds?: number },
): ClockCamera {
  const gop = Math.round(fps * gopSeconds);
  const args = `-hide_banner -loglevel warning -use_wallclock_as_timestamps 1 -fflags nobuffer -probesize 32 -analyzeduration 0
    -f rawvideo -pix_fmt gray -s ${width}x${height} -r ${fps} -i pipe:0 -fps_mode passthrough
    -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g ${gop} -bf 0 -b:v 2500k -maxrate 2500k -bufsize 1000k
    -flush_packets 1 -f flv ${url}`;
  const child = spawn('ffmpeg', args.trim().split(/\s+/), { stdio: ['pipe', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-20_000)));
  // ffmpeg's end is seen by who watches; what was on its way to it is of no interest.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let count = 0;
  const timer = setInterval(() => {
    // Two buffers in turn would be overwritten while they wait: a picture is a buffer of its own.
    if (child.stdin.writableLength > width * height) return;
    const picture = Buffer.alloc(width * height, 60 + (count % 120));
    drawBlockClock(picture, width, width, { epochMs: Date.now(), counter: count++ % 1024 });
    child.stdin.write(picture);
  }, 1000 / fps);
  return {
    log: () => log,
    async stop() {
      clearInterval(timer);
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Hours of burned-in clock in seconds: pictures that show nothing but the time at which they were taken, for `test.replay`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { drawBlockClock } from '../../core/media/block-clock.ts';

/** What the machine's clock takes, and a little more: 16:4. */
const SIZE = { width: 320, height: 80 } as const;
/** The most pictures that wait for the encoder. */
const BATCH = 100;

/**
 * Encodes `seconds` of clock from `startAt` (epoch ms) on: an FLV file. Its sound is ten seconds of tone that are played over and over, or
 * with `beep` a beep of 50 ms at each whole second of it.
 */
export async function recordClock(options: {
  readonly startAt: number;
  readonly seconds: number;
  readonly fps?: number;
  readonly gopSeconds?: number;
  readonly beep?: boolean;
}): Promise<Buffer> {
  const { startAt, seconds, fps = 10, gopSeconds = 2, beep = false } = options;
  const { width, height } = SIZE;
  const gop = Math.round(fps * gopSeconds);
  const sound = beep
    ? `aevalsrc=exprs=sin(2*PI*880*t)*lt(mod(t\\,1)\\,0.05):s=48000:d=${seconds}`
    : 'sine=f=440:r=48000:d=10';
  const args = `-v error -f rawvideo -pix_fmt gray -s ${width}x${height} -r ${fps} -i pipe:0 -f lavfi -i ${sound}
    -c:v libx264 -preset ultrafast -tune zerolatency -threads 1 -pix_fmt yuv420p -g ${gop} -keyint_min ${gop} -sc_threshold 0 -bf 0 -qp 30
    -c:a aac -b:a 64k -ac 2 -f flv -flvflags no_duration_filesize -`;
  const ffmpeg = spawn('ffmpeg', args.split(/\s+/), { stdio: ['pipe', 'pipe', 'inherit'] });
  const parts: Buffer[] = [];
  ffmpeg.stdout.on('data', (part: Buffer) => void parts.push(part));
  const ended = once(ffmpeg, 'close');
  const count = Math.round(seconds * fps);
  for (let first = 0; first < count; first += BATCH) {
    const pictures = Buffer.alloc(Math.min(BATCH, count - first) * width * height, 16);
    for (let index = 0; index * width * height < pictures.length; index += 1) {
      const picture = pictures.subarray(index * width * height, (index + 1) * width * height);
      const epochMs = Math.round(startAt + ((first + index) * 1000) / fps);
      drawBlockClock(picture, width, width, { epochMs, counter: (first + index) % 1024 });
    }
    if (!ffmpeg.stdin.write(pictures)) await once(ffmpeg.stdin, 'drain');
  }
  ffmpeg.stdin.end();
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
  return Buffer.concat(parts);
}

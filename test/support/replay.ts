/**
 * Hours of burned-in clock in seconds: pictures that show nothing but the time at which they were taken, encoded once, and
 * replayed through the packager as fast as it takes them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { SyncClock, TrackReader } from 'eddy/plugin';
import { drawBlockClock } from '../../plugins/ingest/shared/block-clock.ts';
import { Segmenter } from '../../plugins/package/cmaf/segmenter.ts';
import { type Clip, type LiveTarget, readFlv } from './live-source.ts';

/** What is recorded: times in epoch ms. */
export interface Recording extends Clip {
  readonly startAt: number;
}

/** What the machine's clock takes, and a little more: 16:4. */
const SIZE = { width: 320, height: 80 } as const;
/** The most pictures that wait for the encoder. */
const BATCH = 100;

/** Encodes `seconds` of clock from `startAt` on, with ten seconds of tone that are played over and over. */
export async function recordClock(options: {
  readonly startAt: number;
  readonly seconds: number;
  readonly fps?: number;
  readonly gopSeconds?: number;
}): Promise<Recording> {
  const { startAt, seconds, fps = 10, gopSeconds = 2 } = options;
  const { width, height } = SIZE;
  const gop = Math.round(fps * gopSeconds);
  const args = `-v error -f rawvideo -pix_fmt gray -s ${width}x${height} -r ${fps} -i pipe:0 -f lavfi -i sine=f=440:r=48000:d=10
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
  return { startAt, fps, seconds, ...readFlv(Buffer.concat(parts)) };
}

/** Options of {@link replay}. */
export interface ReplayOptions {
  /** The first number, beyond all that the camera had. */
  readonly number: number;
  /** `[a-z0-9]{1,16}`: another one after every start. */
  readonly writer: string;
  /** What is left out, in seconds of the recording. */
  readonly holes?: readonly { readonly from: number; readonly to: number }[];
}

/** Publishes a recording as fast as it is taken; between holes the publisher comes back. Settles with the next number. */
export async function replay(recording: Recording, target: LiveTarget, options: ReplayOptions): Promise<number> {
  let { number } = options;
  const readers = new Map<string, TrackReader<'chunks'>>();
  const taking = new Set<Promise<unknown>>();
  const segmenter = new Segmenter({
    segment: 2000,
    part: 334,
    writer: options.writer,
    nextNumber: () => number++,
    sink: {
      open: (id, caps) => void readers.set(id, target.track(id, caps)),
      chunk(id, chunk) {
        const taken = readers.get(id)!.item(chunk);
        if (taken) taking.add(taken.finally(() => taking.delete(taken)));
      },
      end: (id, cause) => void readers.get(id)!.end?.(cause),
      gopTooLong: () => undefined,
      requestKeyFrame: () => undefined,
    },
  });
  let from = 0;
  for (const hole of [...(options.holes ?? []), { from: recording.seconds, to: Infinity }]) {
    await publish(recording, segmenter, { from, to: hole.from }, () => Promise.all(taking));
    from = hole.to;
  }
  return number;
}

/** One publication of a stretch of the recording, in seconds; the reader is waited for once a second. */
async function publish(
  recording: Recording,
  segmenter: Segmenter,
  { from, to }: { readonly from: number; readonly to: number },
  taken: () => Promise<unknown>,
): Promise<void> {
  const { startAt, fps, pictures, sounds } = recording;
  const clock: SyncClock = { toWall: (ticks, timescale) => startAt + (ticks / timescale) * 1000 };
  const video = segmenter.addTrack('video', recording.video, clock);
  const audio = segmenter.addTrack('audio', recording.audio, clock);
  const step = 90_000 / fps;
  let sound = Math.ceil((from * 48_000) / 1024);
  for (let picture = Math.round(from * fps); picture < Math.round(to * fps); picture += 1) {
    const sample = pictures[picture];
    if (!sample) break;
    const dts = picture * step;
    video.unit({ ...sample, dts, pts: dts, duration: step, arrivedAt: 0 });
    for (; (sound * 1024) / 48_000 <= (picture + 1) / fps; sound += 1) {
      const pts = sound * 1024;
      audio.unit({ ...sounds[sound % sounds.length]!, dts: pts, pts, duration: 1024, arrivedAt: 0 });
    }
    if (picture % fps === 0) await taken();
  }
  await taken();
  video.end('publisher-ended');
  audio.end('publisher-ended');
}

/** A clip that ffmpeg encodes once and that plays for ever in real time, as a camera would, through the packager. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { AudioCaps, ChunkCaps, SyncClock, TrackReader, VideoCaps } from 'eddy/plugin';
import { audioCapsFromConfig, parseFlvAudio, parseFlvVideo, videoCapsFromConfig } from 'eddy/media';
import { Segmenter } from '../../plugins/package/cmaf/segmenter.ts';

export interface Sample {
  readonly data: Uint8Array;
  readonly key: boolean;
  /** From its decode time to its presentation time, ms; of pictures. */
  readonly offset?: number;
}

/** A clip in memory: one second or more of closed GOPs, and audio of the same length. */
export interface Clip {
  readonly fps: number;
  readonly seconds: number;
  readonly video: VideoCaps;
  readonly audio: AudioCaps;
  readonly pictures: readonly Sample[];
  readonly sounds: readonly Sample[];
}

/** Encodes the clip: a moving picture with a counter, and a tone. `rate` is `fps` as a fraction; `args` for the encoder go before ours. */
export async function encodeClip({
  fps = 30,
  gopSeconds = 2,
  seconds = 10,
  rate = String(fps),
  size = '640x360',
  args: more = '-tune zerolatency -bf 0',
} = {}): Promise<Clip> {
  const gop = Math.round(fps * gopSeconds);
  const args = `-v error -f lavfi -i testsrc2=s=${size}:r=${rate}:d=${seconds} -f lavfi -i sine=f=440:r=48000:d=${seconds}
    -c:v libx264 -preset ultrafast ${more} -pix_fmt yuv420p -g ${gop} -keyint_min ${gop} -sc_threshold 0 -b:v 800k
    -c:a aac -b:a 96k -ac 2 -f flv -flvflags no_duration_filesize -`;
  const { stdout } = await promisify(execFile)('ffmpeg', args.split(/\s+/), { encoding: 'buffer', maxBuffer: 1 << 28 });
  return { fps, seconds, ...readFlv(stdout) };
}

/** The samples of an FLV file of H.264 and AAC. */
export function readFlv(flv: Buffer): Pick<Clip, 'video' | 'audio' | 'pictures' | 'sounds'> {
  const pictures: Sample[] = [];
  const sounds: Sample[] = [];
  let video: VideoCaps | undefined;
  let audio: AudioCaps | undefined;
  for (let at = 13; at + 11 <= flv.length;) {
    const type = flv[at]! & 0x1f;
    const size = flv.readUIntBE(at + 1, 3);
    const body = flv.subarray(at + 11, at + 11 + size);
    at += 11 + size + 4;
    if (type === 9) {
      const tag = parseFlvVideo(body);
      if (tag.type === 'config') video = videoCapsFromConfig(tag.codec, tag.config, 90_000);
      if (tag.type === 'frame') pictures.push({ data: tag.data, key: tag.key, offset: tag.compositionOffset });
    } else if (type === 8) {
      const tag = parseFlvAudio(body);
      if (tag.type === 'config') audio = audioCapsFromConfig(tag.codec, tag.config, 48_000);
      if (tag.type === 'frame') sounds.push({ data: tag.data, key: true });
    }
  }
  if (!video || !audio) throw new Error('ffmpeg made no such clip');
  return { video, audio, pictures, sounds };
}

/** Where the camera's tracks go: a flow's input. */
export interface LiveTarget {
  track(id: string, caps: ChunkCaps): TrackReader<'chunks'>;
}

/** Options of {@link playLive}: targets in ms. */
export interface LiveOptions {
  readonly segment?: number;
  readonly part?: number;
}

/** A publisher that can go and come back. */
export interface LivePublisher {
  /** Its tracks end, as when its connection breaks. */
  leave(): void;
  /** It publishes again, on a clock of its own. */
  comeBack(): void;
  stop(): void;
}

/** Plays a clip for ever in real time through the packager. */
export function playLive(
  clip: Clip,
  target: LiveTarget,
  { segment = 2000, part = 334 }: LiveOptions = {},
): LivePublisher {
  const readers = new Map<string, TrackReader<'chunks'>>();
  let number = Math.floor(Date.now() / segment);
  const segmenter = new Segmenter({
    segment,
    part,
    writer: 'test',
    nextNumber: () => number++,
    sink: {
      open: (id, caps) => void readers.set(id, target.track(id, caps)),
      chunk: (id, chunk) => void readers.get(id)!.item(chunk),
      end: (id, cause) => void readers.get(id)!.end?.(cause),
      gopTooLong: () => undefined,
      requestKeyFrame: () => undefined,
    },
  });
  const publish = (): (() => void) => {
    const epoch = Date.now();
    const clock: SyncClock = { toWall: (ticks, timescale) => epoch + (ticks / timescale) * 1000 };
    const video = segmenter.addTrack('video', clip.video, clock);
    const audio = segmenter.addTrack('audio', clip.audio, clock);
    const players = [
      new Metronome(video, clip.pictures, 90_000 / clip.fps, 90_000),
      new Metronome(audio, clip.sounds, 1024, 48_000),
    ];
    const timer = setInterval(() => players.forEach((player) => player.playTo((Date.now() - epoch) / 1000)), 10);
    return () => {
      clearInterval(timer);
      players.forEach((player) => player.end());
    };
  };
  let leave = publish();
  return { leave: () => leave(), comeBack: () => void (leave = publish()), stop: () => leave() };
}

type SegmenterInput = ReturnType<Segmenter['addTrack']>;

/** Gives the samples of one track, over and over, each when its time has come. */
class Metronome {
  readonly #input: SegmenterInput;
  readonly #samples: readonly Sample[];
  readonly #step: number;
  readonly #timescale: number;
  #next = 0;

  constructor(input: SegmenterInput, samples: readonly Sample[], step: number, timescale: number) {
    this.#input = input;
    this.#samples = samples;
    this.#step = step;
    this.#timescale = timescale;
  }

  end(): void {
    this.#input.end('publisher-ended');
  }

  /** A sample is there once it has been captured whole. */
  playTo(seconds: number): void {
    for (; (this.#next + 1) * this.#step <= seconds * this.#timescale; this.#next += 1) {
      const dts = this.#next * this.#step;
      const sample = this.#samples[this.#next % this.#samples.length]!;
      this.#input.unit({ ...sample, dts, pts: dts, duration: this.#step, arrivedAt: Date.now() });
    }
  }
}

/**
 * A clip that ffmpeg encodes once and that plays for ever in real time, cut to CMAF chunks the way live packagers do:
 * parts of k frames, audio cut at the video's segment boundaries. For players; the packager has its own tests.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { AudioCaps, Chunk, ChunkCaps, VideoCaps } from 'eddy/plugin';
import {
  audioCapsFromConfig,
  buildInitSegment,
  parseFlvAudio,
  parseFlvVideo,
  videoCapsFromConfig,
  writeChunk,
} from 'eddy/media';

export interface Sample {
  readonly data: Uint8Array;
  readonly key: boolean;
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

/** Encodes the clip: a moving picture with a counter, and a tone. */
export async function encodeClip({ fps = 30, gopSeconds = 2, seconds = 10 } = {}): Promise<Clip> {
  const gop = Math.round(fps * gopSeconds);
  const args = `-v error -f lavfi -i testsrc2=s=640x360:r=${fps}:d=${seconds} -f lavfi -i sine=f=440:r=48000:d=${seconds}
    -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g ${gop} -keyint_min ${gop} -sc_threshold 0 -bf 0 -b:v 800k
    -c:a aac -b:a 96k -ac 2 -f flv -flvflags no_duration_filesize -`;
  const { stdout } = await promisify(execFile)('ffmpeg', args.split(/\s+/), { encoding: 'buffer', maxBuffer: 1 << 28 });
  return { fps, seconds, ...readFlv(stdout) };
}

function readFlv(flv: Buffer): Pick<Clip, 'video' | 'audio' | 'pictures' | 'sounds'> {
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
      if (tag.type === 'frame') pictures.push({ data: tag.data, key: tag.key });
    } else if (type === 8) {
      const tag = parseFlvAudio(body);
      if (tag.type === 'config') audio = audioCapsFromConfig(tag.codec, tag.config, 48_000);
      if (tag.type === 'frame') sounds.push({ data: tag.data, key: true });
    }
  }
  if (!video || !audio) throw new Error('ffmpeg made no such clip');
  return { video, audio, pictures, sounds };
}

/** Who takes the chunks. */
export interface ChunkSink {
  readonly video: (chunk: Chunk) => void;
  readonly audio: (chunk: Chunk) => void;
}

export interface LiveOptions {
  /** Seconds. */
  readonly segment?: number;
  /** Frames a part. */
  readonly framesAPart?: number;
  /** Audio in segments of its own length instead of the video's: what made players stall. Seconds. */
  readonly audioSegment?: number;
}

/** The caps of the tracks that {@link playLive} makes. */
export function liveCaps(
  clip: Clip,
  { segment = 2, framesAPart = 10 }: LiveOptions = {},
): { video: ChunkCaps; audio: ChunkCaps } {
  const common = { segmentTarget: segment, partTarget: framesAPart / clip.fps };
  const { width, height } = clip.video;
  return {
    video: {
      ...common,
      ...{
        kind: 'video',
        codec: clip.video.codec,
        codecString: clip.video.codecString,
        timescale: 90_000,
        width,
        height,
      },
      init: buildInitSegment({ caps: clip.video }),
      frameRate: { num: clip.fps, den: 1 },
    },
    audio: {
      ...common,
      ...{ kind: 'audio', codec: clip.audio.codec, codecString: clip.audio.codecString, timescale: 48_000 },
      init: buildInitSegment({ caps: clip.audio }),
      ...{ sampleRate: clip.audio.sampleRate, channels: clip.audio.channels },
    },
  };
}

/** Chunks of one track: takes frames and says what they make. */
class Cutter {
  #held: { data: Uint8Array; key: boolean; duration: number }[] = [];
  #ticks: number;
  #part = 0;
  #sequence = 0;
  number: number;
  readonly #timescale: number;
  readonly #epoch: number;
  readonly #emit: (chunk: Chunk) => void;

  constructor(timescale: number, epoch: number, number: number, emit: (chunk: Chunk) => void) {
    this.#timescale = timescale;
    this.#epoch = epoch;
    this.#ticks = 0;
    this.number = number;
    this.#emit = emit;
  }

  /** Seconds of media so far, held samples included. */
  get end(): number {
    return (this.#ticks + this.#held.reduce((sum, { duration }) => sum + duration, 0)) / this.#timescale;
  }

  get heldSeconds(): number {
    return this.#held.reduce((sum, { duration }) => sum + duration, 0) / this.#timescale;
  }

  push(sample: Sample, duration: number): void {
    this.#held.push({ ...sample, duration });
  }

  cut(last: boolean): void {
    const samples = this.#held.map((sample) => ({ ...sample, compositionOffset: 0 }));
    this.#held = [];
    const duration = samples.reduce((sum, sample) => sum + sample.duration, 0);
    const startTs = this.#epoch + (this.#ticks / this.#timescale) * 1000;
    const baseTime = this.#ticks;
    this.#emit({
      ...{ segment: this.number, part: this.#part, last, independent: samples[0]!.key, baseTime, duration, startTs },
      ...{ discontinuity: false, writer: 'test' },
      data: writeChunk({
        sequence: (this.#sequence += 1),
        baseTime,
        samples,
        startsSegment: this.#part === 0,
        wallClock: startTs,
      }),
    });
    this.#ticks += duration;
    this.#part = last ? 0 : this.#part + 1;
    if (last) this.number += 1;
  }
}

/** Plays a clip for ever; returns the function that stops it. */
export function playLive(clip: Clip, sink: ChunkSink, options: LiveOptions = {}): () => void {
  const { segment = 2, framesAPart = 10, audioSegment } = options;
  const epoch = Date.now();
  const first = Math.floor(epoch / 1000 / segment);
  const video = new Cutter(90_000, epoch, first, sink.video);
  const audio = new Cutter(48_000, epoch, first, sink.audio);
  const part = framesAPart / clip.fps;
  const frameSeconds = 1024 / 48_000;
  let picture = 0;
  let sound = 0;
  let audioFrom = 0;

  const step = (): void => {
    const now = (Date.now() - epoch) / 1000;
    for (; (picture + 1) / clip.fps <= now; picture += 1) {
      const sample = clip.pictures[picture % clip.pictures.length]!;
      video.push(sample, 90_000 / clip.fps);
      const next = picture + 1;
      const last = next % Math.round(segment * clip.fps) === 0;
      if (last || Math.round(video.heldSeconds * clip.fps) >= framesAPart) video.cut(last);
    }
    for (; (sound + 1) * frameSeconds <= now; sound += 1) {
      audio.push(clip.sounds[sound % clip.sounds.length]!, 1024);
      // The segment ends with the frame in which the video's does, unless audio goes its own way.
      const boundary = audioSegment ? audioFrom + audioSegment : (audio.number - first + 1) * segment;
      const last = audioSegment ? audio.end + frameSeconds > boundary + 1e-9 : audio.end >= boundary - 1e-9;
      if (last || audio.heldSeconds + frameSeconds > part + 1e-9) audio.cut(last);
      if (last) audioFrom = audio.end;
    }
  };
  const timer = setInterval(step, 10);
  return () => clearInterval(timer);
}

/**
 * Media for tests: access units and chunks with the timing, key frames and caps of real ones, and deterministic bytes
 * that no decoder would understand.
 */
import {
  audioCapsFromConfig,
  buildAacConfig,
  buildInitSegment,
  buildOpusHead,
  videoCapsFromConfig,
  writeChunk,
} from '../media/index.ts';
import {
  rescale,
  ticksToMs,
  type AccessUnit,
  type AudioCaps,
  type Chunk,
  type ChunkCaps,
  type Rational,
  type VideoCaps,
} from '../model/index.ts';
import { syntheticAvcConfig } from './h264.ts';

/** What {@link syntheticVideo} makes. */
export interface VideoOptions {
  /** Frames a second, default 25; a fraction for the NTSC rates: `{ num: 30000, den: 1001 }`. */
  readonly fps?: number | Rational;
  /** Frames from one key frame to the next; default 25. */
  readonly gop?: number;
  /** Default `h264`; the others are always of 322x180. */
  readonly codec?: 'h264' | 'hevc' | 'av1';
  /** Every second frame is shown before the one decoded ahead of it; default false. */
  readonly bFrames?: boolean;
  /** Ticks a second; default 90000. */
  readonly timescale?: number;
  readonly width?: number;
  readonly height?: number;
  /** Bytes of a frame; default 200, a key frame has five times as many. */
  readonly frameBytes?: number;
  /** Decode time of the first frame in ms; default 0. */
  readonly startMs?: number;
  /** Server time (epoch ms) at which media time 0 arrives: `arrivedAt` counts from here. Default 0. */
  readonly epoch?: number;
}

/** What {@link syntheticAudio} makes. */
export interface AudioOptions {
  readonly codec?: 'aac' | 'opus';
  /** Default 48000. */
  readonly sampleRate?: number;
  /** Default 2. */
  readonly channels?: number;
  /** Ticks a second; default the sample rate. */
  readonly timescale?: number;
  readonly frameBytes?: number;
  readonly startMs?: number;
  readonly epoch?: number;
}

/** A synthetic elementary stream. */
export interface SyntheticStream<C> {
  readonly caps: C;
  /** The frame of this number, from 0. The same number always gives the same bytes and timestamps. */
  frame(index: number): AccessUnit;
  /** `count` frames from `first` (default 0). */
  frames(count: number, first?: number): AccessUnit[];
  /** All frames whose decode time lies in the first `ms` of the stream. */
  lasting(ms: number): AccessUnit[];
}

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
// hvcC and av1C as x265 and SVT-AV1 wrote them for 322x180.
const HVCC = hex(
  '0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959809a10001002a' +
    '42010101600000030090000003000003003ca00a480b9c9796566924caf0168080000003008000000f04a2000100074401c172b46240',
);
const AV1C = hex('81000c000a0b000000043d06cc02f80040');

function videoCaps(options: VideoOptions, rate: Rational, timescale: number): VideoCaps {
  const { codec = 'h264', bFrames = false, width = 320, height = 240 } = options;
  if (codec === 'h264') return videoCapsFromConfig('h264', syntheticAvcConfig(width, height, rate, bFrames), timescale);
  return { ...videoCapsFromConfig(codec, codec === 'hevc' ? HVCC : AV1C, timescale), frameRate: rate, bFrames };
}

/** Makes a video stream; see {@link VideoOptions} for what it is by default. */
export function syntheticVideo(options: VideoOptions = {}): SyntheticStream<VideoCaps> {
  const { gop = 25, bFrames = false, timescale = 90_000, frameBytes = 200, startMs = 0, epoch = 0 } = options;
  const rate = typeof options.fps === 'object' ? options.fps : rational(options.fps ?? 25);
  const start = Math.round((startMs / 1000) * timescale);
  const at = (frames: number): number => start + rescale(frames * rate.den, rate.num, timescale);
  return stream(videoCaps(options, rate, timescale), at, (index) => {
    const key = index % gop === 0;
    const dts = at(index);
    // Decode order I P B P B ...: a P frame is shown one place later than it is decoded, a B frame one earlier; all by
    // one frame late, so that pts is never below dts.
    const inGop = index % gop;
    const last = inGop === gop - 1;
    const shown = !bFrames
      ? index
      : key
        ? index + 1
        : inGop % 2 === 1 && !last
          ? index + 2
          : inGop % 2 === 1
            ? index + 1
            : index;
    return {
      dts,
      pts: at(shown),
      key,
      data: nalUnit(key ? 0x65 : inGop % 2 === 0 && bFrames ? 0x01 : 0x41, index, key ? frameBytes * 5 : frameBytes),
      arrivedAt: epoch + ticksToMs(dts, timescale),
    };
  });
}

/** Makes an audio stream: AAC with 1024 samples a frame, or Opus with 20 ms. */
export function syntheticAudio(options: AudioOptions = {}): SyntheticStream<AudioCaps> {
  const { codec = 'aac', sampleRate = 48_000, channels = 2, frameBytes = 100, startMs = 0, epoch = 0 } = options;
  const timescale = options.timescale ?? sampleRate;
  const config =
    codec === 'aac'
      ? buildAacConfig({ sampleRate, channels })
      : buildOpusHead({
          channels,
          preSkip: 312,
          inputRate: sampleRate,
          gain: 0,
          mappingFamily: 0,
          mapping: new Uint8Array(0),
        });
  const caps = audioCapsFromConfig(codec, config, timescale);
  const samples = codec === 'aac' ? 1024 : sampleRate / 50;
  const start = Math.round((startMs / 1000) * timescale);
  const at = (frames: number): number => start + rescale(frames * samples, sampleRate, timescale);
  return stream(caps, at, (index) => {
    const dts = at(index);
    const data = patterned(index, frameBytes);
    // Opus: a TOC byte of one 20 ms CELT fullband frame (RFC 6716 3.1), so that its duration can be read.
    if (codec === 'opus') data[0] = 0xfc;
    return {
      dts,
      pts: dts,
      duration: at(index + 1) - dts,
      key: true,
      data,
      arrivedAt: epoch + ticksToMs(dts, timescale),
    };
  });
}

function stream<C extends VideoCaps | AudioCaps>(
  caps: C,
  at: (index: number) => number,
  frame: (index: number) => AccessUnit,
): SyntheticStream<C> {
  const frames = (count: number, first = 0): AccessUnit[] => Array.from({ length: count }, (_, i) => frame(first + i));
  return {
    caps,
    frame,
    frames,
    lasting: (ms) => {
      const end = at(0) + (ms / 1000) * caps.timescale;
      let count = 0;
      while (at(count) < end) count += 1;
      return frames(count);
    },
  };
}

function rational(fps: number): Rational {
  return Number.isInteger(fps) ? { num: fps, den: 1 } : { num: Math.round(fps * 1000), den: 1000 };
}

/** Bytes that depend on the number only, never two alike. */
function patterned(seed: number, length: number): Uint8Array {
  const data = new Uint8Array(length);
  let state = (seed + 1) * 2_654_435_761;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + i) >>> 0;
    // 4 to 255: no emulation of a start code can arise.
    data[i] = 4 + (state % 252);
  }
  return data;
}

/** One NAL unit with its four-byte length. */
function nalUnit(header: number, seed: number, length: number): Uint8Array {
  const data = patterned(seed, length);
  new DataView(data.buffer).setUint32(0, length - 4);
  data[4] = header;
  return data;
}

/** What {@link syntheticChunks} makes. */
export interface ChunkOptions {
  /** Default: H.264 at 25 fps with a key frame a second. */
  readonly stream?: SyntheticStream<VideoCaps> | SyntheticStream<AudioCaps>;
  /** Frames of a part; default 5. */
  readonly framesPerPart?: number;
  /** Parts of a segment; default 5. */
  readonly partsPerSegment?: number;
  /** Number of the first segment; default 1. */
  readonly firstSegment?: number;
  /** Server time (epoch ms) of media time 0; default 0. */
  readonly epoch?: number;
  readonly writer?: string;
}

/** A synthetic stream of CMAF chunks. */
export interface SyntheticChunks {
  readonly caps: ChunkCaps;
  /** The chunk of this number, from 0; parts and segments follow from it. */
  chunk(index: number): Chunk;
  /** `count` chunks from `first` (default 0). */
  chunks(count: number, first?: number): Chunk[];
}

/** Makes CMAF chunks around a synthetic stream: real boxes, readable by every parser, around bytes that mean nothing. */
export function syntheticChunks(options: ChunkOptions = {}): SyntheticChunks {
  const { framesPerPart = 5, partsPerSegment = 5, firstSegment = 1, epoch = 0, writer = 'test' } = options;
  const source: { caps: VideoCaps | AudioCaps; frames: SyntheticStream<VideoCaps>['frames'] } =
    options.stream ?? syntheticVideo();
  const { caps } = source;
  const chunk = (index: number): Chunk => {
    const units = source.frames(framesPerPart + 1, index * framesPerPart);
    const end = units.pop()!;
    const part = index % partsPerSegment;
    const samples = units.map((unit, i) => ({
      data: unit.data,
      duration: (units[i + 1] ?? end).dts - unit.dts,
      compositionOffset: unit.pts - unit.dts,
      key: unit.key,
    }));
    const first = units[0]!;
    return {
      segment: firstSegment + Math.floor(index / partsPerSegment),
      part,
      last: part === partsPerSegment - 1,
      independent: first.key,
      baseTime: first.dts,
      duration: end.dts - first.dts,
      startTs: epoch + ticksToMs(first.pts, caps.timescale),
      discontinuity: false,
      writer,
      data: writeChunk({ sequence: index + 1, baseTime: first.dts, samples, startsSegment: part === 0 }),
    };
  };
  const partTarget = chunk(0).duration / caps.timescale;
  return {
    caps: { ...chunkCaps(caps), segmentTarget: partTarget * partsPerSegment, partTarget },
    chunk,
    chunks: (count, first = 0) => Array.from({ length: count }, (_, i) => chunk(first + i)),
  };
}

function chunkCaps(caps: VideoCaps | AudioCaps): Omit<ChunkCaps, 'segmentTarget' | 'partTarget'> {
  const { kind, codec, codecString, timescale } = caps;
  const init = buildInitSegment({ caps });
  if (caps.kind === 'audio') {
    return { kind, codec, codecString, timescale, init, sampleRate: caps.sampleRate, channels: caps.channels };
  }
  const { width, height, frameRate } = caps;
  return { kind, codec, codecString, timescale, init, width, height, ...(frameRate && { frameRate }) };
}

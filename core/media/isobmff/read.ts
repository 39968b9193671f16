/** Reading chunks back: for DASH, export and tests. */
import { malformed, truncated } from '../media-error.ts';
import { findBox, readBoxes } from './box.ts';

/** A sample as a chunk describes it; `data` is a view. */
export interface ReadSample {
  readonly dts: number;
  readonly pts: number;
  readonly duration: number;
  readonly key: boolean;
  readonly data: Uint8Array;
}

/** One moof with its mdat. */
export interface ReadChunk {
  readonly sequence: number;
  readonly trackId: number;
  /** The tfdt. */
  readonly baseTime: number;
  readonly samples: readonly ReadSample[];
  /** The prft in front: server time (epoch ms) and media time. */
  readonly producerTime?: { readonly wallClock: number; readonly mediaTime: number };
  /** True where a styp stands in front. */
  readonly startsSegment: boolean;
}

interface TrackDefaults {
  duration: number;
  size: number;
  flags: number;
}

/**
 * Reads every chunk of a segment. Takes what {@link writeChunk} writes and the common shapes of other writers (defaults in
 * tfhd, several truns); data must be relative to the moof. Throws a MediaError.
 */
export function readChunks(segment: Uint8Array): ReadChunk[] {
  const chunks: ReadChunk[] = [];
  let producerTime: ReadChunk['producerTime'];
  let startsSegment = false;
  for (const { type, body, offset } of readBoxes(segment)) {
    if (type === 'styp') startsSegment = true;
    else if (type === 'prft') producerTime = readPrft(body);
    else if (type === 'moof') {
      chunks.push({
        ...readMoof(body, segment.subarray(offset)),
        startsSegment,
        ...(producerTime && { producerTime }),
      });
      producerTime = undefined;
      startsSegment = false;
    }
  }
  return chunks;
}

function readMoof(moof: Uint8Array, fromMoof: Uint8Array): Omit<ReadChunk, 'startsSegment'> {
  const mfhd = findBox(moof, ['mfhd']);
  const traf = findBox(moof, ['traf']);
  const tfhd = traf && findBox(traf.body, ['tfhd']);
  const tfdt = traf && findBox(traf.body, ['tfdt']);
  if (!mfhd || !tfhd || !tfdt) throw malformed('a moof without mfhd, tfhd or tfdt');
  const h = new Fields(tfhd.body);
  const flags = h.u32() & 0xffffff;
  const trackId = h.u32();
  if (flags & 1) throw malformed('a tfhd with a base data offset');
  if (flags & 2) h.u32();
  const defaults: TrackDefaults = {
    duration: flags & 8 ? h.u32() : 0,
    size: flags & 16 ? h.u32() : 0,
    flags: flags & 32 ? h.u32() : 0,
  };
  const t = new Fields(tfdt.body);
  const baseTime = t.u32() >>> 24 === 1 ? t.u64() : t.u32();
  const samples: ReadSample[] = [];
  let dts = baseTime;
  for (const trun of readBoxes(traf.body)) {
    if (trun.type !== 'trun') continue;
    readTrun(trun.body, fromMoof, defaults, dts, samples);
    const last = samples.at(-1);
    if (last) dts = last.dts + last.duration;
  }
  const sequence = new Fields(mfhd.body.subarray(4)).u32();
  return { sequence, trackId, baseTime, samples };
}

function readTrun(
  trun: Uint8Array,
  fromMoof: Uint8Array,
  defaults: TrackDefaults,
  start: number,
  out: ReadSample[],
): void {
  const r = new Fields(trun);
  const head = r.u32();
  const flags = head & 0xffffff;
  const count = r.u32();
  let at = flags & 1 ? r.u32() : 0;
  const firstFlags = flags & 4 ? r.u32() : undefined;
  let dts = start;
  for (let i = 0; i < count; i++) {
    const duration = flags & 0x100 ? r.u32() : defaults.duration;
    const size = flags & 0x200 ? r.u32() : defaults.size;
    const sampleFlags = flags & 0x400 ? r.u32() : i === 0 && firstFlags !== undefined ? firstFlags : defaults.flags;
    const raw = flags & 0x800 ? r.u32() : 0;
    const offset = head >>> 24 === 1 ? raw | 0 : raw;
    if (at + size > fromMoof.length) throw truncated('a sample');
    const data = fromMoof.subarray(at, at + size);
    out.push({ dts, pts: dts + offset, duration, key: (sampleFlags & 0x10000) === 0, data });
    dts += duration;
    at += size;
  }
}

function readPrft(body: Uint8Array): { wallClock: number; mediaTime: number } {
  const r = new Fields(body);
  const version = r.u32() >>> 24;
  r.u32();
  const wallClock = (r.u32() - 2_208_988_800) * 1000 + (r.u32() / 2 ** 32) * 1000;
  return { wallClock, mediaTime: version === 1 ? r.u64() : r.u32() };
}

class Fields {
  readonly #view: DataView;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  u32(): number {
    if (this.#at + 4 > this.#view.byteLength) throw truncated('a box');
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }

  u64(): number {
    return this.u32() * 2 ** 32 + this.u32();
  }
}

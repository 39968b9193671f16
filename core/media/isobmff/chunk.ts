/** CMAF chunks (ISO 23000-19 7.3.2.3): styp? prft? moof mdat, written in one allocation. */

/** One sample of a chunk, in decode order. */
export interface ChunkSample {
  readonly data: Uint8Array;
  /** Ticks. */
  readonly duration: number;
  /** Presentation minus decode time in ticks; signed. */
  readonly compositionOffset: number;
  /** True where decoding can begin here. */
  readonly key: boolean;
}

/** What a chunk is made of. */
export interface ChunkInput {
  /** Must be the init segment's; default 1. */
  readonly trackId?: number;
  /** moof sequence number: counts up by one a track. */
  readonly sequence: number;
  /** Decode time of the first sample in ticks, up to 2^53. */
  readonly baseTime: number;
  readonly samples: readonly ChunkSample[];
  /** Puts a styp in front: the chunk begins a segment. */
  readonly startsSegment?: boolean;
  /** Server time (epoch ms) of the first sample's presentation, for the prft box; none without it. */
  readonly wallClock?: number;
}

const STYP_BRANDS = ['msdh', 'cmfs', 'cmff', 'cmfl'] as const;
const STYP_SIZE = 16 + 4 * STYP_BRANDS.length;
const PRFT_SIZE = 32;
const MOOF_SIZE = 8 + 16 + 8 + 20 + 20; // up to the trun: moof, mfhd, traf, tfhd, tfdt
/** Seconds from 1900 (NTP) to 1970. */
const NTP_EPOCH = 2_208_988_800;

const TRUN = { dataOffset: 0x1, duration: 0x100, size: 0x200, flags: 0x400, offset: 0x800 } as const;
/** sample_depends_on 2 (none): decoding can begin here; or 1 (others) with sample_is_non_sync_sample. */
const SYNC_FLAGS = 0x02000000;
const NON_SYNC_FLAGS = 0x01010000;

/** Writes a chunk. The payloads are copied once, into the one buffer that is returned. */
export function writeChunk(input: ChunkInput): Uint8Array {
  const { samples } = input;
  let payload = 0;
  let uniformFlags = true;
  let offsets = false;
  for (const sample of samples) {
    payload += sample.data.length;
    uniformFlags &&= sample.key;
    offsets ||= sample.compositionOffset !== 0;
  }
  const flags =
    TRUN.dataOffset | TRUN.duration | TRUN.size | (uniformFlags ? 0 : TRUN.flags) | (offsets ? TRUN.offset : 0);
  const perSample = 8 + (uniformFlags ? 0 : 4) + (offsets ? 4 : 0);
  const lead = (input.startsSegment ? STYP_SIZE : 0) + (input.wallClock === undefined ? 0 : PRFT_SIZE);
  const trunSize = 20 + samples.length * perSample;
  const moofSize = MOOF_SIZE + trunSize;
  const out = new Uint8Array(lead + moofSize + 8 + payload);
  const w = new Cursor(out);
  const trackId = input.trackId ?? 1;

  if (input.startsSegment) {
    w.head(STYP_SIZE, 'styp').text(STYP_BRANDS[0]).u32(0);
    for (const brand of STYP_BRANDS) w.text(brand);
  }
  if (input.wallClock !== undefined) {
    // Flag 8: a time that is arbitrary but consistent, the server's (ISO 14496-12 8.16.5).
    w.head(PRFT_SIZE, 'prft').u32(0x01000008).u32(trackId).ntp(input.wallClock).u64(input.baseTime);
  }
  w.head(moofSize, 'moof');
  w.head(16, 'mfhd').u32(0).u32(input.sequence);
  w.head(moofSize - 24, 'traf');
  // default-base-is-moof, default sample flags
  w.head(20, 'tfhd').u32(0x020020).u32(trackId).u32(SYNC_FLAGS);
  w.head(20, 'tfdt').u32(0x01000000).u64(input.baseTime);
  w.head(trunSize, 'trun')
    .u32(0x01000000 | flags)
    .u32(samples.length)
    .u32(moofSize + 8);
  for (const sample of samples) {
    w.u32(sample.duration).u32(sample.data.length);
    if (!uniformFlags) w.u32(sample.key ? SYNC_FLAGS : NON_SYNC_FLAGS);
    if (offsets) w.u32(sample.compositionOffset);
  }
  w.head(8 + payload, 'mdat');
  for (const sample of samples) w.bytes(sample.data);
  return out;
}

/** Writes big-endian fields one after the other. */
class Cursor {
  readonly #out: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(out: Uint8Array) {
    this.#out = out;
    this.#view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  }

  head(size: number, type: string): this {
    return this.u32(size).text(type);
  }

  text(type: string): this {
    for (let i = 0; i < 4; i++) this.#out[this.#at + i] = type.charCodeAt(i);
    this.#at += 4;
    return this;
  }

  /** 32 bits; negative numbers come out in two's complement. */
  u32(value: number): this {
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
    return this;
  }

  u64(value: number): this {
    return this.u32(Math.floor(value / 2 ** 32)).u32(value % 2 ** 32);
  }

  ntp(epochMs: number): this {
    const seconds = Math.floor(epochMs / 1000);
    return this.u32(seconds + NTP_EPOCH).u32(Math.floor(((epochMs - seconds * 1000) / 1000) * 2 ** 32));
  }

  bytes(data: Uint8Array): this {
    this.#out.set(data, this.#at);
    this.#at += data.length;
    return this;
  }
}

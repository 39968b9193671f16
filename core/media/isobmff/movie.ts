/** Progressive movies (ISO 14496-12): ftyp and moov in front of media that is written after them, sample for sample. */
import { malformed } from '../media-error.ts';
import { box, dataInFile, fields, fourCc, fullBox, MATRIX } from './box.ts';
import type { ReadInit } from './read-init.ts';

/** A sample as a movie's tables know it; times in ticks of its track, on any timeline of their own. */
export interface MovieSample {
  readonly dts: number;
  readonly pts: number;
  /** How long it lasts where no other follows. */
  readonly duration: number;
  /** Bytes. */
  readonly size: number;
  readonly key: boolean;
}

/** What a player shows of a track, in order (ISO 14496-12 8.6.6). */
export interface MovieEdit {
  /** In ticks of the movie. */
  readonly duration: number;
  /** From where, on the timeline of the samples; undefined: nothing for so long. */
  readonly from?: number;
}

/** What a movie is, beside its tracks. */
export interface MovieOptions {
  /** Ticks a second of the movie and of edits. */
  readonly timescale: number;
  /** Server time (epoch ms) of its first picture, told as its time of creation. */
  readonly createdAt: number;
  /** Bytes of media behind the header. */
  readonly payload: number;
}

/** Seconds from 1904 to 1970. */
const MAC_EPOCH = 2_082_844_800;

/** Where a track is in its file. */
interface TrackPlace {
  readonly trackId: number;
  /** Where the media begins, bytes. */
  readonly base: number;
  /** Beyond 4 GiB. */
  readonly wide: boolean;
  /** Seconds since 1904. */
  readonly created: number;
}

/** Takes the samples of one track in decode order; a sample lasts until the next one, so that holes are time. */
export class MovieTrack {
  readonly init: ReadInit;
  readonly #entries: Uint8Array[] = [];
  readonly #sizes = new Table(1);
  readonly #durations = new Table(2);
  readonly #offsets = new Table(2);
  readonly #syncs = new Table(1);
  /** First chunk, samples in each, description. */
  readonly #layout = new Table(3);
  readonly #chunks: number[] = [];
  #first = 0;
  #last: MovieSample | undefined;
  #inChunk = 0;
  #length = 0;

  /** The track is what its first init segment says; others bring sample entries alone. */
  constructor(init: ReadInit) {
    this.init = init;
  }

  /** True before the first sample. */
  get isEmpty(): boolean {
    return this.#sizes.length === 0;
  }

  /** Where the samples end so far, on their own timeline. */
  get end(): number {
    return this.#first + this.#length + (this.#last?.duration ?? 0);
  }

  /** The decode time of the first sample: 0 in the file. */
  get first(): number {
    return this.#first;
  }

  /** Adds a sample. Throws a MediaError for one that is not later than the one before. */
  add(sample: MovieSample): void {
    if (this.#last) this.#lasts(sample.dts - this.#last.dts);
    else this.#first = sample.dts;
    this.#last = sample;
    this.#sizes.push(sample.size);
    this.#inChunk += 1;
    this.#offsets.run(sample.pts - sample.dts);
    if (sample.key) this.#syncs.push(this.#sizes.length);
  }

  /**
   * The samples since the last call lie together, `at` bytes behind the beginning of the media, and are decoded by this sample
   * entry. Nothing where there are none.
   */
  endChunk(at: number, entry: Uint8Array): void {
    if (this.#inChunk === 0) return;
    let description = this.#entries.findIndex((known) => isEqual(known, entry)) + 1;
    if (description === 0) description = this.#entries.push(entry);
    this.#chunks.push(at);
    const [, samples, before] = this.#layout.last(3);
    if (samples !== this.#inChunk || before !== description)
      this.#layout.push(this.#chunks.length, this.#inChunk, description);
    this.#inChunk = 0;
  }

  /** Its trak. To be called when all samples are there, as often as wished. */
  write(place: TrackPlace, edits: readonly MovieEdit[]): Uint8Array {
    if (this.#last) this.#lasts(this.#last.duration);
    this.#last = undefined;
    const { trackId, base, wide, created } = place;
    const { kind, timescale, language, width, height, handler, mediaHeader } = this.init;
    const head = fields([8, created], [8, created]);
    const [group, volume] = kind === 'audio' ? [1, 0x100] : [0, 0];
    const tkhd = fullBox(
      'tkhd',
      1,
      7, // enabled, in movie, in preview
      head,
      fields([4, trackId], [4, 0], [8, lengthOf(edits)], [8, 0], [2, 0], [2, group], [2, volume], [2, 0]),
      MATRIX,
      fields([4, width], [4, height]),
    );
    const list = edits.map(({ duration, from }) => {
      const [high, low] = from === undefined ? [-1, -1] : [Math.floor(from / 2 ** 32), from % 2 ** 32];
      return fields([8, duration], [4, high], [4, low], [2, 1], [2, 0]);
    });
    const offsets = this.#chunks.map((at) => fields([wide ? 8 : 4, base + at]));
    const stbl = box(
      'stbl',
      fullBox('stsd', 0, 0, fields([4, this.#entries.length]), ...this.#entries),
      this.#durations.write('stts', 0),
      ...(this.#offsets.isZero ? [] : [this.#offsets.write('ctts', 1)]),
      ...(this.#syncs.length === this.#sizes.length ? [] : [this.#syncs.write('stss', 0)]),
      this.#layout.write('stsc', 0),
      // No size that all samples have.
      this.#sizes.write('stsz', 0, fields([4, 0])),
      fullBox(wide ? 'co64' : 'stco', 0, 0, fields([4, offsets.length]), join(offsets)),
    );
    return box(
      'trak',
      tkhd,
      box('edts', fullBox('elst', 1, 0, fields([4, edits.length]), ...list)),
      box(
        'mdia',
        fullBox('mdhd', 1, 0, head, fields([4, timescale], [8, this.#length], [2, language], [2, 0])),
        handler,
        box('minf', mediaHeader, dataInFile(), stbl),
      ),
    );
  }

  /** The last sample lasts so long. */
  #lasts(duration: number): void {
    if (duration <= 0) throw malformed('a sample that is not later than the one before');
    this.#durations.run(duration);
    this.#length += duration;
  }
}

/** A track with what is shown of it. */
export interface EditedTrack {
  readonly track: MovieTrack;
  readonly edits: readonly MovieEdit[];
}

/**
 * Everything before the media: ftyp, moov, and the head of mdat. To be called once, when all samples are there. Its length
 * grows with the number of samples, by some ten bytes each.
 */
export function buildMovieHeader(tracks: readonly EditedTrack[], options: MovieOptions): Uint8Array {
  const { timescale, createdAt, payload } = options;
  const created = Math.floor(createdAt / 1000) + MAC_EPOCH;
  const ftyp = box('ftyp', fourCc('isom'), fields([4, 0x200]), ...['isom', 'iso6', 'mp41', 'mp42'].map(fourCc));
  // Half a megabyte of tables for an hour of samples is far from the difference.
  const wide = payload > 0xf000_0000;
  const mdat = wide ? fields([4, 1], [4, MDAT], [8, payload + 16]) : fields([4, payload + 8], [4, MDAT]);
  const mvhd = fullBox(
    'mvhd',
    1,
    0,
    fields([8, created], [8, created], [4, timescale], [8, Math.max(...tracks.map(({ edits }) => lengthOf(edits)))]),
    fields([4, 0x10000], [2, 0x100], [2, 0], [8, 0]),
    MATRIX,
    new Uint8Array(24),
    fields([4, tracks.length + 1]),
  );
  const moovAt = (base: number): Uint8Array =>
    box(
      'moov',
      mvhd,
      ...tracks.map(({ track, edits }, index) => track.write({ trackId: index + 1, base, wide, created }, edits)),
    );
  // Its length does not depend on what its offsets are.
  const base = ftyp.length + moovAt(0).length + mdat.length;
  return join([ftyp, moovAt(base), mdat]);
}

const MDAT = 0x6d646174;

const lengthOf = (edits: readonly MovieEdit[]): number => edits.reduce((sum, { duration }) => sum + duration, 0);

const isEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The entries of a box, each of so many 32-bit numbers: held as numbers, so that an hour of samples takes little room. */
class Table {
  readonly #width: number;
  #values = new Int32Array(256);
  #used = 0;

  constructor(width: number) {
    this.#width = width;
  }

  /** Numbers, not entries. */
  get length(): number {
    return this.#used;
  }

  /** True where the only run is of zeros. */
  get isZero(): boolean {
    return this.#used === 2 && this.#values[1] === 0;
  }

  push(...numbers: readonly number[]): void {
    if (this.#used + numbers.length > this.#values.length) {
      const grown = new Int32Array(this.#values.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values.set(numbers, this.#used);
    this.#used += numbers.length;
  }

  /** Adds a value to the run of equal ones: a count and a value. */
  run(value: number): void {
    if (this.#used > 0 && this.#values[this.#used - 1] === value) this.#values[this.#used - 2]! += 1;
    else this.push(1, value);
  }

  /** The last so many numbers. */
  last(count: number): Int32Array {
    return this.#values.subarray(Math.max(0, this.#used - count), this.#used);
  }

  /** As a full box: what comes first, the count of entries, the entries. */
  write(type: string, version: number, first: Uint8Array = new Uint8Array(0)): Uint8Array {
    const numbers = new Uint8Array(this.#used * 4);
    const view = new DataView(numbers.buffer);
    for (let index = 0; index < this.#used; index += 1) view.setInt32(index * 4, this.#values[index]!);
    return fullBox(type, version, 0, first, fields([4, this.#used / this.#width]), numbers);
  }
}

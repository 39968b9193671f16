/**
 * From segments to a progressive movie: every segment is read once for the tables in front. Within a publication the clock of its media
 * places everything, so that sound and picture stay in step to the tick; from one to the next the server's does, so that holes keep their length.
 */
import type { Segment } from 'eddy/plugin';
import { buildMovieHeader, MovieTrack, type MovieEdit, type ReadInit, type ReadSample } from 'eddy/media';
import { JOIN_MS } from 'eddy/plugin';
import type { PastTrack } from '../shared/past-media.ts';
import { refusal } from './answers.ts';
import type { Clip, Piece } from './clip.ts';
import type { Cut, ReadSegment } from './cut.ts';
import { silenceOf, type SilentFrame } from './silence.ts';

/** Sound that is decoded before the first that is heard, s: decoders need some to begin right (Opus 80 ms, RFC 7845 4.6). */
const PREROLL = 0.08;

/** A segment from which on media time is shifted by so many seconds. */
interface Run {
  readonly number: number;
  readonly shift: number;
}

/** What {@link planClip} reads. */
export interface ClipSource {
  /** The first leads. */
  readonly tracks: readonly PastTrack[];
  readonly cut: Cut;
  readonly read: ReadSegment;
  /** What a segment's init segment says. */
  readonly init: (segment: Segment) => Promise<ReadInit>;
}

/** Reads all segments of a clip. Rejects with `publish.clips/CODEC_CHANGES` and `MEDIA_GONE`. */
export async function planClip({ tracks, cut, read, init }: ClipSource): Promise<Clip> {
  const [lead] = tracks;
  const within = lead!.segments.filter(
    ({ number }) => number >= cut.from.segment.number && number <= cut.to.segment.number,
  );
  const runs = runsOf(within);
  const shiftOf = ({ number }: Segment): number => (runs.findLast((run) => run.number <= number) ?? runs[0]!).shift;
  const scale = cut.startSegment.timescale;
  // On the timeline of the first run, s.
  const start = cut.startPts / scale + shiftOf(cut.startSegment);
  const end = cut.endPts / scale + shiftOf(cut.to.segment);
  const media = new ClipMedia();
  const writers = tracks.map((track) => new TrackWriter(media, track.kind));
  const order = tracks
    .flatMap(({ segments }, index) => (index === 0 ? within : segments).map((segment) => ({ index, segment })))
    .toSorted((a, b) => a.segment.number - b.segment.number || a.index - b.index);
  for (const { index, segment } of order) {
    // A follower's segment need not begin where the leader's does.
    const near = Math.abs(segment.number - clamp(segment.number, cut.from.segment.number, cut.to.segment.number)) <= 1;
    if (!near) continue;
    const samples = await read(segment);
    const shift = Math.round(shiftOf(segment) * segment.timescale);
    const seconds = ({ dts }: ReadSample): number => (dts + shift) / segment.timescale;
    const takes = (sample: ReadSample, place: number): boolean =>
      index === 0
        ? (segment !== cut.from.segment || place >= cut.from.index) &&
          (segment !== cut.to.segment || place <= cut.to.index)
        : seconds(sample) + sample.duration / segment.timescale > start - PREROLL && seconds(sample) < end;
    if (samples.some(takes)) writers[index]!.add(segment, await init(segment), samples, shift, takes);
  }
  const edited = writers.flatMap(({ track }) => {
    const edits = track && editsOf(track, start, end, scale);
    return edits ? [{ track, edits }] : [];
  });
  const header = buildMovieHeader(edited, { timescale: scale, createdAt: cut.startTs, payload: media.bytes });
  return { header, pieces: media.pieces, bytes: header.length + media.bytes, startTs: cut.startTs };
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** Where the clock of the media begins anew, and how it is to be shifted so that holes are as long as the server says. */
function runsOf(segments: readonly Segment[]): Run[] {
  const runs: Run[] = [];
  for (const [index, segment] of segments.entries()) {
    const before = segments[index - 1];
    const last = runs.at(-1);
    if (!before || !last) runs.push({ number: segment.number, shift: 0 });
    else if (segment.discontinuity || segment.writer !== before.writer || segment.initUrl !== before.initUrl) {
      const hole = segment.startTs - before.startTs - before.duration;
      const end = (before.baseTime + before.durationTicks) / before.timescale + last.shift;
      const shift = end + (hole > JOIN_MS ? hole / 1000 : 0) - segment.baseTime / segment.timescale;
      runs.push({ number: segment.number, shift });
    }
  }
  return runs;
}

/** What is shown of a track between two moments in seconds; undefined where that is nothing. */
function editsOf(track: MovieTrack, start: number, end: number, movieScale: number): MovieEdit[] | undefined {
  const { timescale } = track.init;
  const from = Math.round(start * timescale) - track.first;
  const late = Math.max(0, -from / timescale);
  const lasts = Math.min(end - start - late, (track.end - track.first - Math.max(0, from)) / timescale);
  const ticks = (seconds: number): number => Math.round(seconds * movieScale);
  if (ticks(lasts) <= 0) return undefined;
  const shown = { from: Math.max(0, from), duration: ticks(lasts) };
  return ticks(late) > 0 ? [{ duration: ticks(late) }, shown] : [shown];
}

/** The media behind the header, as pieces of segments. */
class ClipMedia {
  readonly pieces: Piece[] = [];
  bytes = 0;

  /** Where the piece begins. */
  add(piece: Piece): number {
    this.pieces.push(piece);
    this.bytes += piece.bytes;
    return this.bytes - piece.bytes;
  }
}

/** One track of the movie as it grows. */
class TrackWriter {
  track: MovieTrack | undefined;
  readonly #media: ClipMedia;
  readonly #kind: 'video' | 'audio';

  constructor(media: ClipMedia, kind: 'video' | 'audio') {
    this.#media = media;
    this.#kind = kind;
  }

  /** Adds those samples of a segment that are taken; `shift` in ticks. */
  add(
    segment: Segment,
    init: ReadInit,
    samples: readonly ReadSample[],
    shift: number,
    takes: (sample: ReadSample, index: number) => boolean,
  ): void {
    const track = (this.track ??= new MovieTrack(init));
    checkSame(track.init, init, segment);
    const silence = this.#kind === 'audio' ? silenceOf(init, segment.codecString.toLowerCase()) : undefined;
    let piece = { from: 0, to: 0, bytes: 0 };
    const close = (): void => {
      if (piece.bytes === 0) return;
      const { from, to, bytes } = piece;
      track.endChunk(this.#media.add({ bytes, media: { segment, from, to } }), init.entry);
      piece = { from: 0, to: 0, bytes: 0 };
    };
    for (const [index, sample] of samples.entries()) {
      const before = track.isEmpty ? undefined : track.end;
      let dts = sample.dts + shift;
      // Sound that begins before the last has ended, where another publisher's begins.
      const overlaps = before !== undefined && this.#kind === 'audio' && dts < before - sample.duration / 2;
      if (!takes(sample, index) || overlaps) {
        close();
        continue;
      }
      if (before !== undefined) {
        dts = Math.max(dts, before);
        if (silence && dts - before >= silence.duration) {
          close();
          this.#fill(track, init, silence, before, dts);
        }
      }
      const { pts, duration, key, data } = sample;
      track.add({ dts, pts: dts + pts - sample.dts, duration, size: data.length, key });
      piece = { from: piece.bytes === 0 ? index : piece.from, to: index + 1, bytes: piece.bytes + data.length };
    }
    close();
  }

  #fill(track: MovieTrack, init: ReadInit, { data, duration }: SilentFrame, from: number, to: number): void {
    const times = Math.floor((to - from) / duration);
    for (let index = 0; index < times; index += 1) {
      const dts = from + index * duration;
      track.add({ dts, pts: dts, duration, size: data.length, key: true });
    }
    track.endChunk(this.#media.add({ bytes: times * data.length, media: { data, times } }), init.entry);
  }
}

/** A track of a file has one clock and, for players, one codec; parameters of that may change. */
function checkSame(first: ReadInit, init: ReadInit, { startTs, track }: Segment): void {
  const [was, is] = [first, init].map(({ entry }) => Buffer.from(entry.subarray(4, 8)).toString('latin1'));
  if (was === is && first.timescale === init.timescale) return;
  const change = was === is ? `${first.timescale} to ${init.timescale} ticks a second` : `${was} to ${is}`;
  const at = new Date(startTs).toISOString();
  throw refusal(
    'CODEC_CHANGES',
    `Track "${track}" goes over from ${change} at ${at}: export up to there, and from there on.`,
  );
}

/**
 * Periods of a live camera (ISO 23009-1 5.3.2): stretches in which one mapping from media time to server time holds, with one set of
 * init segments. What was once told of a Period stays: its start, its numbering, and how its segments are addressed.
 *
 * Segments are addressed by number, with the exact duration of a GOP, while every one of them begins within a quarter of a
 * duration of where that says: then the manifest need not change. Where they do not, a Period that measures anew begins; a camera
 * that breaks such a Period again soon has no regular GOPs, and its Periods list their segments from then on.
 */
import type { TrackId } from 'eddy/plugin';
import type { LiveCamera } from '../shared/live-camera.ts';
import type { LiveInit, LiveSegment } from '../shared/live-segment.ts';
import type { LiveTrack } from '../shared/live-track.ts';

/** How far a segment may begin from where its number says, as a share of a segment (DASH-IF IOP 4.3 allows half). */
const TOLERANCE = 0.25;
/** A Period by number that breaks before so many segments was no regular one. */
const REGULAR_SEGMENTS = 10;
/** Irregular Periods after which a camera is taken for irregular. */
const STRIKES = 2;
/** A track that was not written for so many segments has left. */
const LEFT = 2;

/** A moment of media time, in ticks of a timescale. */
export interface MediaTime {
  readonly ticks: number;
  readonly timescale: number;
}

/** One Period. */
export interface Period {
  /** Unique in the camera. */
  readonly id: string;
  /** The first segment's number, and who writes them. */
  readonly number: number;
  readonly writer: string;
  /** Server time (epoch ms) at which it begins, which is when `media` is presented. */
  startTs: number;
  media: MediaTime;
  readonly tracks: Map<TrackId, LiveInit>;
  readonly addressing: 'number' | 'time';
  /** By number: the duration of every segment; undefined until it was measured. */
  duration: MediaTime | undefined;
  /** The first number that is no longer of it, and where its media ends; undefined while it goes on. */
  end: { readonly number: number; readonly media: MediaTime } | undefined;
  /** True once a manifest told of it. */
  published: boolean;
}

const secondsOf = ({ ticks, timescale }: MediaTime): number => ticks / timescale;

/** Server time (epoch ms) at which a moment of media time is presented in a Period. */
export function presentedAt(period: Pick<Period, 'startTs' | 'media'>, media: MediaTime): number {
  const { ticks, timescale } = period.media;
  const distance =
    media.timescale === timescale ? (media.ticks - ticks) / timescale : secondsOf(media) - secondsOf(period.media);
  return period.startTs + distance * 1000;
}

/** See the file's head. */
export class Periods {
  readonly list: Period[] = [];
  readonly #camera: LiveCamera;
  /** The newest segment of each track that was looked at. */
  readonly #seen = new Map<TrackId, LiveSegment>();
  #strikes: number;
  /** The newest duration measured: a new Period begins with it, before it has one of its own. */
  #duration: MediaTime | undefined;

  /** `listed`: every Period lists its segments, from the first on. */
  constructor(camera: LiveCamera, { listed = false }: { readonly listed?: boolean } = {}) {
    this.#camera = camera;
    this.#strikes = listed ? STRIKES : 0;
    camera.onSegment((track) => this.#look(track));
    for (const track of camera.tracks.values()) this.#look(track);
  }

  /** The Period that a segment belongs to. */
  of(segment: Pick<LiveSegment, 'number'>): Period | undefined {
    return this.list.findLast(({ number }) => number <= segment.number);
  }

  /** Whether a manifest says that this segment is there at `now` (epoch ms), or is the next one: clocks are never quite alike. */
  tells(writer: string, number: number, now: number): boolean {
    return this.list.some((period) => {
      if (period.writer !== writer || !period.duration || number < period.number) return false;
      return number <= period.number + (now - period.startTs) / 1000 / secondsOf(period.duration) + 1;
    });
  }

  #look(track: LiveTrack): void {
    const seen = this.#seen.get(track.id)?.number ?? -Infinity;
    const fresh = track.segments.slice(track.segments.findLastIndex(({ number }) => number <= seen) + 1);
    const leads = track === this.#lead();
    for (const segment of fresh) {
      if (segment.gap) continue;
      if (leads) this.#take(track, segment);
      this.#adopt(track, segment);
      this.#seen.set(track.id, segment);
    }
    const oldest = Math.min(
      ...[...this.#camera.tracks.values()].map(({ segments }) => segments[0]?.number ?? Infinity),
    );
    while (this.list.length > 1 && this.list[1]!.number <= oldest) this.list.shift();
  }

  /** The track whose segments say where Periods begin: the first video track, where there is any. */
  #lead(): LiveTrack | undefined {
    const tracks = [...this.#camera.tracks.values()].filter(({ ended }) => !ended);
    const active = tracks.filter((track) => track.active);
    const among = active.length > 0 ? active : tracks;
    return among.find(({ kind }) => kind === 'video') ?? among[0];
  }

  #take(track: LiveTrack, segment: LiveSegment): void {
    const before = this.#seen.get(track.id);
    const period = this.list.at(-1);
    const { timescale } = segment.init.caps;
    if (period && segment.number <= period.number) return;
    const follows = before?.number === segment.number - 1 && !segment.discontinuity;
    if (follows) this.#duration = { ticks: segment.baseTime - before.baseTime, timescale };
    if (!period || !before || !follows || this.#changed(period, track, segment)) {
      this.#begin(track, segment, before);
      return;
    }
    if (period.addressing === 'time') {
      if (this.#drifted(period, track, segment)) this.#begin(track, segment, before);
      return;
    }
    const count = segment.number - period.number;
    const elapsed = segment.baseTime - Math.round(secondsOf(period.media) * timescale);
    if (!period.duration || (count === 1 && !period.published)) period.duration = { ticks: elapsed, timescale };
    const nominal = secondsOf(period.duration) * timescale;
    if (Math.abs(elapsed - count * nominal) > TOLERANCE * nominal) {
      if (count < REGULAR_SEGMENTS) this.#strikes += 1;
      else this.#duration = { ticks: Math.round(elapsed / count), timescale };
      this.#begin(track, segment, before);
    } else if (this.#drifted(period, track, segment)) {
      this.#begin(track, segment, before);
    }
  }

  /** True where other tracks, or other init segments, are in play than the Period tells of. */
  #changed(period: Period, lead: LiveTrack, segment: LiveSegment): boolean {
    if (period.writer !== segment.writer || period.tracks.get(lead.id) !== segment.init) return true;
    return [...this.#camera.tracks.values()].some((track) => {
      const last = this.#seen.get(track.id);
      const init = period.tracks.get(track.id);
      if (!init) return track.active && last !== undefined && last.number > period.number;
      return (
        last !== undefined &&
        (last.number < segment.number - 1 - LEFT || (last.init !== init && last.number > period.number))
      );
    });
  }

  /** The source's clock and the server's run apart; players reckon with the server's. */
  #drifted(period: Period, track: LiveTrack, segment: LiveSegment): boolean {
    const media = { ticks: segment.baseTime, timescale: segment.init.caps.timescale };
    return Math.abs(segment.startTs - presentedAt(period, media)) > TOLERANCE * track.caps.segmentTarget * 1000;
  }

  #begin(track: LiveTrack, segment: LiveSegment, before: LiveSegment | undefined): void {
    const { number, writer, startTs, init } = segment;
    const { timescale } = init.caps;
    const last = this.list.at(-1);
    if (last) {
      const ended = before ?? segment;
      const media = { ticks: ended.baseTime + ended.ticks, timescale: ended.init.caps.timescale };
      last.end = { number, media };
    }
    this.list.push({
      id: `${writer}-${number}`,
      number,
      writer,
      startTs,
      media: { ticks: segment.baseTime, timescale },
      tracks: new Map([[track.id, init]]),
      addressing: this.#strikes >= STRIKES ? 'time' : 'number',
      duration: this.#duration,
      end: undefined,
      published: false,
    });
    // Others may have begun this segment before the leading track did.
    for (const other of this.#camera.tracks.values()) {
      const same = other.segments.findLast((one) => one.number === number && !one.gap);
      if (same) this.#adopt(other, same);
    }
  }

  /** A track whose segment begins with the Period is told of in it. */
  #adopt(track: LiveTrack, segment: LiveSegment): void {
    const period = this.of(segment);
    if (!period || period.number !== segment.number || period.tracks.has(track.id)) return;
    if (segment.writer !== period.writer || period.published) return;
    period.tracks.set(track.id, segment.init);
    // Nothing may be presented before its Period begins: a browser drops such a frame, and with it its GOP.
    const media = { ticks: segment.baseTime, timescale: segment.init.caps.timescale };
    if (secondsOf(media) >= secondsOf(period.media)) return;
    period.startTs = presentedAt(period, media);
    period.media = media;
  }
}

/**
 * The one mapping from a publication's media time to the server's wall clock.
 *
 * Packets are late, never early: the smallest (arrival - media time) seen lately is the best estimate of the offset.
 * For its first second the mapping is that estimate, since a first frame may come very late (a connection that warms up, a
 * server that sends what it had stored): it then steps back by itself, and those who write times down wait for `settled`.
 * From then on it follows by at most 0.5% of elapsed time (1% at first, so that what a slow second has left is gone before long),
 * so that segment times neither jump nor stretch visibly, and is set anew (the caller marks a discontinuity) when it is off
 * by more than half a second.
 */

/** How fast the mapping may follow its estimate, as a share of elapsed time. */
const MAX_SLEW = 0.005;
/** For how long after it was set the mapping is the estimate itself, ms of arrivals. */
const SETTLE_MS = 1000;
/** For how long it follows faster than later, ms of arrivals, and how fast. */
const YOUNG_MS = 60_000;
const YOUNG_SLEW = 0.01;
/** A mapping that settles steps back by at most this, ms: more than any server has stored. */
const BACKLOG_MS = 30_000;
/** Beyond this error, in ms, the mapping is anchored anew. */
const REANCHOR_MS = 500;
/** The estimate is the minimum over this many ms of arrivals, kept in buckets of BUCKET_MS. */
const WINDOW_MS = 10_000;
const BUCKET_MS = 500;

/** What {@link WallClock.observe} found. */
export type Observation = 'steady' | 'reanchored';

/** Maps media time (ms since the publication's own zero) to server time (epoch ms). One a publication. */
export class WallClock {
  #offset: number | undefined;
  #anchoredAt = 0;
  #lastArrival = 0;
  /** Newest media time of each track. */
  readonly #lastMedia = new Map<unknown, number>();
  #lateSince: number | undefined;
  #buckets: { at: number; min: number }[] = [];

  /**
   * Takes note that media time `mediaMs` arrived at `arrivalMs` (server epoch ms) on this track (any key: sound may be a
   * second ahead of pictures that an encoder holds back, so only a track's own time can be seen to go back).
   * Returns 'reanchored' where the media's clock jumped and a discontinuity must be marked.
   */
  observe(mediaMs: number, arrivalMs: number, track?: unknown): Observation {
    const sample = arrivalMs - mediaMs;
    if (this.#offset === undefined) {
      this.#anchor(sample, mediaMs, arrivalMs, track);
      return 'steady';
    }
    const error = sample - this.#offset;
    const newest = this.#lastMedia.get(track) ?? -Infinity;
    if (this.#mayStep(mediaMs, arrivalMs, track, error)) {
      this.#offset = Math.min(this.#offset, sample);
      this.#note(sample, arrivalMs);
      this.#lastArrival = arrivalMs;
      this.#lastMedia.set(track, Math.max(newest, mediaMs));
      return 'steady';
    }
    if (error < -REANCHOR_MS || mediaMs < newest - REANCHOR_MS) {
      // Media ahead of real time, or media time that went back: no delay explains either, the source's clock jumped.
      this.#anchor(sample, mediaMs, arrivalMs, track);
      return 'reanchored';
    }
    if (error > REANCHOR_MS) {
      // Late by more than half a second: a stall that will be caught up, or a jump? A stall ends; a jump stays.
      this.#lateSince ??= arrivalMs;
      if (arrivalMs - this.#lateSince > 2 * WINDOW_MS || arrivalMs < this.#lateSince) {
        this.#anchor(sample, mediaMs, arrivalMs, track);
        return 'reanchored';
      }
    } else {
      this.#lateSince = undefined;
    }
    this.#note(sample, arrivalMs);
    const elapsed = Math.max(0, arrivalMs - this.#lastArrival);
    const target = this.#minimum();
    const limit = elapsed * (arrivalMs - this.#anchoredAt < YOUNG_MS ? YOUNG_SLEW : MAX_SLEW);
    if (Math.abs(target - this.#offset) <= REANCHOR_MS) {
      this.#offset += Math.min(limit, Math.max(-limit, target - this.#offset));
    }
    this.#lastArrival = arrivalMs;
    this.#lastMedia.set(track, Math.max(newest, mediaMs));
    return 'steady';
  }

  /** The server time (epoch ms, a double) of a moment of media time; undefined before the first observation. */
  toWall(mediaMs: number): number | undefined {
    return this.#offset === undefined ? undefined : mediaMs + this.#offset;
  }

  /** True once the mapping steps no more: times told from now on stay true to each other. */
  get settled(): boolean {
    return this.#offset !== undefined && this.#settledBy(this.#lastArrival);
  }

  #settledBy(arrivalMs: number): boolean {
    return Math.abs(arrivalMs - this.#anchoredAt) >= SETTLE_MS;
  }

  /** Whether the mapping still settles and this is no jump: frames follow each other, only faster than they should. */
  #mayStep(mediaMs: number, arrivalMs: number, track: unknown, error: number): boolean {
    if (this.#settledBy(arrivalMs) || error > REANCHOR_MS || error < -BACKLOG_MS) return false;
    const newest = this.#lastMedia.get(track);
    return newest === undefined ? error >= -REANCHOR_MS : Math.abs(mediaMs - newest) <= REANCHOR_MS;
  }

  #anchor(sample: number, mediaMs: number, arrivalMs: number, track: unknown): void {
    this.#offset = sample;
    this.#anchoredAt = arrivalMs;
    this.#lastArrival = arrivalMs;
    this.#lastMedia.clear();
    this.#lastMedia.set(track, mediaMs);
    this.#lateSince = undefined;
    this.#buckets = [{ at: arrivalMs, min: sample }];
  }

  #note(sample: number, arrivalMs: number): void {
    const newest = this.#buckets.at(-1);
    if (newest && arrivalMs - newest.at < BUCKET_MS && arrivalMs >= newest.at)
      newest.min = Math.min(newest.min, sample);
    else this.#buckets.push({ at: arrivalMs, min: sample });
    while (this.#buckets.length > 1 && arrivalMs - this.#buckets[0]!.at > WINDOW_MS) this.#buckets.shift();
  }

  #minimum(): number {
    let min = Infinity;
    for (const bucket of this.#buckets) min = Math.min(min, bucket.min);
    return min;
  }
}

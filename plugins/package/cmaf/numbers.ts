/**
 * Segment numbers: they count up by one a camera, from the clock where a camera begins. Where the pipeline has an index
 * they are reserved there before they are used, a few ahead, so that none comes twice, whatever is killed when.
 */
import type { CameraId, Clock, Logger, SegmentIndex } from 'eddy/plugin';

/**
 * Numbers in one reservation: what is left of them after a crash are holes in the live playlist, which must stay few; and
 * they must last for as long as an index takes to restart.
 */
const BLOCK = 8;
/** With so few left the next ones are reserved. */
const LOW = 5;
/** A flow does not wait longer than this for its first numbers, ms: live goes on without an index. */
const PATIENCE = 2000;

/** Options of {@link SegmentNumbers}. */
export interface NumbersOptions {
  /** Target of a segment, ms. */
  readonly segment: number;
  readonly clock: Clock;
  readonly index: Pick<SegmentIndex, 'reserve' | 'latest'> | undefined;
  readonly log: Pick<Logger, 'warn' | 'info'>;
}

interface CameraNumbers {
  /** The next number. */
  next: number;
  /** Reserved are those below; where it is not above `next`, numbers go out unreserved. */
  end: number;
  /** A later reservation that does not join on. */
  following: { readonly first: number; readonly end: number } | undefined;
  reserving: Promise<void> | undefined;
}

/** See the file's head. */
export class SegmentNumbers {
  readonly #options: NumbersOptions;
  readonly #cameras = new Map<CameraId, CameraNumbers>();
  #failing = false;

  constructor(options: NumbersOptions) {
    this.#options = options;
  }

  /** A flow of this camera begins: its numbers are past all earlier ones, and not behind the clock. */
  async open(camera: CameraId): Promise<void> {
    const { segment, clock } = this.#options;
    const byClock = Math.floor(clock.now() / segment);
    const known = this.#cameras.get(camera);
    if (known && known.next >= byClock && known.next < known.end) return;
    const next = Math.max(byClock, known?.next ?? 0);
    const numbers: CameraNumbers = { next, end: next, following: undefined, reserving: undefined };
    this.#cameras.set(camera, numbers);
    if (!this.#options.index) return;
    const patience = new AbortController();
    const late = clock.sleep(PATIENCE, patience.signal).catch(() => undefined);
    await Promise.race([this.#reserve(camera, numbers), late]);
    patience.abort();
  }

  /** Where the camera's media of earlier runs ends, epoch ms; undefined where nobody can say. */
  async endOf(camera: CameraId): Promise<number | undefined> {
    const last = await this.#options.index?.latest(camera).catch(() => undefined);
    return last && last.startTs + last.duration;
  }

  next(camera: CameraId): number {
    const numbers = this.#cameras.get(camera)!;
    if (numbers.next >= numbers.end && numbers.following && numbers.following.first >= numbers.next) {
      numbers.next = numbers.following.first;
      numbers.end = numbers.following.end;
      numbers.following = undefined;
    }
    const number = numbers.next++;
    if (numbers.end - numbers.next < LOW && !numbers.following) void this.#reserve(camera, numbers);
    return number;
  }

  #reserve(camera: CameraId, numbers: CameraNumbers): Promise<void> {
    const { index, log } = this.#options;
    if (!index) return Promise.resolve();
    return (numbers.reserving ??= index
      .reserve(camera, Math.max(numbers.end, numbers.next), BLOCK)
      .then(
        (first) => {
          if (this.#failing) log.info({}, 'segment numbers are reserved again');
          this.#failing = false;
          const end = first + BLOCK;
          // Those that went out meanwhile without a reservation are never given again.
          if (numbers.next >= numbers.end) Object.assign(numbers, { next: Math.max(numbers.next, first), end });
          else if (first === numbers.end) numbers.end = end;
          else numbers.following = { first, end };
        },
        (error: unknown) => {
          if (!this.#failing)
            log.warn({ err: error }, 'segment numbers cannot be reserved: they go on counting, unreserved');
          this.#failing = true;
        },
      )
      .finally(() => (numbers.reserving = undefined)));
  }
}

/** Where segments begin: one list for all tracks of a camera, so that a number means the same stretch of time in each. */

/** The beginning of a segment. */
export interface Boundary {
  readonly number: number;
  /** Position on the camera's timeline, ms. */
  readonly at: number;
  /** True where the timeline does not continue the segment before. */
  readonly discontinuity: boolean;
}

/** Boundaries that a track may still have to reach; the oldest are forgotten. */
const KEPT = 64;

export class SegmentPlan {
  readonly #next: () => number;
  readonly #boundaries: Boundary[] = [];

  /** `next` hands out segment numbers, counting up by one: from memory, or from a durable reservation. */
  constructor(next: () => number) {
    this.#next = next;
  }

  /** The newest segment's beginning in this epoch. */
  get last(): Boundary | undefined {
    return this.#boundaries.at(-1);
  }

  /** Begins a segment for all tracks. */
  open(at: number, discontinuity: boolean): Boundary {
    const boundary = { number: this.#next(), at, discontinuity };
    this.#boundaries.push(boundary);
    if (this.#boundaries.length > KEPT) this.#boundaries.shift();
    return boundary;
  }

  /** A new epoch: no track goes back to what was before. */
  clear(): void {
    this.#boundaries.length = 0;
  }

  /** The oldest boundary that comes after segment `current`; undefined where none is known. */
  after(current: number | undefined): Boundary | undefined {
    return this.#boundaries.find(({ number }) => current === undefined || number > current);
  }

  /** Of the boundaries after segment `current` that which is nearest to a moment. */
  nearest(moment: number, current: number | undefined): Boundary | undefined {
    let nearest: Boundary | undefined;
    for (const boundary of this.#boundaries) {
      if (current !== undefined && boundary.number <= current) continue;
      if (!nearest || Math.abs(boundary.at - moment) < Math.abs(nearest.at - moment)) nearest = boundary;
    }
    return nearest;
  }

  /** The newest boundary at or before a moment that comes after `current`; undefined where none does. */
  reached(moment: number, current: number | undefined): Boundary | undefined {
    for (let i = this.#boundaries.length - 1; i >= 0; i--) {
      const boundary = this.#boundaries[i]!;
      if (current !== undefined && boundary.number <= current) return undefined;
      if (boundary.at <= moment) return boundary;
    }
    return undefined;
  }
}

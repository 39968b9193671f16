/** When a transcoder that failed is started again, and how often it failed to no purpose. */
import { Backoff } from 'eddy/plugin';

/** The first attempt comes soon, since most failures are a neighbour's; later ones seldom, since poison stays poison. */
const BACKOFF = { min: 100, max: 30_000, steadyAfter: 10_000 };

/** A host that nobody wants is kept for so long, in ms: viewers who come and go do not restart it each time. */
export const UNWANTED_MS = 3000;
/** After so many attempts in a row without a frame the input is to blame. */
export const FRUITLESS = 3;

/** One for each track that is transcoded. */
export class Restarts {
  readonly #now: () => number;
  readonly #backoff: Backoff;
  #startedAt = 0;
  #due = 0;
  #fruitless = 0;

  /** `now`: monotonic ms. */
  constructor(now: () => number, random?: () => number) {
    this.#now = now;
    this.#backoff = new Backoff(BACKOFF, random);
  }

  /** True while the next attempt has to wait. */
  get waiting(): boolean {
    return this.#now() < this.#due;
  }

  /** Attempts in a row that failed before anything came out. */
  get fruitless(): number {
    return this.#fruitless;
  }

  /** An attempt begins. */
  started(): void {
    this.#startedAt = this.#now();
  }

  /** It failed; `fruitful` where something had come out of it. */
  failed(fruitful: boolean): void {
    const held = fruitful ? this.#now() - this.#startedAt : 0;
    this.#due = this.#now() + this.#backoff.next(held);
    this.#fruitless = fruitful ? 0 : this.#fruitless + 1;
  }
}

/** What was recorded of a camera, kept up to date: the server's timeline, asked for again where it can have changed. */
import { isRefusal, type Refusal } from '../../shared/client/refusal.ts';
import { getTimeline } from './api.ts';
import { mergeSpans, playableAt, type Span } from './spans.ts';
import type { View } from './view.ts';

/** How often the end of it is asked for, and all of it (retention takes its beginning), ms. */
const TAIL_EVERY = 4000;
const WHOLE_EVERY = 300_000;
/** What is younger may still change, ms: gaps get their causes, segments are finished. */
const SETTLES = 30_000;
/** A camera whose media ended so lately is being recorded: segments are told of when they are finished. Ms. */
const FRESH = 15_000;
/** How far the last picture may be from the end of what was recorded, ms. */
const ROUNDING = 500;
/** Who was refused is not let in so soon, ms. */
const REFUSED_EVERY = 30_000;

/** See the file's head. */
export class Past {
  /** Stretches of media and holes, the oldest first. */
  spans: readonly Span[] = [];
  /** How the server refused to tell of it; undefined where it did not. Status 404: this pipeline keeps no past. */
  refusal: Refusal | undefined;
  /** True once the server has answered. */
  isKnown = false;
  readonly #cameraId: string;
  readonly #now: () => number;
  #tailAt = -Infinity;
  #wholeAt = -Infinity;
  /** The server's time when it answered last. */
  #askedUntil = 0;
  #asking: Promise<void> | undefined;

  /** `now`: the server's time, epoch ms. */
  constructor(cameraId: string, now: () => number) {
    this.#cameraId = cameraId;
    this.#now = now;
  }

  /** True where there is anything to go back to. */
  get exists(): boolean {
    return this.spans.some(({ kind }) => kind === 'media');
  }

  /** From the oldest moment kept to now. */
  get extent(): View {
    const end = this.#now();
    return { start: Math.min(this.spans[0]?.start ?? end, end), end };
  }

  /** The spans as of now: of a camera that is being recorded, segments are told of when they are finished. */
  get current(): readonly Span[] {
    const last = this.spans.at(-1);
    if (!last || !this.isGrowing) return this.spans;
    return [...this.spans.slice(0, -1), { ...last, end: Math.max(last.end, this.#now()) }];
  }

  /** What plays where this moment is asked for; undefined where nothing was recorded. */
  playableAt(moment: number): number | undefined {
    return playableAt(this.current, moment);
  }

  /** True where nothing was recorded after this moment. */
  isLast(moment: number): boolean {
    const last = this.current.findLast(({ kind }) => kind === 'media');
    return !last || moment >= last.end - ROUNDING;
  }

  /** True while the newest media is as new as it can be. */
  get isGrowing(): boolean {
    const last = this.spans.at(-1);
    return last?.kind === 'media' && last.end > this.#now() - FRESH;
  }

  /** Asks where it is time to. Safe to call often; settles when what was asked is there. */
  refresh(): Promise<void> {
    const at = performance.now();
    if (at - this.#tailAt < (this.refusal ? REFUSED_EVERY : TAIL_EVERY)) return this.#asking ?? Promise.resolve();
    this.#tailAt = at;
    this.#asking ??= this.#ask(at).finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #ask(at: number): Promise<void> {
    const isWhole = this.spans.length === 0 || at - this.#wholeAt > WHOLE_EVERY;
    const asked = this.#now();
    const tail = isWhole ? undefined : this.#askedUntil - SETTLES;
    const answer = await getTimeline(this.#cameraId, tail);
    if (answer === undefined) return;
    this.isKnown = true;
    if (isRefusal(answer)) {
      this.refusal = answer;
      this.spans = [];
      return;
    }
    this.refusal = undefined;
    this.#askedUntil = asked;
    if (isWhole) this.#wholeAt = at;
    this.spans = tail === undefined ? answer.spans : mergeSpans(this.spans, answer.spans, tail);
    // A hole without a cause: all of it is asked for at once.
    if (!isWhole && this.spans.some(({ kind, cause }) => kind === 'gap' && cause === undefined))
      this.#wholeAt = -Infinity;
  }
}

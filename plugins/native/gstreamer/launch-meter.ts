/** What a launch has done so far: frames in and out, how fast, how late. */
import type { HostUsage, ProcessUsage } from 'eddy/plugin';

/** Frames of all launches of a child. */
export interface FrameCount {
  framesIn: number;
  framesOut: number;
}

/** Times that go back by more than this begin anew, s; less is the order of decoding. */
const BACK = 1;

/** See the file's head; one for each launch. Times are monotonic ms, media times seconds. */
export class LaunchMeter {
  readonly #now: () => number;
  readonly #ofChild: FrameCount | undefined;
  readonly #count: FrameCount = { framesIn: 0, framesOut: 0 };
  /** How far the media has come out, s. */
  #reached: number | undefined;
  /** One frame on its way: how late it is tells how late the others are. */
  #sample: { readonly media: number; readonly at: number } | undefined;
  #latency: number | undefined;
  #before: { readonly at: number; readonly reached: number | undefined; readonly cpuSeconds: number } | undefined;
  #measured: Pick<HostUsage, 'cores' | 'rssBytes' | 'speed'> = {};

  /** `ofChild` counts for all launches that its child runs. */
  constructor(now: () => number, ofChild?: FrameCount) {
    this.#now = now;
    this.#ofChild = ofChild;
  }

  /** A frame goes in. */
  wrote(media: number): void {
    this.#count.framesIn += 1;
    if (this.#ofChild) this.#ofChild.framesIn += 1;
    if (!this.#sample || media < this.#sample.media - BACK) this.#sample = { media, at: this.#now() };
  }

  /** A frame came out. */
  came(media: number): void {
    this.#count.framesOut += 1;
    if (this.#ofChild) this.#ofChild.framesOut += 1;
    if (this.#reached !== undefined && media < this.#reached - BACK) {
      this.#reached = media;
      this.#before &&= { ...this.#before, reached: undefined };
    }
    this.#reached = Math.max(this.#reached ?? media, media);
    if (!this.#sample || media < this.#sample.media) return;
    this.#latency = this.#now() - this.#sample.at;
    this.#sample = undefined;
  }

  /** What its child has used until now: asked every few seconds, over which speed and cores are reckoned. */
  look({ cpuSeconds, rssBytes }: ProcessUsage): void {
    const at = this.#now();
    const before = this.#before;
    const seconds = (at - (before?.at ?? at)) / 1000;
    this.#measured = {
      rssBytes,
      ...(before && seconds > 0 && { cores: round((cpuSeconds - before.cpuSeconds) / seconds) }),
      ...(before?.reached !== undefined &&
        seconds > 0 && { speed: round((this.#reached! - before.reached) / seconds) }),
    };
    this.#before = { at, reached: this.#reached, cpuSeconds };
  }

  get usage(): HostUsage {
    // One that is late and has not come yet is at least so late.
    const waiting = this.#sample && this.#count.framesOut > 0 ? this.#now() - this.#sample.at : 0;
    const latency = this.#latency === undefined ? undefined : Math.max(this.#latency, waiting);
    return { ...this.#measured, ...this.#count, ...(latency !== undefined && { latency: round(latency) }) };
  }
}

const round = (value: number): number => Number(value.toFixed(3));

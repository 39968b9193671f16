/** What an element's playback shows by itself: stalls, start-up, rates. */

/** Media that stands still this long while it should play is a stall, whatever the element says. Ms. */
const STANDSTILL = 400;
/** Window of the bit rate, ms. */
const RATE_WINDOW = 10_000;

/** Watches a video element. */
export class Meter {
  stalls = 0;
  startup: number | undefined;
  readonly #video: HTMLVideoElement;
  #playing = false;
  #stalledMs = 0;
  #stalledSince: number | undefined;
  #lastPosition = 0;
  #movedAt = performance.now();
  #loads: { at: number; bits: number; seconds: number; kind: string }[] = [];
  #frames: number[] = [];

  constructor(video: HTMLVideoElement) {
    this.#video = video;
    video.addEventListener('waiting', () => this.#stall());
    video.addEventListener('pause', () => this.forgive());
    video.addEventListener('playing', () => {
      this.startup ??= performance.now() / 1000;
      this.#playing = true;
      this.#movedAt = performance.now();
    });
    if ('requestVideoFrameCallback' in video) {
      const onFrame = (now: number): void => {
        this.#frames.push(now);
        if (this.#frames.length > 120) this.#frames.shift();
        video.requestVideoFrameCallback(onFrame);
      };
      video.requestVideoFrameCallback(onFrame);
    }
  }

  /** True from the first picture until `suspend`. */
  get playing(): boolean {
    return this.#playing;
  }

  /**
   * What follows was asked for: a pause, a jump, a new beginning. Until pictures move again nothing is a stall. Seeks that
   * the player makes by itself to get over a hole are no such thing.
   */
  forgive(): void {
    this.#resume(performance.now());
    this.#playing = false;
  }

  /** True while playback stands still against its will. */
  get stalled(): boolean {
    return this.#stalledSince !== undefined;
  }

  /** How long the present stall lasts, ms; 0 outside of one. */
  get stalledFor(): number {
    return this.#stalledSince === undefined ? 0 : performance.now() - this.#stalledSince;
  }

  get stalledSeconds(): number {
    return (this.#stalledMs + this.stalledFor) / 1000;
  }

  /**
   * To be called a few times a second. `mediaAt`: when media last came, for streams whose position runs on without any
   * (WebRTC).
   */
  tick(mediaAt?: number): void {
    const { currentTime, paused, seeking } = this.#video;
    const now = performance.now();
    const position = mediaAt ?? currentTime;
    const moved = position !== this.#lastPosition;
    this.#lastPosition = position;
    if (moved) {
      this.#resume(now);
      // A jump within what is loaded goes on without a `playing` of its own.
      this.#playing ||= this.startup !== undefined && !paused && !seeking;
    }
    if (moved || paused || seeking || !this.#playing) this.#movedAt = now;
    else if (now - this.#movedAt > STANDSTILL) this.#stall(this.#movedAt);
  }

  /** Media of this many bytes and seconds was loaded. */
  loaded(kind: string, bytes: number, seconds: number): void {
    const at = performance.now();
    this.#loads.push({ at, bits: bytes * 8, seconds, kind });
    while (this.#loads[0] && at - this.#loads[0].at > RATE_WINDOW) this.#loads.shift();
  }

  /** Bits a second of the media itself, audio and video together. */
  get bitsPerSecond(): number | undefined {
    const kinds = new Map<string, { bits: number; seconds: number }>();
    for (const { kind, bits, seconds } of this.#loads) {
      const sum = kinds.get(kind) ?? { bits: 0, seconds: 0 };
      kinds.set(kind, { bits: sum.bits + bits, seconds: sum.seconds + seconds });
    }
    const total = [...kinds.values()].reduce((sum, { bits, seconds }) => sum + (seconds > 0 ? bits / seconds : 0), 0);
    return total > 0 ? total : undefined;
  }

  /** Pictures a second that were shown. */
  get framesPerSecond(): number | undefined {
    const recent = this.#frames.filter((at) => performance.now() - at < 2000);
    const [first, last] = [recent[0], recent.at(-1)];
    if (first === undefined || last === undefined || last - first < 500) return undefined;
    return ((recent.length - 1) * 1000) / (last - first);
  }

  /** Media ahead of the position, seconds. */
  get buffer(): number {
    const { buffered, currentTime } = this.#video;
    for (let index = 0; index < buffered.length; index++) {
      if (buffered.start(index) <= currentTime + 0.1 && buffered.end(index) > currentTime)
        return buffered.end(index) - currentTime;
    }
    return 0;
  }

  #stall(since = performance.now()): void {
    const { paused, seeking, ended } = this.#video;
    if (!this.#playing || this.#stalledSince !== undefined || paused || seeking || ended) return;
    this.stalls += 1;
    this.#stalledSince = since;
  }

  #resume(now: number): void {
    if (this.#stalledSince === undefined) return;
    this.#stalledMs += now - this.#stalledSince;
    this.#stalledSince = undefined;
  }
}

/** A host and whoever feeds it: more than may be inside waits until enough has come out, or the host is found to stand. */
import type { Clock, HostEnd, MediaHost } from 'eddy/plugin';

/** One for each run of a launch. */
export class CatchUp {
  /** The host's end; `stalled` where what goes in no longer comes out. */
  readonly ended: Promise<HostEnd>;
  readonly #host: MediaHost;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #stallMs: number;
  readonly #stuck = Promise.withResolvers<HostEnd>();
  #made = 0;
  /** Set while the input waits for the output. */
  #room: PromiseWithResolvers<void> | undefined;

  /** A host that gives nothing for `stallMs` while it is waited for is stuck, and is ended. */
  constructor(host: MediaHost, clock: Pick<Clock, 'after'>, stallMs: number) {
    this.#host = host;
    this.#clock = clock;
    this.#stallMs = stallMs;
    this.ended = Promise.race([host.ended, this.#stuck.promise]);
  }

  /** What has come out, in frames. */
  get made(): number {
    return this.#made;
  }

  /** A frame came out. */
  count(): void {
    this.#made += 1;
  }

  /** There is room again: the input goes on, if it waits. */
  release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Settles when there is room, or the run has ended. */
  async wait(): Promise<void> {
    this.#room ??= Promise.withResolvers<void>();
    const { promise } = this.#room;
    for (let waiting = true; waiting;) {
      const made = this.#made;
      const late = Promise.withResolvers<'late'>();
      const cancel = this.#clock.after(this.#stallMs, () => late.resolve('late'));
      waiting = (await Promise.race([promise, this.ended, late.promise])) === 'late';
      cancel();
      if (waiting && this.#made === made) {
        this.#stuck.resolve({ cause: 'stalled', message: 'what comes out does not follow what goes in' });
        return void this.#host.close(0);
      }
    }
  }
}

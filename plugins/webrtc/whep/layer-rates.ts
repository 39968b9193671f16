/** What bit rates a stream's layers have, as its router measures them. */
import { asEddyError, type Clock, type RtpHandle, type RtpRouters } from 'eddy/plugin';
import { describeLayers } from './layers.ts';
import { StreamWatch } from './stream-watch.ts';

/** How often they are looked at, ms. */
const EVERY = 2000;
/** Averaged over so many looks: key frames come in bursts. */
const LOOKS = 5;

/** Bits a second of each layer, the lowest first; undefined while a layer is not sent. */
export type Rates = readonly (number | undefined)[];

/** See the file's head. */
export class LayerRates extends StreamWatch {
  readonly #handle: RtpHandle;
  readonly #routers: Pick<RtpRouters, 'stats'>;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #looks: Rates[] = [];
  #cancel: (() => void) | undefined;
  /** Settles after the first look. Rejects with WEBRTC_HANDLE_GONE. */
  readonly told: Promise<void>;

  constructor(handle: RtpHandle, routers: Pick<RtpRouters, 'stats'>, clock: Pick<Clock, 'after'>) {
    super();
    this.#handle = handle;
    this.#routers = routers;
    this.#clock = clock;
    this.told = this.#look();
    // What cannot be read at all is told to who asked.
    this.told.catch(() => this.end());
  }

  get rates(): Rates {
    const layers = this.#looks.at(-1) ?? [];
    return layers.map((newest, layer) => {
      if (newest === undefined) return undefined;
      const seen = this.#looks.map((look) => look[layer]).filter((rate) => rate !== undefined);
      return seen.reduce((sum, rate) => sum + rate, 0) / seen.length;
    });
  }

  async #look(): Promise<void> {
    const figures = await this.#routers.stats(this.#handle);
    if (this.ended.aborted) return;
    this.#looks.push(describeLayers(this.#handle, figures).map(({ bitrate }) => bitrate));
    if (this.#looks.length > LOOKS) this.#looks.shift();
    this.changed();
    this.#wait();
  }

  #wait(): void {
    this.#cancel = this.#clock.after(EVERY, () => {
      this.#look().catch((error: unknown) => {
        // With the stream those who watch it have ended; a worker that does not answer is asked again.
        if (asEddyError(error).code === 'WEBRTC_HANDLE_GONE') this.end();
        else if (!this.ended.aborted) this.#wait();
      });
    });
  }

  protected override end(): void {
    this.#cancel?.();
    super.end();
  }
}

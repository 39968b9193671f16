/** What of a stream a viewer may have whose grant limits it: the highest layer within, followed while they watch. */
import {
  beyondGrant,
  RATE_TOLERANCE,
  type Clock,
  type EddyError,
  type RtpHandle,
  type RtpRouters,
  type Session,
} from 'eddy/plugin';
import { LayerRates, type Rates } from './layer-rates.ts';
import { LayerSizes, type Lines } from './layer-sizes.ts';
import { StreamWatches } from './stream-watch.ts';

/** Of a viewer's grant. */
export type Limits = Pick<Session, 'maxLines' | 'maxBitrate'>;

/** What a viewer may have of one stream; close it when they watch it no more. */
export interface Quality {
  /** The highest layer, from 0; undefined: all. Throws WATCH_REFUSED where every layer is beyond the limits. */
  top(): number | undefined;
  close(): void;
}

const UNLIMITED: Quality = { top: () => undefined, close: () => undefined };

/** See the file's head. */
export class Qualities {
  readonly #sizes: StreamWatches<LayerSizes>;
  readonly #rates: StreamWatches<LayerRates>;

  constructor(routers: Pick<RtpRouters, 'tap' | 'stats'>, clock: Pick<Clock, 'after' | 'now'>) {
    this.#sizes = new StreamWatches((handle) => new LayerSizes(handle, routers, clock));
    this.#rates = new StreamWatches((handle) => new LayerRates(handle, routers, clock));
  }

  /**
   * Settles once it is known what the stream has; `changed` is called whenever that changes. Rejects with WATCH_REFUSED where
   * every layer is beyond the limits, and with WEBRTC_HANDLE_GONE.
   */
  async of(handle: RtpHandle, limits: Limits, changed: () => void): Promise<Quality> {
    const { maxLines, maxBitrate } = limits;
    if (handle.kind === 'audio' || (maxLines === undefined && maxBitrate === undefined)) return UNLIMITED;
    // Ladders tell their sizes themselves.
    const sizes = maxLines === undefined || handle.lines ? undefined : this.#sizes.of(handle);
    const rates = maxBitrate === undefined ? undefined : this.#rates.of(handle);
    const layers = (): readonly Layer[] => layersOf(sizes?.lines ?? handle.lines, rates?.rates);
    const watches = [sizes, rates].filter((watch) => watch !== undefined);
    let last: number | undefined;
    const look = (): void => {
      const top = highestWithin(limits, layers());
      if (top === last) return;
      last = top;
      changed();
    };
    const endings = watches.map((watch) => watch.follow(look));
    const quality: Quality = {
      top() {
        const top = highestWithin(limits, layers());
        if (top < 0) throw beyond(limits, layers()[0]);
        return top;
      },
      close() {
        for (const end of endings) end();
      },
    };
    try {
      await Promise.all(watches.map(({ told }) => told));
      last = quality.top();
    } catch (error) {
      quality.close();
      throw error;
    }
    return quality;
  }
}

/** What is known of one. */
interface Layer {
  readonly lines: number | undefined;
  readonly rate: number | undefined;
}

const layersOf = (lines: Lines = [], rates: Rates = []): readonly Layer[] =>
  Array.from({ length: Math.max(lines.length, rates.length) }, (_, layer) => ({
    lines: lines[layer],
    rate: rates[layer],
  }));

/** -1 where there is none. What nobody knows may be of any size; what is not sent yet is looked at again when it is. */
function highestWithin({ maxLines = Infinity, maxBitrate = Infinity }: Limits, layers: readonly Layer[]): number {
  return layers.findLastIndex(
    ({ lines = Infinity, rate = 0 }) => lines <= maxLines && rate <= maxBitrate * RATE_TOLERANCE,
  );
}

function beyond(limits: Limits, { lines, rate }: Partial<Layer> = {}): EddyError {
  const has = [
    ...(limits.maxLines === undefined ? [] : [lines === undefined ? 'a size that nobody knows' : `${lines} lines`]),
    ...(limits.maxBitrate === undefined || rate === undefined ? [] : [`${Math.round(rate)} bit/s`]),
  ];
  return beyondGrant(limits, `the lowest layer of the camera has ${has.join(' and ')}`);
}

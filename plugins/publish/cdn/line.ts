/** Media that waits to be pushed, in the order in which it came, with its bytes while there is memory for them. */
import type { CameraId, PublishedObject } from 'eddy/plugin';

/** One object that waits. */
export interface WaitingMedia {
  readonly key: string;
  readonly cameraId: CameraId;
  readonly object: Omit<PublishedObject, 'data'>;
  bytes: Uint8Array | undefined;
  /** Monotonic ms. */
  readonly since: number;
  putting: boolean;
}

/** Options of a {@link MediaLine}. */
export interface MediaLineOptions {
  /** Bytes. */
  readonly memory: number;
  /** Whether bytes that were let go can be read again. */
  readonly readable: boolean;
  /** It will not be pushed. */
  readonly onLost: (media: WaitingMedia) => void;
}

/** The most objects that wait; a week of one camera with sound. */
const LONGEST = 500_000;

/** See the file's head. */
export class MediaLine {
  readonly #options: MediaLineOptions;
  readonly #byKey = new Map<string, WaitingMedia>();
  #bytes = 0;

  constructor(options: MediaLineOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Bytes held in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get oldest(): WaitingMedia | undefined {
    return this.#byKey.values().next().value;
  }

  get(key: string): WaitingMedia | undefined {
    return this.#byKey.get(key);
  }

  /** Adds it at the end; where it waits already nothing changes. */
  add(media: WaitingMedia): void {
    if (this.#byKey.has(media.key)) return;
    this.#byKey.set(media.key, media);
    this.#bytes += media.bytes?.byteLength ?? 0;
    this.#trim();
  }

  delete(media: WaitingMedia): void {
    if (this.#byKey.delete(media.key)) this.#bytes -= media.bytes?.byteLength ?? 0;
  }

  /** Everything of a camera goes. */
  forget(cameraId: CameraId): void {
    for (const media of this.#byKey.values()) if (media.cameraId === cameraId) this.delete(media);
  }

  /** The first that is not on its way. */
  next(): WaitingMedia | undefined {
    for (const media of this.#byKey.values()) if (!media.putting) return media;
    return undefined;
  }

  /** The newest bytes stay: they are what can be played soonest. Init segments always do: without them nothing plays. */
  #trim(): void {
    const { memory, readable } = this.#options;
    if (this.#bytes <= memory && this.#byKey.size <= LONGEST) return;
    for (const media of this.#byKey.values()) {
      if (this.#bytes <= memory && this.#byKey.size <= LONGEST) return;
      if (media.putting || !media.object.media) continue;
      if (!readable || this.#byKey.size > LONGEST) {
        this.delete(media);
        this.#options.onLost(media);
      } else if (media.bytes) {
        this.#bytes -= media.bytes.byteLength;
        media.bytes = undefined;
      }
    }
  }
}

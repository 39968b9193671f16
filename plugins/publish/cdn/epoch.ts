/**
 * Who may write a camera's playlists: the one who began last. Each writer puts an object of its own,
 * `{prefix}/.epochs/{camera}/{epoch}-{writer}`; the greatest of these keys has the say, so that of two who begin at once one does,
 * whatever the store makes of conditional puts. Before it writes a playlist a writer looks for a greater key than its own.
 *
 * Between the look and the end of the write another may have begun. Its own playlists then may be overwritten once, by a write that
 * was under way; therefore it writes them again after the time that a write may take (see the pusher).
 */
import type { CameraId, Clock, ObjectStore } from 'eddy/plugin';
import { listAll } from 'eddy/plugin';

/** A look is believed for so many ms: the playlists of one segment need one. */
const BELIEVED = 1000;
/** Epoch ms with so many digits: keys are in the order of their numbers for a while to come. */
const DIGITS = 15;

/** Where the epochs of all cameras are. */
export const epochsBelow = (prefix: string): string => `${prefix}/.epochs/`;

/** Options of an {@link Epoch}. */
export interface EpochOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly prefix: string;
  /** `[a-z0-9]+`, different in every process and stage. */
  readonly writer: string;
}

/** See the file's head. */
export class Epoch {
  readonly #options: EpochOptions;
  readonly #folder: string;
  #key: string | undefined;
  #looking: Promise<boolean> | undefined;
  #lookedAt = -Infinity;
  #lost = false;

  constructor(cameraId: CameraId, options: EpochOptions) {
    this.#options = options;
    this.#folder = `${epochsBelow(options.prefix)}${cameraId}/`;
  }

  /** True once it is known that another has begun later. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Begins where it has not begun yet. False once another has begun later, which then stays so. Rejects as the store does. */
  async holds(): Promise<boolean> {
    if (this.#lost) return false;
    if (this.#options.clock.monotonic() - this.#lookedAt < BELIEVED) return true;
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  async #look(): Promise<boolean> {
    const { store, clock } = this.#options;
    const at = clock.monotonic();
    this.#key ??= await this.#claim();
    const [later] = await store.list(this.#folder, { after: this.#key, limit: 1 });
    this.#lost = later !== undefined;
    this.#lookedAt = at;
    return !this.#lost;
  }

  async #claim(): Promise<string> {
    const { store, clock, writer } = this.#options;
    const earlier: string[] = [];
    for await (const { key } of listAll(store, this.#folder)) earlier.push(key);
    const last = Number(/\/(\d+)-[^/]*$/.exec(earlier.at(-1) ?? '')?.[1] ?? 0);
    // By the clock, so that it is a later one even where the objects of those before were deleted.
    const epoch = Math.max(Math.floor(clock.now()), last + 1);
    const key = `${this.#folder}${String(epoch).padStart(DIGITS, '0')}-${writer}`;
    await store.put(key, Buffer.from(`${new Date(clock.now()).toISOString()}\n`), { contentType: 'text/plain' });
    await store.delete(earlier);
    return key;
  }
}

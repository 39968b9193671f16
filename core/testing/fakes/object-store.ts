/** An object store in memory, which can be made to fail and to be slow. */
import {
  isObjectKey,
  LIST_LIMIT,
  type ListOptions,
  type ObjectStore,
  type PutOptions,
  type StoredObject,
} from '../../contracts/index.ts';
import { EddyError } from '../../errors/index.ts';
import type { Clock } from '../../plugin/index.ts';

/** What is kept of an object. */
export interface FakeObject extends StoredObject {
  readonly data: Uint8Array;
  readonly contentType: string | undefined;
  readonly cacheControl: string | undefined;
}

/** See the file's head. */
export class FakeObjectStore implements ObjectStore {
  readonly objects = new Map<string, FakeObject>();
  readonly #clock: Pick<Clock, 'now' | 'sleep'> | undefined;
  #failure: Error | undefined;
  #delay = 0;

  /** `clock`: for the times of objects and for {@link FakeObjectStore.slow}; without it all is stored at time 0, at once. */
  constructor(clock?: Pick<Clock, 'now' | 'sleep'>) {
    this.#clock = clock;
  }

  /** Every call rejects with this from now on; undefined ends it. */
  fail(error: Error | undefined): void {
    this.#failure = error;
  }

  /** Every put takes so many ms of the clock. */
  slow(ms: number): void {
    this.#delay = ms;
  }

  async put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    this.#check(key);
    if (this.#delay > 0) await this.#clock?.sleep(this.#delay, options.signal);
    options.signal?.throwIfAborted();
    if (this.#failure) throw this.#failure;
    if (this.objects.has(key) && options.overwrite !== true)
      throw new EddyError('STORE_EXISTS', `"${key}" is stored already`);
    const { contentType, cacheControl } = options;
    const storedAt = this.#clock?.now() ?? 0;
    this.objects.set(key, { key, data: data.slice(), bytes: data.length, storedAt, contentType, cacheControl });
  }

  async get(key: string, range?: { start: number; end: number }): Promise<Uint8Array> {
    this.#check(key);
    const found = this.objects.get(key);
    if (!found) throw new EddyError('STORE_NOT_FOUND', `"${key}" is not stored`);
    return found.data.slice(range?.start, range?.end);
  }

  async head(key: string): Promise<StoredObject | undefined> {
    this.#check(key);
    const found = this.objects.get(key);
    return found && { key, bytes: found.bytes, storedAt: found.storedAt };
  }

  async list(prefix: string, { after = '', limit = LIST_LIMIT }: ListOptions = {}): Promise<StoredObject[]> {
    if (this.#failure) throw this.#failure;
    const found = [...this.objects.values()].filter(({ key }) => key.startsWith(prefix) && key > after);
    // Keys are ASCII: the order of code units is the order of bytes.
    found.sort((a, b) => (a.key < b.key ? -1 : 1));
    return found.slice(0, limit).map(({ key, bytes, storedAt }) => ({ key, bytes, storedAt }));
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#check(key);
    for (const key of keys) this.objects.delete(key);
  }

  #check(key: string): void {
    if (this.#failure) throw this.#failure;
    if (!isObjectKey(key)) throw new EddyError('STORE_KEY_INVALID', `"${key.slice(0, 80)}" is no key`);
  }
}

/** ObjectStore: immutable objects under unique keys. */
import { contract } from './contract.ts';

/** What is known of a stored object. */
export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** When it was stored, epoch ms by the store's clock. */
  readonly storedAt: number;
}

/** Options of {@link ObjectStore.put}. */
export interface PutOptions {
  /** What the store says of it to those who read it there; stores without such a thing ignore it. */
  readonly contentType?: string;
  readonly cacheControl?: string;
  /** Playlists and manifests are rewritten; media never is. Default false: a second put of a key is refused. */
  readonly overwrite?: boolean;
  /** Gives up; `put` rejects with the signal's reason, and the object is there whole or not at all. */
  readonly signal?: AbortSignal;
}

/** Options of {@link ObjectStore.list}. */
export interface ListOptions {
  /** Only keys that come after this one in byte order; it need not exist. */
  readonly after?: string;
  /** The most that are answered: 1 to 1000, which is the default. */
  readonly limit?: number;
}

/** The most objects that one {@link ObjectStore.list} answers. */
export const LIST_LIMIT = 1000;

/**
 * The contract. Keys are checked by {@link isObjectKey} (STORE_KEY_INVALID); no key may be a folder of another
 * (`a` and `a/b`). Stores reject with STORE_FULL, STORE_DENIED, STORE_BUCKET_UNKNOWN or STORE_UNREACHABLE where they
 * cannot do what is asked; a put that was rejected may be tried again.
 */
export interface ObjectStore {
  /**
   * Stores an object whole: nobody ever sees a part of it. Settles once it is durable by the store's own standard. The
   * bytes must not be changed before that. Rejects with STORE_EXISTS where the key is taken and `overwrite` is not set.
   */
  put(key: string, data: Uint8Array, options?: PutOptions): Promise<void>;
  /**
   * The whole object, or its bytes from `start` to before `end`, cut to what there is. Rejects with STORE_NOT_FOUND.
   */
  get(key: string, range?: { start: number; end: number }): Promise<Uint8Array>;
  head(key: string): Promise<StoredObject | undefined>;
  /**
   * Keys that begin with this prefix (`''`: all), in byte order. Fewer than `limit` means that no more follow; see
   * {@link listAll}.
   */
  list(prefix: string, options?: ListOptions): Promise<StoredObject[]>;
  /** Deleting what is not there is not an error. */
  delete(keys: readonly string[]): Promise<void>;
}

/** The token. */
export const ObjectStore = contract<ObjectStore>('object-store', 1, 'Holds immutable objects under unique keys.');

const KEY = /^(?!.{513})[A-Za-z0-9._-]{1,255}(?:\/[A-Za-z0-9._-]{1,255})*$/s;

/**
 * Whether a text is a key: parts of 1 to 255 of `[A-Za-z0-9._-]` joined by `/`, at most 512 characters, no part `.` or
 * `..`. What passes is a safe relative path and needs no escape in a URL.
 */
export function isObjectKey(key: string): boolean {
  return KEY.test(key) && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(key);
}

/** Every object under a prefix in byte order, a page at a time. What is stored meanwhile may be missed. */
export async function* listAll(store: Pick<ObjectStore, 'list'>, prefix: string): AsyncGenerator<StoredObject, void> {
  let page = await store.list(prefix);
  for (;;) {
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < LIST_LIMIT) return;
    page = await store.list(prefix, { after: last.key });
  }
}

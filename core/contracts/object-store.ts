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
  readonly contentType?: string;
  readonly cacheControl?: string;
  /** Playlists and manifests are rewritten; media never is. Default false: a second put of a key is refused. */
  readonly overwrite?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * The contract. Keys are `[A-Za-z0-9._-]+` parts joined by `/`, at most 512 characters, no part `.` or `..`
 * (STORE_KEY_INVALID). `put` settles once the object is durable by the store's own standard.
 */
export interface ObjectStore {
  put(key: string, data: Uint8Array, options?: PutOptions): Promise<void>;
  /** The whole object, or `end - start` bytes from `start`. Rejects with STORE_NOT_FOUND. */
  get(key: string, range?: { start: number; end: number }): Promise<Uint8Array>;
  head(key: string): Promise<StoredObject | undefined>;
  /** Keys with this prefix in byte order. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Deleting what is not there is not an error. */
  delete(keys: readonly string[]): Promise<void>;
}

/** The token. */
export const ObjectStore = contract<ObjectStore>('object-store', 1, 'Holds immutable objects under unique keys.');

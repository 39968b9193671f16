/**
 * Objects in a bucket. A key is refused a second put by asking first: servers differ in what they make of conditional
 * puts, and keys are unique by the name of their writer anyway. S3 shows an object only when it is whole.
 */
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type ChecksumAlgorithm,
  type PutObjectCommandInput,
  type S3ClientConfig,
  type ServerSideEncryption,
} from '@aws-sdk/client-s3';
import { LIST_LIMIT, type ListOptions, type ObjectStore, type PutOptions, type StoredObject } from 'eddy/plugin';
import { alreadyStored, checkKey, notStored } from '../shared/key.ts';
import { Limiter } from '../shared/limiter.ts';
import { isAbsence, isBeyondEnd, storeError } from './errors.ts';
import { putInParts } from './multipart.ts';

/** Options of an {@link S3Store}. */
export interface S3StoreOptions {
  readonly client: S3ClientConfig;
  readonly bucket: string;
  readonly prefix: string;
  readonly checksum: ChecksumAlgorithm;
  readonly encryption: { readonly algorithm: ServerSideEncryption; readonly key: string | undefined } | undefined;
  /** Bytes; larger objects go in parts of this size. */
  readonly partSize: number;
  /** Requests under way at once. */
  readonly concurrency: number;
}

/** The most keys that S3 deletes by one request. */
const DELETE_LIMIT = 1000;

/** See the file's head. */
export class S3Store implements ObjectStore {
  readonly #options: S3StoreOptions;
  readonly #client: S3Client;
  readonly #requests: Limiter;
  readonly #putting = new Set<string>();

  constructor(options: S3StoreOptions) {
    this.#options = options;
    this.#client = new S3Client(options.client);
    this.#requests = new Limiter(options.concurrency);
  }

  /** Asks whether the bucket is there and may be used. */
  async probe(signal?: AbortSignal): Promise<void> {
    const { bucket: Bucket } = this.#options;
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket }), abortable(signal));
    } catch (error) {
      const missing = isAbsence(error) ? Object.assign(error as Error, { name: 'NoSuchBucket' }) : error;
      throw storeError(missing, `use the bucket "${Bucket}"`);
    }
  }

  /** Closes its connections. */
  close(): void {
    this.#client.destroy();
  }

  async put(key: string, data: Uint8Array, { signal, ...options }: PutOptions = {}): Promise<void> {
    checkKey(key);
    signal?.throwIfAborted();
    if (options.overwrite !== true) {
      if (this.#putting.has(key)) throw alreadyStored(key);
      this.#putting.add(key);
    }
    try {
      if (options.overwrite !== true && (await this.head(key))) throw alreadyStored(key);
      const { partSize } = this.#options;
      const input = this.#putInput(key, options);
      const send = <T>(request: () => Promise<T>): Promise<T> => this.#requests.run(request, signal);
      if (data.length > partSize) await putInParts(this.#client, input, data, { partSize, send, signal });
      else await send(() => this.#client.send(new PutObjectCommand({ ...input, Body: data }), abortable(signal)));
    } catch (error) {
      throw signal?.aborted === true ? (signal.reason as Error) : storeError(error, `store "${key}"`);
    } finally {
      if (options.overwrite !== true) this.#putting.delete(key);
    }
  }

  async get(key: string, range?: { start: number; end: number }): Promise<Uint8Array> {
    checkKey(key);
    try {
      // An empty range cannot be asked for, nor can one of an empty object.
      if (range && range.start >= range.end) return await this.#empty(key);
      return await this.#requests.run(async () => {
        const Range = range && `bytes=${range.start}-${range.end - 1}`;
        const answer = await this.#client.send(new GetObjectCommand({ ...this.#at(key), ...(Range && { Range }) }));
        return answer.Body!.transformToByteArray();
      });
    } catch (error) {
      if (isAbsence(error)) throw notStored(key, error);
      if (range && isBeyondEnd(error)) return new Uint8Array();
      throw storeError(error, `read "${key}"`);
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    checkKey(key);
    try {
      const found = await this.#requests.run(() => this.#client.send(new HeadObjectCommand(this.#at(key))));
      return { key, bytes: found.ContentLength ?? 0, storedAt: found.LastModified?.getTime() ?? 0 };
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw storeError(error, `look at "${key}"`);
    }
  }

  async list(prefix: string, { after, limit = LIST_LIMIT }: ListOptions = {}): Promise<StoredObject[]> {
    const own = this.#options.prefix;
    const found: StoredObject[] = [];
    try {
      let token: string | undefined;
      do {
        const page = await this.#requests.run(() =>
          this.#client.send(
            new ListObjectsV2Command({
              Bucket: this.#options.bucket,
              Prefix: own + prefix,
              MaxKeys: limit - found.length,
              ...(after === undefined ? {} : { StartAfter: own + after }),
              ...(token === undefined ? {} : { ContinuationToken: token }),
            }),
          ),
        );
        for (const { Key = '', Size = 0, LastModified } of page.Contents ?? [])
          found.push({ key: Key.slice(own.length), bytes: Size, storedAt: LastModified?.getTime() ?? 0 });
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined && found.length < limit);
      return found;
    } catch (error) {
      throw storeError(error, `list "${prefix}"`);
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkKey(key);
    const pages: string[][] = [];
    for (let at = 0; at < keys.length; at += DELETE_LIMIT) pages.push(keys.slice(at, at + DELETE_LIMIT));
    await Promise.all(pages.map((page) => this.#requests.run(() => this.#delete(page))));
  }

  async #delete(keys: readonly string[]): Promise<void> {
    const { bucket: Bucket, prefix, checksum: ChecksumAlgorithm } = this.#options;
    const Delete = { Objects: keys.map((key) => ({ Key: prefix + key })), Quiet: true };
    try {
      const answer = await this.#client.send(new DeleteObjectsCommand({ Bucket, Delete, ChecksumAlgorithm }));
      const [failed] = (answer.Errors ?? []).filter(({ Code }) => Code !== 'NoSuchKey');
      if (failed) throw Object.assign(new Error(`${failed.Key}: ${failed.Message}`), { name: failed.Code });
    } catch (error) {
      throw storeError(error, 'delete');
    }
  }

  async #empty(key: string): Promise<Uint8Array> {
    if (!(await this.head(key))) throw notStored(key);
    return new Uint8Array();
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#options.prefix + key };
  }

  #putInput(key: string, { contentType, cacheControl }: PutOptions): PutObjectCommandInput {
    const { encryption, checksum } = this.#options;
    return {
      ...this.#at(key),
      ChecksumAlgorithm: checksum,
      ...(contentType === undefined ? {} : { ContentType: contentType }),
      ...(cacheControl === undefined ? {} : { CacheControl: cacheControl }),
      ...(encryption && { ServerSideEncryption: encryption.algorithm }),
      ...(encryption?.key !== undefined && { SSEKMSKeyId: encryption.key }),
    };
  }
}

const abortable = (signal: AbortSignal | undefined): { abortSignal?: AbortSignal } =>
  signal ? { abortSignal: signal } : {};

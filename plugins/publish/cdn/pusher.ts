/**
 * Pushes what comes into the store: media in order, several at once; a playlist once all that it names and that waited is there; of
 * each playlist one write at a time, and then the newest. What cannot go now waits and goes when it can.
 */
import { Backoff, EddyError, type CameraId, type Clock, type ObjectStore, type PublishedObject } from 'eddy/plugin';
import type { Epoch } from './epoch.ts';
import { MediaLine, type WaitingMedia } from './line.ts';

/** A put of media that takes longer than this many ms has failed, and is tried again; and one of a playlist. */
const MEDIA_TIMEOUT = 30_000;
const LISTING_TIMEOUT = 10_000;
/** Playlists are written again so long after a camera was begun: whatever a writer before had under way has arrived by then. */
const STRAGGLERS = LISTING_TIMEOUT + 5000;
const RETRY = { min: 250, max: 5000 };

/** Options of a {@link Pusher}. */
export interface PusherOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly prefix: string;
  /** Bytes. */
  readonly memory: number;
  readonly writes: number;
  /** Bytes of media from the timeline; undefined: there is no timeline. */
  readonly read:
    ((cameraId: CameraId, media: NonNullable<PublishedObject['media']>) => Promise<Uint8Array | undefined>) | undefined;
  readonly epoch: (cameraId: CameraId) => Epoch;
  readonly onPushed: (kind: 'media' | 'listing', bytes: number) => void;
  readonly onState: (up: boolean, error?: unknown) => void;
  readonly onFenced: (cameraId: CameraId) => void;
  readonly onLost: (media: WaitingMedia, error?: unknown) => void;
}

/** A playlist or manifest by its key. */
interface Listing {
  readonly key: string;
  camera: PushedCamera;
  /** What is to be written next. */
  next: PublishedObject | undefined;
  /** The newest, where `next` can be written sooner: else a store that just keeps pace would never get any. */
  newest: PublishedObject | undefined;
  /** What was written last. */
  written: PublishedObject | undefined;
  since: number;
  putting: boolean;
}

interface PushedCamera {
  readonly cameraId: CameraId;
  readonly epoch: Epoch;
  readonly listings: Map<string, Listing>;
  /** True once its epoch has begun. */
  begun: boolean;
  /** False once its flow is over: it goes when all of it is pushed. */
  open: boolean;
}

/** See the file's head. */
export class Pusher {
  readonly #options: PusherOptions;
  readonly #line: MediaLine;
  readonly #cameras = new Map<CameraId, PushedCamera>();
  readonly #backoff = new Backoff(RETRY);
  #puts = 0;
  #up = true;
  #paused = false;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(options: PusherOptions) {
    this.#options = options;
    const { memory, read, onLost } = options;
    this.#line = new MediaLine({ memory, readable: read !== undefined, onLost });
  }

  /** What waits, and for how long the oldest of it has, ms. */
  get waiting(): { readonly media: number; readonly listings: number; readonly bytes: number; readonly age: number } {
    const listings = this.#listings().filter(({ next }) => next !== undefined);
    const since = Math.min(this.#line.oldest?.since ?? Infinity, ...listings.map((one) => one.since));
    const age = Number.isFinite(since) ? this.#options.clock.monotonic() - since : 0;
    return { media: this.#line.size, listings: listings.length, bytes: this.#line.bytes, age };
  }

  /** Keys that playlists of cameras that are pushed now name. */
  named(): Set<string> {
    return new Set(
      this.#listings().flatMap(({ newest, next, written }) =>
        [newest, next, written].flatMap((each) => (each?.needs ?? []).map(this.#keyOf)),
      ),
    );
  }

  /** A camera is pushed from now on, by a writer with an epoch of its own. */
  open(cameraId: CameraId): void {
    const epoch = this.#options.epoch(cameraId);
    const camera: PushedCamera = { cameraId, epoch, listings: new Map(), begun: false, open: true };
    // What still waits of an earlier flow, or is on its way, goes on under the new epoch.
    for (const listing of this.#cameras.get(cameraId)?.listings.values() ?? []) {
      if (!listing.next) continue;
      listing.camera = camera;
      camera.listings.set(listing.key, listing);
    }
    this.#cameras.set(cameraId, camera);
    this.#pump();
  }

  /** Nothing more of it comes: what waits is pushed yet. */
  close(cameraId: CameraId): void {
    const camera = this.#cameras.get(cameraId);
    if (camera) camera.open = false;
    this.#pump();
  }

  /** Takes an object of a camera that is open. */
  take(cameraId: CameraId, object: PublishedObject): void {
    const camera = this.#cameras.get(cameraId);
    if (!camera || camera.epoch.lost) return;
    const since = this.#options.clock.monotonic();
    const key = this.#keyOf(object.name);
    if (object.needs.length > 0) {
      const known = camera.listings.get(key);
      if (known?.next) known.newest = object;
      else if (known) Object.assign(known, { next: object, since });
      else {
        const listing = { key, camera, next: object, newest: undefined, written: undefined, since, putting: false };
        camera.listings.set(key, listing);
      }
    } else {
      const { data: bytes, ...rest } = object;
      this.#line.add({ key, cameraId, object: rest, bytes, since, putting: false });
    }
    this.#pump();
  }

  /** Settles when nothing waits, or the signal aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    if (this.#isIdle() || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Nothing is begun any more. */
  stop(): void {
    this.#stopped = true;
  }

  readonly #keyOf = (name: string): string => `${this.#options.prefix}/${name}`;

  #listings(): Listing[] {
    return [...this.#cameras.values()].flatMap(({ listings }) => [...listings.values()]);
  }

  #isIdle(): boolean {
    return this.#puts === 0 && this.#line.size === 0 && this.#listings().every(({ next }) => next === undefined);
  }

  #pump(): void {
    while (!this.#stopped && !this.#paused && this.#puts < this.#options.writes) {
      const waiting = this.#listings().filter(({ next, putting }) => next !== undefined && !putting);
      const listing = waiting.find((one) => this.#isReady(one));
      const media = listing ? undefined : (this.#urgent(waiting) ?? this.#line.next());
      if (listing) this.#start(listing, this.#pushListing(listing));
      else if (media) this.#start(media, this.#pushMedia(media));
      else break;
    }
    this.#forgetClosed();
    if (!this.#isIdle()) return;
    this.#idle.forEach((resolve) => resolve());
    this.#idle = [];
  }

  #start(what: { putting: boolean }, push: Promise<void>): void {
    what.putting = true;
    this.#puts += 1;
    const done = (): void => {
      what.putting = false;
      this.#puts -= 1;
    };
    push.then(
      () => {
        done();
        this.#went();
        this.#pump();
      },
      (error: unknown) => {
        done();
        this.#failed(error);
      },
    );
  }

  /** True where all that it names is there; the newest goes before one that is older. */
  #isReady(listing: Listing): boolean {
    if (listing.newest && !this.#isBlocked(listing, listing.newest)) {
      listing.next = listing.newest;
      listing.newest = undefined;
    }
    return !this.#isBlocked(listing, listing.next!);
  }

  /** True while something that it names waits, or is a playlist that was never written. */
  #isBlocked({ camera }: Listing, object: PublishedObject): boolean {
    return object.needs.some((name) => {
      const key = this.#keyOf(name);
      const other = camera.listings.get(key);
      return this.#line.get(key) !== undefined || (other !== undefined && !other.written);
    });
  }

  /** What a live playlist waits for goes before what only a recording will name. */
  #urgent(waiting: readonly Listing[]): WaitingMedia | undefined {
    for (const { next } of waiting) {
      if (!next!.rewritten) continue;
      for (const name of next!.needs) {
        const media = this.#line.get(this.#keyOf(name));
        if (media && !media.putting) return media;
      }
    }
    return undefined;
  }

  async #pushMedia(media: WaitingMedia): Promise<void> {
    const { store } = this.#options;
    const { key, object } = media;
    try {
      // Of what was published before, by this process or another, most is there.
      const there = media.bytes === undefined && (await store.head(key)) !== undefined;
      const bytes = media.bytes ?? (there ? undefined : await this.#options.read?.(media.cameraId, object.media!));
      if (bytes) await this.#put(key, bytes, object, MEDIA_TIMEOUT);
      else if (!there) this.#options.onLost(media);
      this.#line.delete(media);
      if (bytes) this.#options.onPushed('media', bytes.byteLength);
    } catch (error) {
      if (codeOf(error) === 'STORE_EXISTS') return this.#line.delete(media);
      if (codeOf(error) !== 'STORE_KEY_INVALID') throw error;
      this.#line.delete(media);
      this.#options.onLost(media, error);
    }
  }

  async #pushListing(listing: Listing): Promise<void> {
    const { key, camera } = listing;
    const object = listing.next!;
    if (!(await camera.epoch.holds())) return this.#fenced(camera);
    if (!camera.begun) this.#options.clock.after(STRAGGLERS, () => this.#writeAgain(camera));
    camera.begun = true;
    await this.#put(key, object.data!, object, LISTING_TIMEOUT);
    this.#options.onPushed('listing', object.data!.byteLength);
    Object.assign(listing, { written: object, next: listing.newest, newest: undefined });
    listing.since = this.#options.clock.monotonic();
    // A recording is written once, and names a great deal.
    if (!object.rewritten && !listing.next) listing.camera.listings.delete(key);
  }

  async #put(key: string, bytes: Uint8Array, object: Omit<PublishedObject, 'data'>, timeout: number): Promise<void> {
    const { store, clock } = this.#options;
    const { contentType, cacheControl } = object;
    const abort = new AbortController();
    const late = Promise.withResolvers<never>();
    const error = new EddyError('STORE_UNREACHABLE', `"${key}" was not stored within ${timeout / 1000} s`);
    const cancel = clock.after(timeout, () => {
      abort.abort(error);
      late.reject(error);
    });
    const overwrite = object.needs.length > 0;
    try {
      const put = store.put(key, bytes, { contentType, cacheControl, overwrite, signal: abort.signal });
      await Promise.race([put, late.promise]);
    } finally {
      cancel();
    }
  }

  #writeAgain(camera: PushedCamera): void {
    for (const listing of camera.listings.values()) {
      if (listing.next || !listing.written) continue;
      listing.next = listing.written;
      listing.since = this.#options.clock.monotonic();
    }
    this.#pump();
  }

  #fenced(camera: PushedCamera): void {
    if (this.#cameras.get(camera.cameraId) !== camera) return;
    camera.listings.clear();
    this.#line.forget(camera.cameraId);
    this.#options.onFenced(camera.cameraId);
  }

  #forgetClosed(): void {
    for (const [cameraId, { open, listings }] of this.#cameras)
      if (!open && [...listings.values()].every(({ next, putting }) => !next && !putting))
        this.#cameras.delete(cameraId);
  }

  #went(): void {
    if (this.#up) return;
    this.#up = true;
    this.#backoff.next(Infinity);
    this.#options.onState(true);
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    if (this.#up) {
      this.#up = false;
      this.#options.onState(false, error);
    }
    if (this.#paused) return;
    this.#paused = true;
    this.#options.clock.after(this.#backoff.next(), () => {
      this.#paused = false;
      this.#pump();
    });
  }
}

const codeOf = (error: unknown): unknown => (error as Partial<EddyError> | undefined)?.code;

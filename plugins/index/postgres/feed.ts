/**
 * Tells watchers what this process and others add. Each segment has a place in the order of adding within its camera;
 * a NOTIFY says how far a camera has come, and what is not known yet is read. So what happened while the connection was
 * lost is read like anything else, and nothing is told twice or out of order.
 */
import { EddyError, type CameraId } from 'eddy/plugin';
import type pg from 'pg';
import type { Watchers } from '../shared/watchers.ts';
import type { Database } from './database.ts';
import { migrate } from './migrations.ts';
import type { Reader } from './reader.ts';
import { channelOf, type Placed } from './writer.ts';

/** How often the connection is asked whether it is there, in ms: one that a firewall has dropped stays silent. */
const HEARTBEAT_MS = 5000;
/** Pauses between attempts, in ms: the first, and the longest. */
const PAUSE = { first: 200, most: 3000 };

/** Options of {@link Feed}. */
export interface FeedOptions {
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The connection was lost, or could not be made; told once until it is there again. */
  readonly onLost: (error: unknown) => void;
  readonly onBack: () => void;
}

interface Progress {
  /** The place of the last segment that was told. */
  told: number;
  /** The greatest place that is known to be given. */
  known: number;
  /** Settles when what was known has been told. */
  work: Promise<void>;
}

/** See the file's head. */
export class Feed {
  readonly #database: Database;
  readonly #reader: Reader;
  readonly #watchers: Watchers;
  readonly #options: FeedOptions;
  readonly #progress = new Map<CameraId, Progress>();
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #loaded = false;

  constructor(database: Database, reader: Reader, watchers: Watchers, options: FeedOptions) {
    this.#database = database;
    this.#reader = reader;
    this.#watchers = watchers;
    this.#options = options;
  }

  /** Whether the tables are there, and it is known how far each camera has come. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** Listens from now on, and again whenever the connection is lost. Rejects where the first attempt fails; goes on. */
  start(): Promise<void> {
    const first = Promise.withResolvers<void>();
    this.#running = this.#run(first.resolve, first.reject);
    return first.promise;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await Promise.all([...this.#progress.values()].map(({ work }) => work));
  }

  /** This process has added these, all of one camera. Settles when they were told, or will be once the server answers. */
  async added(cameraId: CameraId, placed: readonly Placed[]): Promise<void> {
    const progress = this.#of(cameraId);
    const [first, last] = [placed[0]!, placed.at(-1)!];
    progress.known = Math.max(progress.known, last.place);
    await this.#after(progress, async () => {
      // Where others have added before, theirs are read and told first.
      if (progress.told < first.place - 1) return this.#catchUp(cameraId, progress);
      for (const { segment, place } of placed) if (place > progress.told) this.#watchers.tell(segment);
      progress.told = Math.max(progress.told, last.place);
    });
  }

  async #run(onFirst: () => void, onFirstError: (error: unknown) => void): Promise<void> {
    const { signal } = this.#stop;
    let lost = false;
    for (let pause = PAUSE.first; !signal.aborted; pause = Math.min(2 * pause, PAUSE.most)) {
      try {
        await this.#listen(() => {
          if (lost) this.#options.onBack();
          lost = false;
          pause = PAUSE.first;
          onFirst();
        });
      } catch (error) {
        if (signal.aborted) break;
        onFirstError(error);
        if (!lost) this.#options.onLost(error);
        lost = true;
      }
      await this.#options.sleep(pause, signal).catch(() => {});
    }
    onFirstError(new EddyError('INDEX_UNREACHABLE', 'the segment index is stopped'));
  }

  /** Until the connection ends, which is an error, or until the end. */
  async #listen(onReady: () => void): Promise<void> {
    const client = this.#database.client();
    const lost = new AbortController();
    client.on('error', (error) => lost.abort(error));
    client.on('end', () => lost.abort(new Error('the server closed the connection')));
    const over = AbortSignal.any([this.#stop.signal, lost.signal]);
    // Ends it in the midst of a question, too.
    const leave = (): void => void client.end().catch(() => {});
    this.#stop.signal.addEventListener('abort', leave);
    try {
      await client.connect();
      await migrate(client, this.#database.schema);
      client.on('notification', ({ payload = '' }) => this.#heard(payload));
      await client.query(`LISTEN ${channelOf(this.#database.schema)}`);
      await this.#load(client);
      onReady();
      for (;;) {
        await this.#options.sleep(HEARTBEAT_MS, over);
        await client.query('SELECT');
        for (const [cameraId, { known }] of this.#progress) this.#advance(cameraId, known);
      }
    } catch (error) {
      throw lost.signal.aborted ? lost.signal.reason : error;
    } finally {
      this.#stop.signal.removeEventListener('abort', leave);
      await client.end().catch(() => {});
    }
  }

  /** How far each camera has come; at a new connection what was missed is known by it. */
  async #load(client: pg.Client): Promise<void> {
    const before = new Map([...this.#progress].map(([cameraId, { known }]) => [cameraId, known]));
    const { rows } = await client.query<{ name: CameraId; added: number }>(
      `SELECT name, added FROM "${this.#database.schema}".cameras`,
    );
    const places = new Map(rows.map(({ name, added }) => [name, added]));
    for (const cameraId of new Set([...before.keys(), ...places.keys()])) {
      const place = places.get(cameraId) ?? 0;
      // Less than there was: the server has lost it (another one took over, a backup was restored) and counts from there.
      if (!this.#loaded || place < (before.get(cameraId) ?? 0)) {
        const progress = this.#of(cameraId);
        progress.told = progress.known = place;
      } else this.#advance(cameraId, place);
    }
    this.#loaded = true;
  }

  #heard(payload: string): void {
    const [, cameraId, place] = /^(\S+) (\d+)$/.exec(payload) ?? [];
    if (cameraId !== undefined) this.#advance(cameraId as CameraId, Number(place));
  }

  #advance(cameraId: CameraId, place: number): void {
    const progress = this.#of(cameraId);
    progress.known = Math.max(progress.known, place);
    if (progress.told < progress.known) void this.#after(progress, () => this.#catchUp(cameraId, progress));
  }

  /** Reads and tells up to what is known. What cannot be read now is read at the next heartbeat or connection. */
  async #catchUp(cameraId: CameraId, progress: Progress): Promise<void> {
    while (progress.told < progress.known) {
      const { known } = progress;
      const page = this.#watchers.has(cameraId) ? await this.#reader.addedAfter(cameraId, progress.told) : [];
      for (const { segment, place } of page) {
        this.#watchers.tell(segment);
        progress.told = place;
      }
      // The rest was deleted meanwhile, or nobody watches.
      if (page.length === 0) progress.told = known;
    }
  }

  /** One after another within a camera. */
  #after(progress: Progress, task: () => Promise<void> | void): Promise<void> {
    progress.work = progress.work.then(task).catch(() => {});
    return progress.work;
  }

  #of(cameraId: CameraId): Progress {
    let progress = this.#progress.get(cameraId);
    if (!progress) this.#progress.set(cameraId, (progress = { told: 0, known: 0, work: Promise.resolve() }));
    return progress;
  }
}

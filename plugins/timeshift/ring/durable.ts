/** All that lies behind the memory: write-ahead log, archiver, retention, and the repair at the start. */
import { resolve } from 'node:path';
import {
  EddyError,
  type CameraId,
  type Context,
  type Gap,
  type ObjectStore,
  type Segment,
  type SegmentIndex,
} from 'eddy/plugin';
import { Archive } from './archive.ts';
import { Archiver } from './archiver.ts';
import { type Replay, replayLog } from './log-replay.ts';
import type { RingMemory } from './memory.ts';
import type { manifest } from './plugin.ts';
import { reconcile } from './reconcile.ts';
import { Retention } from './retention.ts';
import type { SteadyClock } from './steady-clock.ts';
import { takeStopped, writeStopped } from './stopped.ts';
import type { KeptSegment, LogPart } from './track-memory.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

type Ctx = Context<typeof manifest>;

/** How long a start waits for what the last run left in its log, ms; the rest is caught up while cameras are live. */
const RECOVER_WITHIN = 1000;
/** How long a stop waits for the store, ms, where the engine's own drain has not waited already. */
const STOP_WITHIN = 1000;
const SWEEP_EVERY = 10_000;
const EVER = Number.MAX_SAFE_INTEGER;

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** See the file's head. */
export class Durable {
  readonly archive: Archive;
  readonly archiver: Archiver;
  readonly index: SegmentIndex;
  readonly #ctx: Ctx;
  readonly #store: ObjectStore;
  readonly #dir: string;
  readonly #log: WriteAheadLog;
  readonly #retention: Retention;
  readonly #steady: SteadyClock;
  readonly #abort = new AbortController();
  #repairing: Promise<void> | undefined;
  #sweepFailed = false;

  constructor(ctx: Ctx, memory: RingMemory, steady: SteadyClock, store: ObjectStore, index: SegmentIndex) {
    const { config, clock } = ctx;
    this.#ctx = ctx;
    this.#store = store;
    this.index = index;
    this.#steady = steady;
    this.#dir = resolve(ctx.baseDir, config.dir);
    this.archive = new Archive(store);
    this.#log = new WriteAheadLog({
      ...{ dir: this.#dir, limit: config.spill, rpo: config.durability.rpo, clock },
      onState: (state, error) => this.#logState(state, error),
    });
    this.archiver = new Archiver({
      ...{ store, index, log: this.#log, clock, ack: config.durability.ack },
      onAcknowledged: (segment) => this.#acknowledged(segment),
      onArchived: (segment) => this.#retention.archived(segment),
      onState: (what, up, error) => this.#state(what, up, error),
      onLost: (segment, error) => this.#lost(segment, error),
    });
    this.#retention = new Retention({
      ...{ store, index, archive: this.archive, clock, now: () => steady.now() },
      ...{ age: config.retain, bytes: config['retain-bytes'] },
      isLive: (camera, track, init) =>
        memory.generation(camera, track, init) !== undefined ||
        this.archiver
          .waiting(camera)
          .some(({ segment, generation }) => segment.track === track && generation.name === init),
      onInitDeleted: (key) => this.archiver.forgetInit(key),
    });
  }

  get log(): WriteAheadLog {
    return this.#log;
  }

  readonly append: LogPart = ({ cameraId, id }, { name, caps }, chunk) =>
    this.#log.append(cameraId, id, name, caps, chunk);

  finished(kept: KeptSegment): void {
    this.archiver.add(kept);
  }

  gap(cameraId: CameraId, gap: Gap): void {
    this.archiver.addGap(cameraId, gap);
  }

  /** Opens the log, brings in what it holds, and begins to compare store and index beside live traffic. */
  async start(memory: RingMemory): Promise<void> {
    const { clock } = this.#ctx;
    const began = clock.monotonic();
    const files = await this.#log.open();
    const replay = await replayLog(files);
    const stopped = await takeStopped(this.#dir);
    const recovered = await this.#recover(replay);
    this.#log.discardUnused(files);
    await this.#rememberAbsences(memory, replay, stopped);
    await Promise.race([this.archiver.idle(), clock.sleep(RECOVER_WITHIN, this.#abort.signal).catch(() => undefined)]);
    if (files.length > 0 && stopped === undefined) this.#tell(replay, recovered, clock.monotonic() - began);
    const before = clock.now();
    clock.every(SWEEP_EVERY, () => void this.sweep());
    this.#repairing = this.archiver.idle().then(() => this.#repair(before));
  }

  /** Deletes what is due. */
  async sweep(): Promise<void> {
    try {
      await this.#retention.sweep();
      this.#sweepFailed = false;
    } catch (error) {
      // Store and index tell of their own outages; deleting can wait for them.
      if (!this.#sweepFailed) this.#ctx.log.warn({ err: error }, 'old segments cannot be deleted at the moment');
      this.#sweepFailed = true;
    }
  }

  /** Waits until all that was taken in is stored, or for as long as the signal allows. */
  async drain(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((settle) => signal.addEventListener('abort', () => settle(), { once: true }));
    await Promise.race([this.archiver.idle(), signal.aborted ? undefined : aborted]);
  }

  /** What is left waits in the log for the next start. */
  async stop(memory: RingMemory): Promise<void> {
    if (this.archiver.state.store === 'up') await this.drain(AbortSignal.timeout(STOP_WITHIN));
    this.#abort.abort(new EddyError('SERVICE_RESTARTING', 'the ring stops'));
    await this.#repairing?.catch(() => undefined);
    await this.#log.close();
    await writeStopped(this.#dir, memory.absences()).catch((error: unknown) =>
      this.#ctx.log.warn({ err: error }, 'the next start will take this stop for a crash'),
    );
  }

  /** Hands what neither store nor index is known to have to the archiver; returns how many segments that were. */
  async #recover({ segments }: Replay): Promise<number> {
    let recovered = 0;
    const byCamera = Map.groupBy(segments, ({ segment }) => segment.cameraId as CameraId);
    for (const [camera, logged] of byCamera) {
      const start = Math.min(...logged.map(({ segment }) => segment.startTs));
      const known = await this.index.range(camera, { start, end: EVER }).catch((error: unknown): Segment[] => {
        // Adding twice does no harm: both refuse what they have.
        this.#ctx.log.warn({ err: error }, 'the index cannot say what it knows of the log of the last run');
        return [];
      });
      const ids = new Set(known.map(({ id }) => id));
      for (const one of logged) {
        if (ids.has(one.segment.id)) {
          this.#log.release(one.places);
        } else {
          this.archiver.recover(one);
          recovered += 1;
        }
      }
    }
    return recovered;
  }

  /** Since when cameras of earlier runs are away: those that were live at a crash until then, others until their end. */
  async #rememberAbsences(memory: RingMemory, { segments }: Replay, stopped: Awaited<ReturnType<typeof takeStopped>>) {
    const crashed = new Map<CameraId, number>();
    for (const { segment } of segments) {
      const camera = segment.cameraId as CameraId;
      crashed.set(camera, Math.max(crashed.get(camera) ?? 0, segment.startTs + segment.duration));
    }
    try {
      for (const camera of await this.index.cameras()) {
        const last = await this.index.latest(camera);
        if (!last) continue;
        const since = last.startTs + last.duration;
        memory.setAbsence(camera, stopped?.get(camera) ?? { since, cause: 'publisher-lost' });
      }
    } catch (error) {
      this.#ctx.log.warn({ err: error }, 'the index cannot say which cameras it knows');
    }
    if (!stopped) for (const [camera, since] of crashed) memory.setAbsence(camera, { since, cause: 'crash' });
  }

  #tell({ segments, torn }: Replay, recovered: number, ms: number): void {
    const cut = segments.filter(({ whole }) => !whole).length;
    const what = `${segments.length} segments in the log of the last run, ${recovered} of them not yet stored and indexed, ${cut} cut short, ${torn} bytes torn, ${Math.round(ms)} ms`;
    this.#ctx.log.info({ segments: segments.length, recovered, cut, torn, ms }, what);
    this.#ctx.events.emit({
      type: 'timeline.recovered',
      data: { segments: segments.length, recovered, cut, torn, ms },
    });
    if (recovered > 0) this.#ctx.report({ code: 'timeshift.ring/REPAIRED', message: what });
  }

  async #repair(before: number): Promise<void> {
    const { clock, config } = this.#ctx;
    try {
      const horizon = this.#steady.now() - config.retain;
      const done = await reconcile({
        ...{ store: this.#store, index: this.index, archive: this.archive, clock },
        ...{ signal: this.#abort.signal, before, horizon },
      });
      this.#ctx.events.emit({ type: 'timeline.reconciled', data: { ...done } });
      const what = `store and index: ${done.agreed} segments agree, ${done.indexed} objects given a row, ${done.rowsRemoved} rows without an object removed, ${done.objectsRemoved} old objects removed, ${done.unreadable} unreadable`;
      this.#ctx.log.info({ ...done }, what);
      if (done.indexed + done.rowsRemoved + done.objectsRemoved > 0)
        this.#ctx.report({ code: 'timeshift.ring/REPAIRED', message: what });
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#ctx.report({ code: 'timeshift.ring/REPAIR_FAILED', message: message(error) });
    }
  }

  #acknowledged({ id, cameraId, track, number, startTs, duration, bytes }: Segment): void {
    const data = { id, track, number, startTs, duration, bytes };
    this.#ctx.events.emit({ type: 'segment.stored', cameraId: cameraId as CameraId, data });
  }

  #state(what: 'store' | 'index', up: boolean, error: unknown): void {
    if (up) {
      this.#ctx.events.emit({ type: `timeline.${what}-up` });
      const { waiting } = this.archiver.state;
      this.#ctx.log.info({ waiting }, `the ${what} answers again: ${waiting.segments} segments are caught up`);
      return;
    }
    this.#ctx.events.emit({ type: `timeline.${what}-down`, data: { reason: message(error) } });
    const code = what === 'store' ? 'timeshift.ring/STORE_DOWN' : 'timeshift.ring/INDEX_DOWN';
    this.#ctx.report({ code, message: `segments wait: ${message(error)}` });
  }

  #logState(state: 'up' | 'full' | 'down', error: unknown): void {
    if (state === 'up') {
      this.#ctx.events.emit({ type: 'timeline.log-up' });
      return this.#ctx.log.info({}, 'the write-ahead log goes on');
    }
    if (state === 'full') {
      this.#ctx.events.emit({ type: 'timeline.log-full' });
      return this.#ctx.report({
        code: 'timeshift.ring/LOG_FULL',
        message: `all of ${this.#ctx.config.spill} bytes are used`,
      });
    }
    this.#ctx.events.emit({ type: 'timeline.log-down', data: { reason: message(error) } });
    this.#ctx.report({ code: 'timeshift.ring/LOG_DOWN', message: message(error) });
  }

  #lost({ id, cameraId }: Segment, error: unknown): void {
    this.#ctx.events.emit({
      type: 'segment.lost',
      cameraId: cameraId as CameraId,
      data: { id, reason: message(error) },
    });
    this.#ctx.report({
      code: 'timeshift.ring/SEGMENT_LOST',
      message: `${id}: ${message(error)}`,
      cameraId: cameraId as CameraId,
    });
  }
}

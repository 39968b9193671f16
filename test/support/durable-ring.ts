/** The ring with a store and an index behind it, under a clock by hand; its log is on a real disk. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Chunk, ChunkCaps, EndCause, ObjectStore, PipelineEvent, SegmentIndex, TrackReader } from 'eddy/plugin';
import { parseFields } from '../../core/plugin/index.ts';
import { FakeObjectStore, FakeSegmentIndex, VirtualClock } from '../../core/testing/index.ts';
import { readRecords } from '../../plugins/timeshift/ring/log-record.ts';
import ringPlugin from '../../plugins/timeshift/ring/plugin.ts';
import { create } from '../../plugins/timeshift/ring/ring.ts';
import { fakeContext, fakeFlow } from '../unit/hls/fake-context.ts';
import { START, videoCaps } from './chunks.ts';

/** Options of {@link durableRing}; what is left out is a fake. */
export interface DurableRingOptions<S, I> {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly clock?: VirtualClock;
  readonly store?: S;
  readonly index?: I;
  /** Of an earlier ring: this one finds what that left behind. */
  readonly dir?: string;
}

/** Waits for real I/O without moving the clock; fails after ten seconds with what it waited for. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** One with fakes behind it. */
export type FakedRing = Awaited<ReturnType<typeof durableRing<FakeObjectStore, FakeSegmentIndex>>>;
export type FakedRingOptions = DurableRingOptions<FakeObjectStore, FakeSegmentIndex>;

/** Starts one. */
export async function durableRing<S extends ObjectStore = FakeObjectStore, I extends SegmentIndex = FakeSegmentIndex>(
  options: DurableRingOptions<S, I> = {},
) {
  const clock = options.clock ?? new VirtualClock({ now: START });
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'eddy-ring-')));
  const store = options.store ?? (new FakeObjectStore(clock) as unknown as S);
  const index = options.index ?? (new FakeSegmentIndex() as unknown as I);
  const parsed = parseFields(ringPlugin.manifest.config, { dir, ...options.config });
  if ('error' in parsed) throw new Error(parsed.error);
  const context = fakeContext({ config: parsed.value, clock, services: { store, index } });
  const events: PipelineEvent[] = [];
  (context.ctx as { events: { on(listener: (event: PipelineEvent) => void): void } }).events.on((e) => events.push(e));
  const stage = create(context.ctx);
  await stage.start?.();
  const readers = new Map<string, TrackReader<'chunks'> & { end(cause: EndCause): void }>();
  const flows = new Map<string, ReturnType<typeof fakeFlow>>();
  const ring = {
    timeline: stage.services.timeline,
    ...{ clock, dir, store, index, events, reports: context.reports },
    begin(camera: string, track: string, caps: ChunkCaps = videoCaps()): void {
      let flow = flows.get(camera);
      if (!flow) {
        flows.set(camera, (flow = fakeFlow(camera, ['live', 'segments'])));
        void stage.flow(flow.flow);
      }
      readers.set(`${camera}/${track}`, flow.track(track, caps));
    },
    chunk(camera: string, track: string, chunk: Chunk): void {
      if (!readers.has(`${camera}/${track}`)) ring.begin(camera, track);
      void readers.get(`${camera}/${track}`)!.item(chunk);
    },
    feed: (camera: string, chunks: readonly Chunk[]): void => chunks.forEach((one) => ring.chunk(camera, 'video', one)),
    gap: (camera: string, track: string, ...gap: Parameters<NonNullable<TrackReader<'chunks'>['gap']>>) =>
      void readers.get(`${camera}/${track}`)!.gap?.(...gap),
    end: (camera: string, track: string, cause: EndCause = 'publisher-ended') =>
      readers.get(`${camera}/${track}`)!.end(cause),
    /** Ids that were told to be acknowledged, in order. */
    acknowledged: (): string[] =>
      events.flatMap(({ type, data }) => (type === 'segment.stored' ? [String(data?.id)] : [])),
    reported: (): string[] => context.reports.map(({ code }) => code.split('/').at(-1)!),
    /** Settles when nothing waits to be stored. */
    archived: () => eventually('all to be stored', async () => (await ring.timeline.state()).waiting.segments === 0),
    /** Settles when the log has this many parts. */
    logged: (parts: number) =>
      eventually(`${parts} parts in the log`, async () => {
        const names = (await readdir(dir)).filter((name) => name.endsWith('.wal'));
        const records = await Promise.all(
          names.map(async (name) => readRecords(await readFile(join(dir, name))).records),
        );
        return records.flat().filter(({ head }) => head.kind === 'part').length >= parts;
      }),
    drain: (signal: AbortSignal) => stage.drain?.(signal),
    async stop(): Promise<void> {
      await stage.stop?.();
      await context.scope.close();
    },
    /** As a crash leaves it: nothing is written any more, nothing is removed. */
    async crash(): Promise<void> {
      await context.scope.close();
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
  return ring;
}

/** Passes chunks on at once and keeps them. */
import {
  EddyError,
  type Chunk,
  type Context,
  type Flow,
  type Running,
  type Segment,
  type TimelineState,
  type TrackId,
  type TrackReader,
  type TrackWriter,
} from 'eddy/plugin';
import { Durable } from './durable.ts';
import { RingMemory } from './memory.ts';
import type { manifest } from './plugin.ts';
import { SteadyClock } from './steady-clock.ts';
import { RingTimeline } from './timeline.ts';

type Manifest = typeof manifest;

/** How often old media goes, in ms. Half a typical segment: the budget is passed by no more than that. */
const EVICT_EVERY = 1000;
/** A full budget is told this often, in ms. */
const REPORT_EVERY = 60_000;

/** The ring's code. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const { store, index } = ctx.services;
  if ((store === undefined) !== (index === undefined))
    throw new EddyError(
      'timeshift.ring/HALF_STORED',
      `there is ${store ? 'a store but no index' : 'an index but no store'}`,
    );
  const steady = new SteadyClock(ctx.clock, (ms) => clockStepped(ctx, ms));
  const memory: RingMemory = new RingMemory(ctx.config, () => ctx.clock.now(), {
    finished: (kept) => {
      durable?.finished(kept);
      timeline.tell(kept.segment);
    },
    evicted: (kept) => durable?.archiver.evicted(kept),
    gap: (cameraId, gap) => durable?.gap(cameraId, gap),
    ...(store && { log: (...part) => durable?.append(...part) }),
  });
  const durable = store && index && new Durable(ctx, memory, steady, store, index);
  const state = (): TimelineState => stateOf(durable, steady);
  const timeline = new RingTimeline({ memory, behind: durable, now: () => ctx.clock.now(), state });
  const sweep = sweeper(ctx, memory, durable, steady);

  return {
    services: { timeline },
    async start() {
      await durable?.start(memory);
      ctx.clock.every(EVICT_EVERY, sweep);
    },
    flow: (flow) => keepFlow(memory, flow),
    drain: (signal) => durable?.drain(signal),
    stop: () => durable?.stop(memory),
  };
}

function stateOf(durable: Durable | undefined, steady: SteadyClock): TimelineState {
  const clockStepped = steady.stepped;
  if (!durable) return { store: 'none', index: 'none', log: 'none', waiting: { segments: 0, bytes: 0 }, clockStepped };
  return { ...durable.archiver.state, log: durable.log.state, clockStepped };
}

/** Once a second: old media goes from memory, meters are read, and the wall clock is looked at. */
function sweeper(ctx: Context<Manifest>, memory: RingMemory, durable: Durable | undefined, steady: SteadyClock) {
  const gauge = (name: string, help: string) => ctx.metrics.gauge(`timeshift_${name}`, help);
  const held = gauge('memory_bytes', 'Bytes of finished segments that the ring holds.');
  const waiting = durable && gauge('waiting_segments', 'Finished segments that are not yet both stored and indexed.');
  const logged = durable && gauge('log_bytes', 'Bytes of the write-ahead log, which is also the spill.');
  const up =
    durable && gauge('up', '1 where the store, the index or the log (label "part") takes what it is given, else 0.');
  let reportedAt = -Infinity;

  return (): void => {
    steady.now();
    const short = memory.evict();
    held.set(memory.bytes);
    if (durable) {
      const { store, index, waiting: wait } = durable.archiver.state;
      waiting?.set(wait.segments);
      logged?.set(durable.log.bytes);
      for (const [part, state] of Object.entries({ store, index, log: durable.log.state }))
        up?.set(Number(state === 'up'), { part });
    } else {
      memory.forgetAbsences();
    }
    if (short === 0 || ctx.clock.monotonic() - reportedAt < REPORT_EVERY) return;
    reportedAt = ctx.clock.monotonic();
    const missing = (short / 1000).toFixed(0);
    const message = `the memory budget is full: the oldest ${missing} s of the window are not kept`;
    ctx.report({ code: 'timeshift.ring/MEMORY_SHORT', message });
  };
}

function clockStepped(ctx: Context<Manifest>, ms: number): void {
  ctx.events.emit({ type: ms === 0 ? 'timeline.clock-steady' : 'timeline.clock-stepped', data: { ms } });
  if (ms === 0) return ctx.log.info({}, 'the past is kept by the wall clock again');
  const seconds = Math.round(Math.abs(ms) / 1000);
  const message = `the wall clock stepped ${seconds} s ${ms > 0 ? 'ahead' : 'back'}`;
  ctx.report({ code: 'timeshift.ring/CLOCK_STEPPED', message });
}

/** What a track is passed on to. */
interface Outlets {
  readonly live: TrackWriter<'chunks'>;
  readonly segments: TrackWriter<'segments'>;
}

function keepFlow(memory: RingMemory, flow: Flow<Manifest>): void {
  // Outlets of ended tracks that wait for the track which replaces them, so that the outputs are replaced in turn.
  const replaced = new Map<TrackId, Outlets>();

  flow.in.chunks.onTrack((track) => {
    const before = track.replaces === undefined ? undefined : replaced.get(track.replaces);
    if (track.replaces !== undefined) replaced.delete(track.replaces);
    const outlets: Outlets = {
      live: flow.out.live.addTrack(track.id, track.caps, { from: track, ...(before && { replaces: before.live }) }),
      segments: flow.out.segments.addTrack(
        track.id,
        { kind: track.caps.kind, chunk: track.caps },
        { from: track, ...(before && { replaces: before.segments }) },
      ),
    };
    memory.begin(flow.cameraId, track.id, track.caps);
    return readTrack(memory, flow, track.id, outlets, () => replaced.set(track.id, outlets));
  });
}

function readTrack(
  memory: RingMemory,
  flow: Flow<Manifest>,
  track: TrackId,
  { live, segments }: Outlets,
  onReplaced: () => void,
): TrackReader<'chunks'> {
  const tell = (finished: readonly Segment[]): boolean => finished.every((segment) => segments.write(segment));

  return {
    item(chunk: Chunk) {
      // Live first: what is kept must not delay what is watched.
      const liveHasRoom = live.write(chunk);
      const segmentsHaveRoom = tell(memory.append(flow.cameraId, track, chunk));
      if (liveHasRoom && segmentsHaveRoom) return undefined;
      return Promise.all([live.ready(), segments.ready()]).then(() => undefined);
    },
    discontinuity(cause) {
      live.discontinuity(cause);
      segments.discontinuity(cause);
    },
    gap(from, to, cause) {
      memory.gap(flow.cameraId, from, to, cause);
      live.gap(from, to, cause);
      segments.gap(from, to, cause);
    },
    end(cause) {
      const last = memory.end(flow.cameraId, track, cause);
      if (last) tell([last]);
      if (cause === 'replaced') return onReplaced();
      live.end(cause);
      segments.end(cause);
    },
  };
}

/** Passes chunks on at once and keeps them. */
import type { Chunk, Context, Flow, Running, Segment, TrackId, TrackReader, TrackWriter } from 'eddy/plugin';
import { RingMemory } from './memory.ts';
import type { manifest } from './plugin.ts';

type Manifest = typeof manifest;

/** How often old media goes, in ms. Half a typical segment: the budget is passed by no more than that. */
const EVICT_EVERY = 1000;
/** A full budget is told this often, in ms. */
const REPORT_EVERY = 60_000;

/** The ring's code. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const memory = new RingMemory(ctx.config, () => ctx.clock.now());
  const gauge = ctx.metrics.gauge('timeshift_memory_bytes', 'Bytes of finished segments that the ring holds.');
  let reportedAt = -Infinity;

  const evict = (): void => {
    const short = memory.evict();
    gauge.set(memory.bytes);
    if (short === 0 || ctx.clock.monotonic() - reportedAt < REPORT_EVERY) return;
    reportedAt = ctx.clock.monotonic();
    const missing = (short / 1000).toFixed(0);
    const message = `the memory budget is full: the oldest ${missing} s of the window are not kept`;
    ctx.report({ code: 'timeshift.ring/MEMORY_SHORT', message });
  };

  return {
    services: { timeline: memory },
    start() {
      ctx.clock.every(EVICT_EVERY, evict);
    },
    flow: (flow) => keepFlow(memory, flow),
  };
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
      const last = memory.end(flow.cameraId, track);
      if (last) tell([last]);
      if (cause === 'replaced') return onReplaced();
      live.end(cause);
      segments.end(cause);
    },
  };
}

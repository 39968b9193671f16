/** The least that a stage needs of an engine: a clock by hand or the real one, sessions, one flow at a time. */
import type {
  CameraId,
  CameraStatus,
  Clock,
  EndCause,
  PipelineEvent,
  Report,
  Session,
  SessionRequest,
} from 'eddy/plugin';
import type { ChunkCaps, InputTrack, SyncClock, TrackId, TrackReader } from 'eddy/plugin';
import { scopedClock, systemClock } from '../../../core/engine/clock.ts';
import { DisposableScope } from '../../../core/engine/scope.ts';

export interface FakeSession extends Session {
  readonly request: SessionRequest;
  ended: boolean;
  revoke(reason: Error): void;
}

/** A context for any stage, and what became of it. */
export function fakeContext(options: { config: object; services?: object; clock?: Clock; carry?: 'path' | 'cookie' }) {
  const clock = options.clock ?? systemClock;
  const errors: unknown[] = [];
  const scope = new DisposableScope((error) => errors.push(error));
  const reports: Report[] = [];
  const sessions: FakeSession[] = [];
  const states = new Map<string, CameraStatus['state']>();
  const listeners = new Set<(event: PipelineEvent) => void>();
  const gates: { refuse?: Error; tooDeep?: Error; limits?: Pick<Session, 'maxLines' | 'maxBitrate'> } = {};
  const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };

  const ctx = {
    name: 'fake',
    config: options.config,
    services: options.services ?? {},
    baseDir: '.',
    log,
    clock: scopedClock(clock, scope),
    scope,
    metrics: {
      counter: () => ({ add() {}, follow() {}, remove() {} }),
      gauge: () => ({ set() {}, remove() {} }),
      histogram: () => ({ observe() {} }),
    },
    events: {
      emit: (event: Omit<PipelineEvent, 'at'>) =>
        listeners.forEach((listener) => listener({ ...event, at: clock.now() })),
      on: (listener: (event: PipelineEvent) => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    cameras: { get: (id: string) => (states.has(id) ? ({ state: states.get(id) } as CameraStatus) : undefined) },
    sessions: {
      carry: options.carry ?? 'path',
      open: async (request: SessionRequest): Promise<Session> => {
        if (gates.refuse) throw gates.refuse;
        const abort = new AbortController();
        const session: FakeSession = {
          id: `s${sessions.length}` as Session['id'],
          cameraId: request.cameraId as CameraId,
          userId: 'tester',
          earliest: 0,
          ...gates.limits,
          signal: abort.signal,
          request,
          ended: false,
          admit: (wish) => {
            if (gates.tooDeep && wish.action === 'rewind') throw gates.tooDeep;
          },
          seal: () => `sealed-${request.cameraId}`,
          update() {},
          end: () => void (session.ended = true),
          revoke: (reason) => abort.abort(reason),
        };
        sessions.push(session);
        return session;
      },
    },
    report: (report: Report) => reports.push(report),
    fail: (error: unknown) => errors.push(error),
  };
  return { ctx: ctx as never, scope, reports, sessions, states, gates, errors, emit: ctx.events.emit };
}

/** What a stage wrote to one of its output tracks. */
export interface WrittenTrack {
  readonly id: TrackId;
  readonly items: unknown[];
  readonly log: string[];
  full: boolean;
  /** Ends a `ready()` that waits. */
  drain(): void;
}

/** A flow with an input pad `chunks` and recording outputs, wanted by default. */
export function fakeFlow(
  cameraId: string,
  outputs: readonly string[] = [],
  { wanted = true }: { readonly wanted?: boolean } = {},
) {
  const scope = new DisposableScope(() => undefined);
  const written = new Map<string, WrittenTrack[]>();
  let onTrack: ((track: InputTrack<'chunks'>) => TrackReader<'chunks'>) | undefined;

  const output = (pad: string) => ({
    wanted,
    onWanted: () => () => undefined,
    addTrack(id: TrackId, _caps: unknown, options: { replaces?: { id: TrackId } } = {}) {
      let room = Promise.withResolvers<void>();
      const track: WrittenTrack = {
        id,
        items: [],
        log: options.replaces ? [`replaces ${options.replaces.id}`] : [],
        full: false,
        drain: () => {
          track.full = false;
          room.resolve();
          room = Promise.withResolvers<void>();
        },
      };
      written.set(pad, [...(written.get(pad) ?? []), track]);
      return {
        id,
        write: (item: unknown) => {
          track.items.push(item);
          return !track.full;
        },
        ready: () => (track.full ? room.promise : Promise.resolve()),
        discontinuity: (cause: string) => track.log.push(`discontinuity ${cause}`),
        gap: (from: number, to: number, cause: string) => track.log.push(`gap ${from} ${to} ${cause}`),
        end: (cause: string) => track.log.push(`end ${cause}`),
        onKeyFrameRequest: () => () => undefined,
      };
    },
  });

  const flow = {
    cameraId: cameraId as CameraId,
    in: { chunks: { onTrack: (listener: typeof onTrack) => void (onTrack = listener), want() {} } },
    out: Object.fromEntries(outputs.map((pad) => [pad, output(pad)])),
    log: { debug() {}, info() {}, warn() {}, error() {}, child: () => flow.log },
    scope,
    report() {},
    fail() {},
  };
  const clock: SyncClock = { toWall: () => undefined };
  return {
    flow: flow as never,
    written,
    close: () => scope.close(),
    /** A track comes; what is returned feeds it. */
    track(id: TrackId, caps: ChunkCaps, replaces?: TrackId): TrackReader<'chunks'> & { end(cause: EndCause): void } {
      const reader = onTrack!({ id, caps, clock, replaces, requestKeyFrame() {}, want() {} });
      return { ...reader, end: (cause) => void reader.end?.(cause) };
    },
  };
}

/** A small fake of what the engine gives to a service plugin, for tests without an engine. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type {
  AdminRequest,
  AnyPlugin,
  CameraStatus,
  Credentials,
  Fields,
  Peer,
  Revocation,
  SessionRequest,
  SessionStatus,
} from '../../../core/plugin/index.ts';
import { EddyError, parseFields } from '../../../core/plugin/index.ts';
import {
  createEvents,
  createMetrics,
  silentLogger,
  type EngineEvents,
  type EngineMetrics,
} from '../../../core/observe/index.ts';

/** What a test may set and see. */
export interface FakeEngine {
  cameras: CameraStatus[];
  sessions: SessionStatus[];
  revocations: Revocation[];
  ready: { ready: boolean; reasons: string[] };
  state: string;
  /** Whether `administer` lets in. */
  admin: (credentials: Credentials, peer: Peer) => void;
  /** Whether a viewer is let in to this camera. */
  viewer: (cameraId: string, credentials: Credentials) => void;
  readonly failures: unknown[];
  readonly reports: { code: string; message: string }[];
  /** Calls what was to be called every so often, once. */
  tick(): void;
  readonly metrics: EngineMetrics;
  readonly events: EngineEvents;
  /** Ends the scope, as the engine does after stop. */
  close(): Promise<void>;
}

/** Makes a context for a plugin with this configuration as written in YAML. */
export function fakeContext<C>(
  plugin: AnyPlugin | { readonly manifest: { readonly name: string; readonly config: Fields } },
  written: Readonly<Record<string, unknown>> = {},
  services: Readonly<Record<string, unknown>> = {},
): { ctx: C; engine: FakeEngine } {
  const parsed = parseFields(plugin.manifest.config, written);
  if ('error' in parsed) throw new Error(parsed.error);
  const undo: (() => void | Promise<void>)[] = [];
  const abort = new AbortController();
  const periodic = new Set<() => void>();
  const metrics = createMetrics({ process: false });
  const engine: FakeEngine = {
    cameras: [],
    sessions: [],
    revocations: [],
    ready: { ready: true, reasons: [] },
    state: 'running',
    admin: () => {},
    viewer: () => {},
    failures: [],
    reports: [],
    tick: () => periodic.forEach((each) => each()),
    metrics,
    events: createEvents(),
    close: async () => {
      abort.abort();
      for (const each of undo.splice(0).reverse()) await each();
      metrics.close();
    },
  };
  const ctx = {
    name: plugin.manifest.name.split('.')[1],
    config: parsed.value,
    services,
    cameras: {
      publish: () => Promise.reject(new EddyError('GATE_CLOSED', 'no engine here')),
      list: () => engine.cameras,
      get: (id: string) => engine.cameras.find((camera) => camera.cameraId === id),
    },
    sessions: {
      open: () => Promise.reject(new EddyError('GATE_CLOSED', 'no engine here')),
      check: async (request: SessionRequest) => {
        engine.viewer(request.cameraId, request.credentials);
        return { userId: 'viewer', earliest: 0 };
      },
      list: () => engine.sessions,
      end: (id: string) => {
        const before = engine.sessions.length;
        engine.sessions = engine.sessions.filter((session) => session.id !== id);
        return engine.sessions.length < before;
      },
      invite: (cameraId: string) => `sealed-${cameraId}`,
      revoke: async (userId: string, ms: number) => {
        const entry = { userId, since: 1, until: 1 + ms };
        engine.revocations.push(entry);
        return entry;
      },
      unrevoke: async (userId: string) => {
        const before = engine.revocations.length;
        engine.revocations = engine.revocations.filter((entry) => entry.userId !== userId);
        return engine.revocations.length < before;
      },
      revocations: () => engine.revocations,
      carry: 'path',
      administer: async ({ credentials, peer }: AdminRequest) => {
        engine.admin(credentials, peer);
        return { userId: 'tester' };
      },
    },
    log: silentLogger,
    clock: {
      now: Date.now,
      monotonic: () => performance.now(),
      after: (ms: number, callback: () => void) => {
        const timer = setTimeout(callback, ms);
        undo.push(() => clearTimeout(timer));
        return () => clearTimeout(timer);
      },
      every: (_ms: number, callback: () => void) => {
        const own = (): void => callback();
        periodic.add(own);
        return () => void periodic.delete(own);
      },
      sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    },
    metrics,
    events: engine.events,
    scope: { add: (each: () => void) => (undo.push(each), () => {}), signal: abort.signal },
    pipeline: {
      name: 'fake',
      state: () => engine.state,
      snapshot: () => ({ nodes: [], links: [] }),
      metrics: () => metrics.text(),
      ready: () => engine.ready,
    },
    baseDir: mkdtempSync(`${tmpdir()}/eddy-fake-`),
    report: (report: { code: string; message: string }) => engine.reports.push(report),
    fail: (error: unknown) => engine.failures.push(error),
  };
  return { ctx: ctx as unknown as C, engine };
}

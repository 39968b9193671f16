/** A small stand-in for what the engine gives to a plugin: real time, recorded logs, gauges and reports. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  parseFields,
  type AccessUnit,
  type Context,
  type DiscontinuityCause,
  type EndCause,
  type Fields,
  type Manifest,
  type PublishRequest,
  type Report,
  type TrackCaps,
} from 'eddy/plugin';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** One track that a source wrote. */
export interface FakeTrack {
  readonly id: string;
  readonly caps: TrackCaps;
  readonly units: AccessUnit[];
  /** Positions in `units` before which the timeline broke. */
  readonly breaks: { readonly at: number; readonly cause: DiscontinuityCause }[];
  ended: EndCause | 'no cause' | undefined;
  askForKeyFrame(): void;
}

export interface FakePublication {
  readonly request: PublishRequest;
  readonly tracks: FakeTrack[];
  readonly abort: AbortController;
  /** Sets the demand on all pads. */
  want(wanted: boolean): void;
  /** Lets no writer go on, as a full link that blocks does, until the returned function is called. */
  block(): () => void;
  ended: EndCause | 'no cause' | undefined;
}

/** What a test sees of a context. */
export interface Fake<M> {
  readonly context: Context<M>;
  readonly logs: LogLine[];
  readonly reports: Report[];
  readonly failures: unknown[];
  readonly gauges: Map<string, number>;
  readonly publications: FakePublication[];
  /** Set to refuse the next publication. */
  refuse: Error | undefined;
  close(): Promise<void>;
}

interface FakeOptions {
  readonly services?: Readonly<Record<string, unknown>>;
  /** As in YAML; defaults are applied. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Makes a context for a plugin's manifest. */
export function fakeContext<M extends { readonly name: string; readonly config: Fields }>(
  manifest: M,
  options: FakeOptions = {},
): Fake<M> {
  const parsed = parseFields(manifest.config, options.config ?? {});
  if ('error' in parsed) throw new TypeError(parsed.error);
  const closing = new AbortController();
  const undo: (() => void | Promise<void>)[] = [];
  const gauges = new Map<string, number>();
  const key = (name: string, labels: unknown): string => `${name}${JSON.stringify(labels ?? {})}`;
  const fake: Fake<M> = {
    logs: [],
    reports: [],
    failures: [],
    gauges,
    publications: [],
    refuse: undefined,
    async close() {
      closing.abort();
      for (const step of undo.reverse()) await step();
    },
    context: undefined as never,
  };
  const line =
    (level: string) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void =>
      void fake.logs.push({ level, fields, message });
  const log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error'), child: () => log };
  const timer = (clear: () => void): (() => void) => {
    undo.push(clear);
    return clear;
  };
  const context = {
    name: manifest.name.split('.')[1],
    config: parsed.value,
    services: options.services ?? {},
    log,
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      after: (ms: number, callback: () => void) => {
        const handle = setTimeout(callback, ms);
        return timer(() => clearTimeout(handle));
      },
      every: (ms: number, callback: () => void) => {
        const handle = setInterval(callback, ms);
        return timer(() => clearInterval(handle));
      },
      sleep: async (ms: number, signal?: AbortSignal) => void (await sleep(ms, undefined, signal ? { signal } : {})),
    },
    metrics: {
      counter: () => ({ add: () => undefined, follow: () => undefined, remove: () => undefined }),
      gauge: (name: string) => ({
        set: (value: number, labels?: unknown) => void gauges.set(key(name, labels), value),
        remove: (labels: unknown) => void gauges.delete(key(name, labels)),
      }),
      histogram: () => ({ observe: () => undefined }),
    },
    events: { emit: () => undefined, on: () => () => undefined },
    scope: { add: (step: () => void | Promise<void>) => (undo.push(step), () => undefined), signal: closing.signal },
    cameras: { publish: (request: PublishRequest) => publish(fake, request), list: () => [], get: () => undefined },
    baseDir: '.',
    report: (report: Report) => void fake.reports.push(report),
    fail: (error: unknown) => void fake.failures.push(error),
  };
  return Object.assign(fake, { context: context as unknown as Context<M> });
}

async function publish(fake: Fake<unknown>, request: PublishRequest): Promise<unknown> {
  if (fake.refuse) {
    const error = fake.refuse;
    fake.refuse = undefined;
    throw error;
  }
  const listeners = new Set<(wanted: boolean) => void>();
  let isWanted = true;
  let room: Promise<void> | undefined;
  const publication: FakePublication = {
    request,
    tracks: [],
    abort: new AbortController(),
    want: (wanted) => {
      isWanted = wanted;
      for (const listener of listeners) listener(wanted);
    },
    block: () => {
      let release: () => void = () => undefined;
      room = new Promise<void>((resolve) => void (release = resolve));
      return () => {
        room = undefined;
        release();
      };
    },
    ended: undefined,
  };
  fake.publications.push(publication);
  const pad = {
    get wanted() {
      return isWanted;
    },
    onWanted: (listener: (wanted: boolean) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    addTrack(id: string, caps: TrackCaps) {
      const asks: (() => void)[] = [];
      const track: FakeTrack = {
        id,
        caps,
        units: [],
        breaks: [],
        ended: undefined,
        askForKeyFrame: () => asks.forEach((ask) => ask()),
      };
      publication.tracks.push(track);
      return {
        id,
        caps,
        write: (unit: AccessUnit) => (track.units.push(unit), room === undefined),
        ready: async () => room,
        deliver: async (unit: AccessUnit) => void track.units.push(unit),
        discontinuity: (cause: DiscontinuityCause) => void track.breaks.push({ at: track.units.length, cause }),
        gap: () => undefined,
        end: (cause?: EndCause) => void (track.ended ??= cause ?? 'no cause'),
        onKeyFrameRequest: (ask: () => void) => (asks.push(ask), () => undefined),
      };
    },
  };
  return {
    id: `publication-${fake.publications.length}`,
    cameraId: request.cameraId,
    out: { video: pad, audio: pad },
    signal: publication.abort.signal,
    log: (fake.context as unknown as { log: unknown }).log,
    end: (cause?: EndCause) => void (publication.ended ??= cause ?? 'no cause'),
  };
}

/** A manifest's fields only matter to {@link fakeContext}; named here so that tests import one file. */
export type AnyManifest = Manifest;

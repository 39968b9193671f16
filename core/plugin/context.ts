/** What the engine gives to a plugin, and what a plugin gives to the engine. */
import type { Contract, Credentials, Peer } from '../contracts/index.ts';
import type { Code, PluginCode } from '../errors/index.ts';
import type { CameraId, EndCause, PublicationId } from '../model/index.ts';
import type { EventDefinitions, Events } from './events.ts';
import type { ConfigOf, Fields } from './fields.ts';
import type { Manifest, OptionalContract, SeveralContracts } from './manifest.ts';
import type { InputPad, MediaTypeName, OutputPad } from './pads.ts';
import type { Sessions } from './sessions.ts';
import type { FlowIdentity, FlowInput, FlowOutput } from './tracks.ts';

/** The typed configuration of a plugin. */
export type PluginConfig<M> = M extends { readonly config: infer F extends Fields } ? ConfigOf<F> : never;

/** Live handles of the services that a plugin needs. */
export type ServicesOf<M> = M extends { readonly needs: infer N }
  ? {
      readonly [K in keyof N]: N[K] extends OptionalContract<infer T>
        ? T | undefined
        : N[K] extends SeveralContracts<infer T>
          ? readonly T[]
          : N[K] extends Contract<infer T>
            ? T
            : never;
    }
  : never;

/** The input pads of a flow. */
export type InputsOf<M> = M extends { readonly inputs: infer I }
  ? { readonly [K in keyof I]: I[K] extends InputPad<infer T> ? FlowInput<T> : never }
  : never;

/** The output pads of a flow or publication. */
export type OutputsOf<M> = M extends { readonly outputs: infer O }
  ? { readonly [K in keyof O]: O[K] extends OutputPad<infer T> ? FlowOutput<T> : never }
  : never;

/** The events that a plugin declares, and so may emit. */
export type EventsOf<M> = M extends { readonly events: infer E extends EventDefinitions } ? E : EventDefinitions;

/** Fields of a log line. Keys named like secrets (token, password, authorization, ...) are redacted. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A logger that already carries pipeline, stage and, in a flow, camera. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}

/** Time and timers: the real ones, or a virtual clock in tests. Timers end with the scope they were made in. */
export interface Clock {
  /** Server wall clock, epoch ms. */
  now(): number;
  /** Monotonic ms, for measuring and for timeouts. */
  monotonic(): number;
  /** Calls back once after `ms`; the returned function cancels. */
  after(ms: number, callback: () => void): () => void;
  /** Calls back every `ms`; the returned function cancels. */
  every(ms: number, callback: () => void): () => void;
  /** Settles after `ms`; rejects when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Things to undo, in reverse order, when the scope closes. Nothing outlives its scope. */
export interface Scope {
  /** Registers an undoing; where the scope has closed already it runs at once. Returns a function that forgets it. */
  add(undo: () => void | Promise<void>): () => void;
  readonly signal: AbortSignal;
}

/** Label values of a metric. */
export type Labels = Readonly<Record<string, string>>;

/** A meter that only goes up. */
export interface Counter {
  add(value?: number, labels?: Labels): void;
  /** Takes over a total that something else counts, such as a process its CPU time; a lower one is a new start. */
  follow(total: number, labels?: Labels): void;
  remove(labels: Labels): void;
}

/**
 * Meters of a plugin; names are in base units (`_seconds`, `_bytes`) and are prefixed `eddy_`, the label `stage` is set.
 * Asking twice for a name gives the same one.
 */
export interface Metrics {
  /** Throws TypeError for a name that does not end in `_total`: so Prometheus knows a counter. */
  counter(name: string, help: string): Counter;
  gauge(name: string, help: string): { set(value: number, labels?: Labels): void; remove(labels: Labels): void };
  histogram(name: string, help: string, buckets: readonly number[]): { observe(value: number, labels?: Labels): void };
}

/** What a source asks for. */
export interface PublishRequest {
  /** As the peer wrote it; the engine validates it. */
  readonly cameraId: string;
  readonly credentials: Credentials;
  readonly peer: Peer;
  /** Among standbys the highest goes first; default 0. */
  readonly priority?: number;
  /** For a source that replays: the server time (epoch ms) of media time 0, however fast it is sent. */
  readonly startAt?: number;
}

/** One accepted publisher: typed ports into the camera's flow. */
export interface Publication<M> {
  readonly id: PublicationId;
  readonly cameraId: CameraId;
  readonly out: OutputsOf<M>;
  /** Aborted when the publisher must go; the reason is an EddyError (PUBLISH_REPLACED, GATE_CLOSED, ...). */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** The publisher has gone; safe to repeat. */
  end(cause?: EndCause): void;
}

/** A camera as the engine knows it. */
export interface CameraStatus {
  readonly cameraId: CameraId;
  readonly state: 'live' | 'lingering' | 'away';
  /** Epoch ms of the change to this state. */
  readonly since: number;
  readonly publications: readonly {
    readonly id: PublicationId;
    readonly stage: string;
    readonly active: boolean;
    readonly peer: string;
    readonly since: number;
  }[];
  /** Each track with its route, or the reason why a link does not carry it. */
  readonly tracks: readonly {
    readonly stage: string;
    readonly pad: string;
    readonly track: string;
    readonly caps: Readonly<Record<string, unknown>>;
    readonly links: readonly {
      readonly to: string;
      readonly active: boolean;
      readonly code?: string;
      readonly reason?: string;
      readonly mend?: string;
    }[];
  }[];
  readonly findings: readonly {
    readonly code: string;
    readonly stage: string;
    readonly message: string;
    readonly at: number;
    readonly count: number;
  }[];
  /**
   * What its viewers go without because of what it sends. `no-dvr`: of this kind of media nothing is recorded, so there is
   * no rewind and no HLS or DASH; WebRTC may show it all the same.
   */
  readonly limits: readonly {
    readonly limit: 'no-dvr';
    readonly kind: 'video' | 'audio';
    readonly code: string;
    /** The track that is refused, and the pad that refuses it: `cmaf.video`. */
    readonly stage: string;
    readonly pad: string;
    readonly track: string;
    readonly to: string;
    readonly reason: string;
    readonly mend: string;
  }[];
}

/** Cameras: the only way in. */
export interface Cameras<M> {
  /**
   * Validates the id, asks the authorizer, elects the active publication and opens the flow. Rejects with
   * CAMERA_ID_INVALID, PUBLISH_REFUSED, PUBLISH_CONFLICT, AUTH_UNAVAILABLE or GATE_CLOSED.
   */
  publish(request: PublishRequest): Promise<Publication<M>>;
  list(): CameraStatus[];
  get(cameraId: CameraId): CameraStatus | undefined;
}

/** Read-only view of the running pipeline, for the API, the console and the health routes. */
export interface PipelineView {
  readonly name: string;
  /** Created, starting, running, degraded, draining, stopped, failed. */
  state(): string;
  /** The graph with live rates, plain JSON. */
  snapshot(): Readonly<Record<string, unknown>>;
  /** The Prometheus text exposition of every meter. */
  metrics(): Promise<string>;
  ready(): { readonly ready: boolean; readonly reasons: readonly string[] };
}

/** Something worth telling that is no failure: it appears in the log, the metrics and the camera's health. */
export interface Report {
  readonly code: Code | PluginCode;
  readonly message: string;
  readonly cameraId?: CameraId;
}

/** What a plugin's `create` is given. */
export interface Context<M = Manifest> {
  /** The stage's or service's name in the pipeline. */
  readonly name: string;
  readonly config: PluginConfig<M>;
  /** Live handles: they survive the provider's restart; calls meanwhile reject with SERVICE_RESTARTING. */
  readonly services: ServicesOf<M>;
  readonly cameras: Cameras<M>;
  readonly sessions: Sessions;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly events: Events<EventsOf<M>>;
  readonly scope: Scope;
  readonly pipeline: PipelineView;
  /** Folder of the pipeline file, for relative paths in the configuration. */
  readonly baseDir: string;
  report(report: Report): void;
  /** The stage cannot go on: it is stopped and restarted by its supervision rule. */
  fail(error: unknown): void;
}

/** A stage's part of one camera's flow. */
export interface Flow<M = Manifest> extends FlowIdentity {
  readonly in: InputsOf<M>;
  readonly out: OutputsOf<M>;
  readonly log: Logger;
  /** Closes with the flow. */
  readonly scope: Scope;
  report(report: Omit<Report, 'cameraId'>): void;
  /** This camera's part cannot go on: it alone is restarted. */
  fail(error: unknown): void;
}

/** What a stage answers for a flow. */
export interface FlowHandlers {
  /** No more items will come; settle when all that was taken in has been passed on. */
  drain?(signal: AbortSignal): Promise<void>;
}

interface RunningBase {
  /** Binds ports, opens files. Nobody is let in yet. */
  start?(): void | Promise<void>;
  /** The gate is open: sources may announce, gateways may accept. */
  open?(): void | Promise<void>;
  /** The gate closes: no newcomers; those who are in stay. */
  close?(): void | Promise<void>;
  /** Everything taken in is passed on; `signal` aborts at the deadline. */
  drain?(signal: AbortSignal): void | Promise<void>;
  /** The end: no timer, socket, child or handle is left. Idempotent, legal before start. */
  stop?(): void | Promise<void>;
  /** Takes a changed configuration in place and returns true, or returns false to be restarted. */
  reconfigure?(config: never): boolean | Promise<boolean>;
}

type ProvidedOf<M> = M extends { readonly provides: infer P }
  ? keyof P extends never
    ? { readonly services?: never }
    : { readonly services: { readonly [K in keyof P]: P[K] extends Contract<infer T> ? T : never } }
  : never;

type FlowOf<M> = M extends { readonly inputs: infer I }
  ? keyof I extends never
    ? { readonly flow?: never }
    : { flow(flow: Flow<M>): FlowHandlers | void | Promise<FlowHandlers | void> }
  : never;

/** What a plugin's `create` returns. A stage with inputs must have `flow`, a provider its `services`. */
export type Running<M = Manifest> = RunningBase & ProvidedOf<M> & FlowOf<M>;

/** Any media type's input track, for code that does not care. */
export type AnyMediaType = MediaTypeName;

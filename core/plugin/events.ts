/**
 * Events: what happened in the pipeline. Every type is declared, by the engine or by a plugin's manifest; from the
 * declaration come the types that `emit` is held to, and the documents.
 */
import type { CameraId } from '../model/index.ts';

/** What one entry of an event's data is. */
export interface EventField {
  readonly type: 'string' | 'number' | 'boolean';
  /** What it says, with its unit. Never a secret: events leave the machine. */
  readonly doc: string;
  /** It may be missing. */
  readonly optional?: true;
}

/** What is known of one type of event. */
export interface EventDefinition {
  /** What has happened, in one plain sentence. */
  readonly meaning: string;
  readonly data?: Readonly<Record<string, EventField>>;
}

/** Types of events, by name: `session.started`. */
export type EventDefinitions = Readonly<Record<string, EventDefinition>>;

/** An event of the pipeline: `camera.live`, `camera.away`, `segment.stored`, `session.started`, ... */
export interface PipelineEvent {
  readonly type: string;
  /** Server wall clock, epoch ms. */
  readonly at: number;
  readonly cameraId?: CameraId;
  readonly stage?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface ValueTypes {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
}

type OptionalIn<F> = { [K in keyof F]: F[K] extends { readonly optional: true } ? K : never }[keyof F];
type ValueOf<F> = F extends { readonly type: infer T extends keyof ValueTypes } ? ValueTypes[T] : never;
type DataOf<F> = { readonly [K in Exclude<keyof F, OptionalIn<F>>]: ValueOf<F[K]> } & {
  readonly [K in OptionalIn<F>]?: ValueOf<F[K]>;
};
type DataPart<E> = E extends { readonly data: infer F } ? { readonly data: DataOf<F> } : { readonly data?: undefined };

/** An event as it is emitted, held to these definitions. */
export type EmittedEvent<D, T extends keyof D> = {
  readonly type: T;
  readonly cameraId?: CameraId;
  readonly stage?: string;
} & (string extends keyof D ? { readonly data?: Readonly<Record<string, unknown>> } : DataPart<D[T]>);

/** The pipeline's events; what is emitted is held to the definitions `D`, what is heard is of any type. */
export interface Events<D = EventDefinitions> {
  /** Throws TypeError for a type that the plugin's manifest does not declare. */
  emit<T extends keyof D & string>(event: EmittedEvent<D, T>): void;
  /** The listener is called while the event is emitted: it must be quick, and put off what takes time. */
  on(listener: (event: PipelineEvent) => void): () => void;
}

/** Types a table of events while keeping its names, so that a misspelt one is a compile error where it is emitted. */
export function defineEvents<const T extends EventDefinitions>(events: T): T {
  return events;
}

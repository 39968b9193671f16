/** Events: what happened in the pipeline, told to whoever listens, the last ones kept. */
import type { CameraId } from '../model/index.ts';
import type { EngineEventDefinitions } from '../plugin/engine-events.ts';
import type { Events, PipelineEvent } from '../plugin/events.ts';

/** Which events {@link EngineEvents.recent} returns. */
export interface EventFilter {
  /** Exact, or a prefix that ends in a dot: `camera.`. */
  readonly type?: string;
  readonly cameraId?: CameraId;
  readonly stage?: string;
  /** Epoch ms, inclusive. */
  readonly since?: number;
  readonly limit?: number;
}

/** The events of one engine; its own are held to the engine's definitions. */
export interface EngineEvents extends Events<EngineEventDefinitions> {
  /** The same events for a plugin; those emitted here carry the stage's name. */
  forStage(stage: string): Events;
  /** The last events, oldest first. */
  recent(filter?: EventFilter): PipelineEvent[];
  /** Forgets listeners and history. */
  close(): void;
}

/** Options of {@link createEvents}. */
export interface EventsOptions {
  /** Server wall clock, epoch ms; default `Date.now`. */
  readonly now?: () => number;
  /** How many events are kept; default 1000. */
  readonly history?: number;
  /** Takes secrets out of the data of events; default: as it is. */
  readonly redact?: (data: Readonly<Record<string, unknown>>) => Record<string, unknown>;
  /** Told when a listener throws; the other listeners are called nevertheless. */
  readonly onListenerError?: (error: unknown, event: PipelineEvent) => void;
}

/** Makes the events of an engine. */
export function createEvents(options: EventsOptions = {}): EngineEvents {
  const { now = Date.now, history = 1000, redact, onListenerError } = options;
  const listeners = new Set<(event: PipelineEvent) => void>();
  let kept: PipelineEvent[] = [];

  const emit = (partial: Omit<PipelineEvent, 'at'>): void => {
    const data = partial.data && redact ? { data: redact(partial.data) } : {};
    const event: PipelineEvent = { ...partial, ...data, at: now() };
    kept.push(event);
    // Cut in halves, not by one: an array shifts all its entries for each that leaves at the front.
    if (kept.length >= history * 2) kept = kept.slice(-history);
    for (const listener of [...listeners]) {
      try {
        listener(event);
      } catch (error) {
        onListenerError?.(error, event);
      }
    }
  };
  const on = (listener: (event: PipelineEvent) => void): (() => void) => {
    // Wrapped, so that the same function may listen twice and each leaves alone.
    const own = (event: PipelineEvent): void => listener(event);
    listeners.add(own);
    return () => void listeners.delete(own);
  };

  return {
    // Its callers are held to the definitions by the type above; here an event is any.
    emit: emit as EngineEvents['emit'],
    on,
    forStage: (stage) => ({ emit: (event) => emit({ stage, ...event }), on }),
    recent: (filter = {}) => {
      const { type, cameraId, stage, since, limit = history } = filter;
      const fits = (event: PipelineEvent): boolean =>
        (type === undefined || (type.endsWith('.') ? event.type.startsWith(type) : event.type === type)) &&
        (cameraId === undefined || event.cameraId === cameraId) &&
        (stage === undefined || event.stage === stage) &&
        (since === undefined || event.at >= since);
      return limit > 0 ? kept.slice(-history).filter(fits).slice(-limit) : [];
    },
    close: () => {
      listeners.clear();
      kept = [];
    },
  };
}

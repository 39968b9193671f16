/** Observe: logs, metrics and events of one engine; nothing here is shared between engines. */
export { createEvents, type EngineEvents, type EventFilter, type EventsOptions } from './events.ts';
export { createLogger, silentLogger, type LoggerOptions, type LogLevel, type RootLogger } from './log.ts';
export { createMetrics, type EngineMetrics, type MetricsOptions } from './metrics.ts';
export { isSecretName, REDACTED, Redactor } from './redact.ts';

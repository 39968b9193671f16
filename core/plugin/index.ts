/** `eddy/plugin`: all that a plugin author needs: definitions, model, contracts, errors. */
export * from '../contracts/index.ts';
export * from '../errors/index.ts';
export * from '../model/index.ts';
export * from './addresses.ts';
export * from './administer.ts';
export * from './certificate-files.ts';
export * from './context.ts';
export * from './event-filter.ts';
export * from './events.ts';
export * from './fields.ts';
export * from './latency.ts';
export * from './manifest.ts';
export * from './pads.ts';
export * from './peer-rate.ts';
export * from './plugin.ts';
export * from './quality-limits.ts';
export * from './refused-keys.ts';
export * from './rfc3339.ts';
export * from './sessions.ts';
export * from './server-urls.ts';
export * from './tracks.ts';
export * from './webhook-signature.ts';
export {
  Backoff,
  ChildRefusal,
  readUsage,
  siblingModule,
  spawnChild,
  Watchdog,
  type BackoffOptions,
  type Child,
  type ChildEnd,
  type ChildModule,
  type ChildSpec,
  type Json,
  type ParentLink,
  type ProcessUsage,
} from '../process/index.ts';

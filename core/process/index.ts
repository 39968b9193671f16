/** Disposable child processes: where native code lives, and dies, alone. */
export { Backoff, type BackoffOptions } from './backoff.ts';
export { ChildRefusal, spawnChild, type Child, type ChildEnd, type ChildSpec } from './child.ts';
export { siblingModule } from './entry.ts';
export type { ChildModule, Json, ParentLink } from './protocol.ts';
export { readUsage, type ProcessUsage } from './usage.ts';
export { Watchdog } from './watchdog.ts';

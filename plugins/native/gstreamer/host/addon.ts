/** The native addon gstreamer-superficial: what of it is used, typed. Loading it initialises GStreamer. */
import { createRequire } from 'node:module';

/** An element. Its properties are plain ones; only names that exist may be touched. */
export interface Element {
  [property: string]: unknown;
  /** On appsrc only. `pts` is 8 bytes, big endian, ns. The bytes are copied. */
  push(data: Uint8Array, pts: Uint8Array): void;
  /** On appsink only: the next buffer, null once there will be none. Occupies one thread of libuv's pool until then. */
  pull(listener: (data: Uint8Array | null) => void): void;
}

/** A bus message. */
export interface BusMessage {
  readonly type: string;
  readonly name?: string;
  readonly message?: string;
  readonly _src_element_name: string;
}

/** A pipeline. Nothing frees it: each costs 0.3 MB and two descriptors until its process ends. */
export interface Pipeline {
  /** Without this, `stop` throws away the message that would end `pollBus`, now and then. */
  'auto-flush-bus': boolean;
  play(): void;
  /** Only from within the listener of `pollBus`, which ends with it: elsewhere its thread may be stuck for good. */
  stop(): void;
  /** Leaks 42 KB a call: keep what it gives. Undefined where there is no such element. */
  findChild(name: string): Element | undefined;
  /** Calls back for every message; occupies one thread of libuv's pool. */
  pollBus(listener: (message: BusMessage) => void): void;
  /** The element must exist and have a pad named "sink": the addon crashes else. */
  forceKeyUnit(element: string, count: number): void;
  sendEOS(): void;
}

/** Loads the addon; throws where it was not built. */
export function loadAddon(): { readonly Pipeline: new (launch: string) => Pipeline } {
  return createRequire(import.meta.url)('gstreamer-superficial') as { Pipeline: new (launch: string) => Pipeline };
}

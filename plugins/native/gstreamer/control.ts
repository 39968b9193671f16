/** What the engine's side and the child's side of a host say to each other. */
import type { HostGenerator } from 'eddy/plugin';

/** Requests to the child. */
export type HostRequest =
  | { readonly op: 'launch'; readonly launch: string; readonly generator: HostGenerator | null }
  | { readonly op: 'key'; readonly elements: readonly string[] }
  | {
      readonly op: 'set';
      readonly element: string;
      readonly property: string;
      readonly value: number | string | boolean;
    }
  | { readonly op: 'eos' };

/** What the child tells without being asked. */
export type HostMessage =
  { readonly event: 'eos' } | { readonly event: 'error'; readonly element: string; readonly message: string };

/** A refusal's `code`. */
export type HostRefusal = 'ADDON_MISSING' | 'ELEMENT_MISSING' | 'LAUNCH_INVALID' | 'PROPERTY_UNKNOWN';

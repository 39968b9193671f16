/** What the engine's side and the child's side of a host say to each other. */
import type { HostGenerator, HostMonitor } from 'eddy/plugin';

/** Requests to the child. */
export type HostRequest =
  | {
      readonly op: 'launch';
      readonly launch: string;
      readonly generator: HostGenerator | null;
      readonly monitor: HostMonitor | null;
    }
  | { readonly op: 'key'; readonly elements: readonly string[] }
  | {
      readonly op: 'set';
      readonly element: string;
      readonly property: string;
      readonly value: number | string | boolean;
    }
  | { readonly op: 'eos' };

/** Requests to a child that runs launches side by side, each in one of its slots. */
export type SharedRequest =
  | { readonly op: 'launch'; readonly slot: number; readonly launch: string; readonly monitor: HostMonitor | null }
  | (Exclude<HostRequest, { readonly op: 'launch' }> & { readonly slot: number });

/** What such a child tells: the end of a launch's media comes through its pipe, after its last frame. */
export type SharedMessage = Extract<HostMessage, { readonly event: 'error' }> & { readonly slot: number };

/** The pipe of a slot, both ways. */
export const slotPipe = (slot: number): string => `slot:${slot}`;

/** What the child tells without being asked. */
export type HostMessage =
  { readonly event: 'eos' } | { readonly event: 'error'; readonly element: string; readonly message: string };

/** A refusal's `code`. */
export type HostRefusal = 'ADDON_MISSING' | 'ELEMENT_MISSING' | 'LAUNCH_INVALID' | 'PROPERTY_UNKNOWN';

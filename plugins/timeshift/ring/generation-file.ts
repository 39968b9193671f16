/**
 * What stands beside an init segment in the store: the caps that its bytes do not say, or not readily, so that a camera's
 * past can be told by a process that never saw it live. `{camera}/{track}/init-{number}.{writer}.json`.
 */
import type { ChunkCaps } from 'eddy/plugin';

/** The key, or name, of an init segment's description. */
export function descriptionName(init: string): string {
  return init.replace(/\.mp4$/, '.json');
}

export function describeGeneration({ init: _init, ...caps }: ChunkCaps): Uint8Array {
  return Buffer.from(JSON.stringify({ version: 1, caps }));
}

/** Puts the two together again. Throws SyntaxError or TypeError for what no {@link describeGeneration} has written. */
export function readGeneration(description: Uint8Array, init: Uint8Array): ChunkCaps {
  const { caps } = JSON.parse(Buffer.from(description).toString()) as { caps: Omit<ChunkCaps, 'init'> };
  if (typeof caps !== 'object') throw new TypeError('no description of an init segment');
  return { ...caps, init };
}

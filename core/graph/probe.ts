/** What this machine has: programs in the PATH, GStreamer elements, disks. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Probe } from './resources.ts';
import { storageState } from './storage.ts';

/** How long `gst-inspect-1.0` may take: the first run on a machine builds GStreamer's registry. */
const TIMEOUT_MS = 20_000;

/** Looks at this machine. GStreamer is asked once, for all its elements, and only if a pipeline needs any. */
export function systemProbe(env: Readonly<Record<string, string | undefined>> = process.env): Probe {
  let elements: Promise<ReadonlySet<string> | undefined> | undefined;
  return {
    binary: async (name) => inPath(name, env.PATH ?? '') !== undefined,
    storage: storageState,
    async element(name) {
      elements ??= listElements(env);
      return (await elements)?.has(name);
    },
  };
}

function inPath(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Every element that GStreamer knows; undefined where `gst-inspect-1.0` is missing or fails, so that nobody can tell. */
function listElements(env: Readonly<Record<string, string | undefined>>): Promise<ReadonlySet<string> | undefined> {
  const program = inPath('gst-inspect-1.0', env.PATH ?? '');
  if (program === undefined) return Promise.resolve(undefined);
  return new Promise((settle) => {
    execFile(program, ['--no-colors'], { timeout: TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 }, (error, stdout) => {
      // Lines such as "videotestsrc:  videotestsrc: Video test source".
      if (error) settle(undefined);
      else settle(new Set([...stdout.matchAll(/^\S+: {2}([^\s:]+): /gm)].map((match) => match[1]!)));
    });
  });
}

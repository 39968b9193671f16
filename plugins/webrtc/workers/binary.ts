/**
 * Which SFU worker to run, and whether it is ours. A worker without our patches connects and forwards, and yet no
 * standard WHEP client shows a picture; so a wrong one is refused at start instead of being found out by viewers.
 */
import { access, constants, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EddyError } from 'eddy/plugin';

/** What `scripts/sfu-worker/locate.mjs` tells. */
interface Located {
  readonly version: string;
  readonly recipe: string;
  readonly path: string;
}

/** Where to look. */
export interface BinarySearch {
  /** As configured; relative to `baseDir`. */
  readonly configured?: string | undefined;
  readonly baseDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the set-up would build; default: asks the package. */
  readonly locate?: () => Promise<Located | undefined>;
}

/** The worker's path. Rejects with WEBRTC_MEDIASOUP_MISSING, WEBRTC_WORKER_MISSING or WEBRTC_WORKER_FOREIGN. */
export async function findWorkerBinary(search: BinarySearch): Promise<string> {
  const expected = await (search.locate ?? locateByPackage)();
  if (!expected) throw new EddyError('WEBRTC_MEDIASOUP_MISSING', 'mediasoup is not installed');
  const chosen = search.configured ?? search.env['MEDIASOUP_WORKER_BIN'];
  const path = chosen === undefined || chosen === '' ? expected.path : resolve(search.baseDir, chosen);
  try {
    await access(path, constants.X_OK);
  } catch (error) {
    throw new EddyError('WEBRTC_WORKER_MISSING', `there is no SFU worker at ${path}`, {
      details: { path },
      cause: error,
    });
  }
  const wrong = await complaint(path, expected);
  if (wrong !== undefined)
    throw new EddyError('WEBRTC_WORKER_FOREIGN', `the SFU worker ${path} ${wrong}`, { details: { path } });
  return path;
}

async function complaint(path: string, expected: Located): Promise<string | undefined> {
  let stamp: { readonly mediasoup?: unknown; readonly recipe?: unknown };
  try {
    stamp = JSON.parse(await readFile(join(dirname(path), 'stamp.json'), 'utf8')) as typeof stamp;
  } catch {
    return 'has no stamp.json beside it: it was not built by the set-up';
  }
  if (stamp.mediasoup !== expected.version)
    return `is of mediasoup ${String(stamp.mediasoup)}, and ${expected.version} is installed`;
  if (stamp.recipe !== expected.recipe)
    return `was built with other patches (${String(stamp.recipe)}) than this Eddy's (${expected.recipe})`;
  return undefined;
}

/** The build script's own answer; it lives outside the compiled code, in checkout and package alike. */
async function locateByPackage(): Promise<Located | undefined> {
  const root = dirname(createRequire(import.meta.url).resolve('eddy/package.json'));
  const script = pathToFileURL(join(root, 'scripts/sfu-worker/locate.mjs')).href;
  const { locateSfuWorker } = (await import(script)) as { locateSfuWorker: (root: string) => Located | undefined };
  return locateSfuWorker(root);
}

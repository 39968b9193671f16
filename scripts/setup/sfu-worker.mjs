// The SFU worker: mediasoup's with our patches, built once a machine.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { locateSfuWorker } from '../sfu-worker/locate.mjs';
import { run, SetupError } from './steps.mjs';

/** The exit code with which a worker that can run says that nobody told it mediasoup's version. */
const RUNS_BUT_HAS_NO_PARENT = 41;

/** @param {string} root @returns {import('./steps.mjs').Step} */
export function sfuWorker(root) {
  return {
    name: 'SFU worker',
    ready: () => {
      const worker = locateSfuWorker(root);
      // Run, not only looked for: the cache may be older than the system's libraries.
      return worker !== undefined && worker.ready && complaint(worker.path) === undefined;
    },
    doing: () =>
      `building it from mediasoup's sources and our patches, 2 to 4 minutes on 2 cores (there are ${cpus().length})`,
    bring: async () => {
      const worker = locateSfuWorker(root);
      if (!worker) throw new SetupError('mediasoup is not installed: npm install mediasoup');
      const unproven = `${worker.path}.unproven`;
      mkdirSync(dirname(worker.path), { recursive: true });
      await run('nice', ['-n', '5', join(import.meta.dirname, '../sfu-worker/build.sh'), worker.sources, unproven]);
      const wrong = complaint(unproven);
      if (wrong) throw new SetupError(`${unproven} was built, and yet does not run: ${wrong}`);
      const { version, recipe } = worker;
      const stamp = { mediasoup: version, recipe, built: new Date().toISOString() };
      writeFileSync(join(dirname(worker.path), 'stamp.json'), `${JSON.stringify(stamp, null, 2)}\n`);
      await run('mv', [unproven, worker.path]);
      return worker.path;
    },
  };
}

/** Why it does not run, or undefined. @param {string} path */
function complaint(path) {
  const { MEDIASOUP_VERSION: _, ...env } = process.env;
  const { status, signal, stderr, error } = spawnSync(path, [], { env, encoding: 'utf8', timeout: 10_000 });
  return status === RUNS_BUT_HAS_NO_PARENT ? undefined : `${error?.message ?? signal ?? status} ${stderr ?? ''}`;
}

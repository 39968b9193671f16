/** `eddy doctor`: what this machine has, what is missing, and the command that mends it. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { CheckedGraph } from '../graph/checked.ts';
import { bytesText, LOW_BYTES, storageOf, storageState } from '../graph/storage.ts';
import type { ServerAddress } from '../plugin/manifest.ts';
import { EXIT, type Cli, type Verb } from './cli.ts';
import { certificates } from './doctor-certificates.ts';
import { check } from './load.ts';

/** What was looked at, and what is to be done about it. */
export interface Row {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
  readonly mend?: string;
}

const run = promisify(execFile);

async function program(name: string, args: readonly string[], mend: string): Promise<Row> {
  try {
    const { stdout, stderr } = await run(name, [...args], { timeout: 10_000 });
    return { what: name, ok: true, found: (stdout || stderr).split('\n')[0]!.trim() };
  } catch {
    return { what: name, ok: false, found: 'not found', mend };
  }
}

async function packageRow(name: string, cli: Cli, mend: string): Promise<Row> {
  try {
    // Not `require`: mediasoup does not export its package.json.
    const file = findPackageJSON(name, join(cli.root, 'package.json'))!;
    const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string };
    return { what: name, ok: true, found: version };
  } catch {
    return { what: name, ok: false, found: 'not installed', mend };
  }
}

async function worker(cli: Cli, mend: string): Promise<Row> {
  const what = 'SFU worker';
  const { locateSfuWorker } = (await import(join(cli.root, 'scripts/sfu-worker/locate.mjs'))) as {
    locateSfuWorker: (root: string) => { readonly path: string; readonly ready: boolean } | undefined;
  };
  const found = locateSfuWorker(cli.root);
  return found?.ready ? { what, ok: true, found: found.path } : { what, ok: false, found: 'not built', mend };
}

async function elements(cli: Cli, mend: string): Promise<Row[]> {
  const needed = new Map<string, string[]>();
  for (const { manifest } of await cli.builtins()) {
    for (const element of manifest.requires.gstreamer ?? []) {
      needed.set(element, [...(needed.get(element) ?? []), manifest.name]);
    }
  }
  return Promise.all(
    [...needed].map(async ([element, users]) => {
      const row = await program('gst-inspect-1.0', ['--exists', element], mend);
      return {
        ...row,
        what: `GStreamer ${element}`,
        found: row.ok ? `for ${users.join(', ')}` : `missing, for ${users.join(', ')}`,
      };
    }),
  );
}

/** Encoders and decoders of devices that GStreamer has found; none is no fault. */
async function devices(cli: Cli): Promise<Row[]> {
  const plugins = (await cli.builtins()).filter(({ manifest }) => manifest.requires.devices !== undefined);
  return Promise.all(
    plugins.map(async ({ manifest }) => {
      const rows = await Promise.all(
        manifest.requires.devices!.map((element) => program('gst-inspect-1.0', ['--exists', element], '')),
      );
      const there = manifest.requires.devices!.filter((_element, index) => rows[index]!.ok);
      const found =
        there.length > 0 ? there.join(', ') : `none of ${manifest.requires.devices!.join(', ')}: in software`;
      return { what: `devices of ${manifest.name}`, ok: true, found };
    }),
  );
}

/** What a pipeline asks of its surroundings; without one, of the disk that `eddy run` would keep its data on. */
async function surroundings(file: string | undefined, cli: Cli): Promise<Row[]> {
  const graph = file === undefined ? undefined : (await check(file, cli)).graph;
  if (file !== undefined && !graph)
    return [{ what: 'pipeline', ok: false, found: `${file} has errors`, mend: `eddy validate ${file}` }];
  const baseDir = file === undefined ? cli.cwd : dirname(resolve(cli.cwd, file));
  return [...(await disks(graph, cli)), ...(await servers(graph)), ...(await certificates(graph, baseDir, Date.now()))];
}

async function disks(graph: CheckedGraph | undefined, cli: Cli): Promise<Row[]> {
  const places = (graph?.nodes ?? []).flatMap(({ name, config, plugin }) =>
    storageOf(config, plugin.manifest.claims.storage).map(({ path }) => ({ user: name, path })),
  );
  if (places.length === 0) places.push({ user: 'data', path: resolve(cli.cwd, 'data') });
  return Promise.all(
    places.map(async ({ user, path }) => {
      const { refused, free } = await storageState(path);
      const low = free !== undefined && free < LOW_BYTES;
      const found = refused ?? (free === undefined ? path : `${bytesText(free)} free under ${path}`);
      const mend = refused === undefined ? 'free some space, or name a larger disk' : 'name another place, or chown it';
      return { what: `disk of ${user}`, ok: refused === undefined && !low, found, ...(refused || low ? { mend } : {}) };
    }),
  );
}

/** How long a server may take to answer, in ms. */
const ANSWER_MS = 3000;

/** The servers that a pipeline connects to: whether somebody answers there, not whether they let us in. */
async function servers(graph: CheckedGraph | undefined): Promise<Row[]> {
  const wanted = (graph?.nodes ?? []).flatMap(({ name, config, plugin }) => {
    const reaches = plugin.manifest.reaches as ((config: unknown) => readonly ServerAddress[]) | undefined;
    return (reaches?.(config) ?? []).map((address) => ({ user: name, address }));
  });
  return Promise.all(
    wanted.map(async ({ user, address }) => {
      const what = `server of ${user}`;
      const where = 'path' in address ? address.path : `${address.host}:${address.port}`;
      const refused = await whyUnanswered(address);
      if (refused === undefined) return { what, ok: true, found: `answers at ${where}` };
      return { what, ok: false, found: `${where}: ${refused}`, mend: 'start the server, or correct its address' };
    }),
  );
}

function whyUnanswered(address: ServerAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: ANSWER_MS });
    const end = (why?: string): void => {
      socket.destroy();
      resolve(why);
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end(`no answer within ${ANSWER_MS / 1000} s`));
    // A host with several addresses fails with a code alone.
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.message || error.code));
  });
}

export const verb: Verb = {
  summary: 'Tells what this machine has, what is missing, and how to mend it.',
  usage: '[PIPELINE] [--json]',
  options: { json: { type: 'boolean' } },
  help: { json: 'as JSON' },
  async run(args, cli) {
    const mend = 'make setup (in an installed package: npx eddy setup)';
    const rows: Row[] = [
      { what: 'node', ok: true, found: process.version },
      await packageRow('mediasoup', cli, mend),
      await worker(cli, mend),
      await packageRow('gstreamer-superficial', cli, mend),
      await program('gst-inspect-1.0', ['--version'], mend),
      ...(await elements(cli, mend)),
      ...(await devices(cli)),
      ...(await surroundings(args.positionals[0], cli)),
      await program('ffmpeg', ['-version'], 'sudo apt-get install ffmpeg (only to publish files and to run the tests)'),
    ];
    if (args.values['json']) cli.out(`${JSON.stringify(rows, null, 2)}\n`);
    else {
      const width = Math.max(...rows.map((row) => row.what.length));
      for (const row of rows) {
        cli.out(`${row.ok ? 'ok  ' : 'MISS'}  ${row.what.padEnd(width)}  ${row.found}\n`);
        if (row.mend) cli.out(`      ${' '.repeat(width)}  mend: ${row.mend}\n`);
      }
    }
    return rows.every((row) => row.ok || row.what === 'ffmpeg') ? EXIT.ok : EXIT.failed;
  },
};

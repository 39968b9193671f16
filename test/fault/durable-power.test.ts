/**
 * A power cut takes what was not synced: an acknowledgement is worth what the order of system calls before it is worth.
 * The order is read from a record of them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { meetBar } from '../bar.ts';
import { witnessed } from '../support/durability.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { readSystemCalls, type SystemCall } from '../support/system-calls.ts';

const SOURCE = join(import.meta.dirname, '../support/plugins/paced-cameras.ts');
const pipeline = (ack: string): string => `version: 1
name: power
plugins: ["${SOURCE}"]
services:
  http: { plugin: http.server, listen: HTTP }
  store: { plugin: store.filesystem, dir: ./media }
stages:
  cameras: { plugin: test.paced-cameras, count: 2, fps: 10, kbps: 100, witness: . }
  cmaf: { plugin: package.cmaf, segment: 1s, part: 300ms }
  dvr: { plugin: timeshift.ring, window: 30s, dir: ./log, durability: { ack: ${ack}, rpo: 1s } }
  index: { plugin: index.sqlite, file: ./index.db }
links:
  - cameras.video -> cmaf.video
  - cameras.audio -> cmaf.audio
  - cmaf.chunks -> dvr.chunks: { queue: 2s, full: block }
`;

const CALLS = 'openat,write,writev,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2';

let folder: string;
let eddy: RunningEddy | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eddy-power-'));
});
afterEach(async () => {
  await eddy?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Acknowledged {
  readonly id: string;
  readonly cameraId: string;
  readonly track: string;
  readonly number: number;
}

/** Runs until so many segments were acknowledged; returns them with the record of the calls. */
async function record(ack: string, count: number): Promise<{ acknowledged: Acknowledged[]; calls: SystemCall[] }> {
  const trace = join(folder, 'trace.txt');
  eddy = await startEddy(pipeline(ack), {
    folder,
    under: ['strace', '-D', '-f', '-y', '-s', '800', '-e', `trace=${CALLS}`, '-o', trace],
  });
  await until('segments to be acknowledged', () => witnessed(folder, 'acknowledged.jsonl').length >= count, {
    timeout: 40_000,
  });
  await eddy.stop();
  eddy = undefined;
  return { acknowledged: witnessed<Acknowledged>(folder, 'acknowledged.jsonl'), calls: readSystemCalls(trace) };
}

const isSync = ({ name }: SystemCall): boolean => name === 'fsync' || name === 'fdatasync';
const isWrite = ({ name }: SystemCall): boolean => /^p?writev?(64)?$/.test(name);

/** The first call after `since` (the place where one ended) that fits; the test fails where there is none. */
function next(
  calls: readonly SystemCall[],
  since: number,
  what: string,
  fits: (call: SystemCall) => boolean,
): SystemCall {
  const found = calls.find((call) => call.from > since && fits(call));
  if (!found) throw new Error(`no ${what} after line ${since}`);
  return found;
}

const eventOf = (calls: readonly SystemCall[], id: string): SystemCall =>
  next(calls, -1, `event of ${id}`, (call) => call.path.endsWith('/acknowledged.jsonl') && call.args.includes(id));

describe('before a segment is acknowledged', () => {
  test('by the store: write, fsync, rename, fsync of the folder, commit of the index, event', async () => {
    const { acknowledged, calls } = await record('object', 12);
    const made = (folderPath: string): SystemCall[] => calls.filter((call) => isSync(call) && call.path === folderPath);
    for (const { id } of acknowledged) {
      const path = join(folder, 'media', id);
      const event = eventOf(calls, id);
      const rename = next(
        calls,
        -1,
        `rename to ${id}`,
        (call) => /^rename/.test(call.name) && call.args.includes(`"${path}"`),
      );
      const writes = calls.filter((call) => isWrite(call) && call.path === rename.path);
      expect(writes.length, id).toBeGreaterThan(0);
      const fsync = next(
        calls,
        Math.max(...writes.map(({ to }) => to)),
        'fsync of the file',
        (call) => isSync(call) && call.path === rename.path,
      );
      expect(fsync.to, `${id}: fsync before rename`).toBeLessThan(rename.from);
      const entered = next(
        calls,
        rename.to,
        'fsync of the folder',
        (call) => isSync(call) && call.path === dirname(path),
      );
      const row = next(
        calls,
        entered.to,
        'row in the index',
        (call) => isWrite(call) && call.path.endsWith('/index.db-wal'),
      );
      const commit = next(
        calls,
        row.to,
        'commit of the index',
        (call) => isSync(call) && call.path.endsWith('/index.db-wal'),
      );
      expect(commit.to, `${id}: commit before event`).toBeLessThan(event.from);
      // Its folders were entered durably in the ones above, before anything was put into them.
      expect(made(dirname(dirname(path)))[0]!.to, `${id}: its folder`).toBeLessThan(rename.from);
    }
    meetBar({
      what: 'power loss (ack: object)',
      bar: 'write, fsync, rename, fsync of folder, index commit, event, from a recorded system-call trace',
      measured: `in this order for each of ${acknowledged.length} segments, in ${calls.length} calls`,
      pass: acknowledged.length >= 12,
    });
  });

  test('by the local disk: write of every part to the log, fsync, event', async () => {
    const { acknowledged, calls } = await record('disk', 12);
    let parts = 0;
    for (const { id, cameraId, track, number } of acknowledged) {
      const event = eventOf(calls, id);
      const head = `\\"kind\\":\\"part\\",\\"camera\\":\\"${cameraId}\\",\\"track\\":\\"${track}\\"`;
      const writes = calls.filter(
        (call) =>
          isWrite(call) &&
          call.path.endsWith('.wal') &&
          call.args.includes(head) &&
          call.args.includes(`\\"segment\\":${number},`),
      );
      expect(writes.length, id).toBeGreaterThan(0);
      parts += writes.length;
      const last = writes.findLast(({ from }) => from < event.from)!;
      const sync = next(calls, last.to, 'fsync of the log', (call) => isSync(call) && call.path === last.path);
      expect(sync.to, `${id}: fsync before event`).toBeLessThan(event.from);
    }
    meetBar({
      what: 'power loss (ack: disk)',
      bar: 'write to the log, fsync, event, from a recorded system-call trace',
      measured: `in this order for each of ${acknowledged.length} segments, ${parts} writes`,
      pass: acknowledged.length >= 12,
    });
  });
});

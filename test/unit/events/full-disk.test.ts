/** A disk that is really full: one of a megabyte, which only a child process sees. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'eddy-full-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const source = (path: string): string => JSON.stringify(join(import.meta.dirname, '../../..', path));

/** What the script prints, as JSON; `process.argv[1]` is the full disk. */
function onFullDisk(script: string): unknown {
  const node = [process.execPath, '--conditions=eddy-source', '--input-type=module-typescript', '-e', script, dir];
  const shell = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"';
  const { stdout, stderr } = spawnSync('unshare', ['-rm', 'sh', '-c', shell, dir, ...node], { encoding: 'utf8' });
  expect(stdout, stderr).not.toBe('');
  return JSON.parse(stdout);
}

describe.skipIf(process.platform !== 'linux' || spawnSync('unshare', ['-rm', 'true']).status !== 0)(
  'on a full disk',
  () => {
    it('an outbox tells of it, delivers everything once and in order, and writes again once there is room', () => {
      const script = `
        import { Outbox } from ${source('plugins/events/webhook/outbox.ts')};
        import { systemClock } from ${source('core/engine/clock.ts')};
        const disk = [], dropped = [], numbers = [];
        const outbox = new Outbox({
          dir: process.argv[1] + '/outbox', limit: 64 * 2 ** 20, fsync: 'second', clock: systemClock,
          onDisk: (up, error) => disk.push(up ? 'up' : error.code), onDropped: (count) => dropped.push(count),
        });
        await outbox.open();
        const body = (number) => JSON.stringify({ number, pad: 'x'.repeat(1000) });
        for (let number = 0; number < 3000; number++) outbox.add({ id: 'evt_' + number, at: number, body: body(number) });
        while (disk.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
        for (let next = await outbox.peek(); next; next = await outbox.peek()) {
          numbers.push(JSON.parse(next.body).number);
          outbox.shift(next);
        }
        outbox.add({ id: 'evt_last', at: 1, body: body(3000) });
        while (disk.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
        const left = await outbox.close();
        const inOrder = numbers.every((number, index) => number === index);
        console.log(JSON.stringify({ disk, dropped, delivered: numbers.length, inOrder, left }));`;
      expect(onFullDisk(script)).toEqual({
        disk: ['ENOSPC', 'up'],
        dropped: [],
        delivered: 3000,
        inOrder: true,
        left: 0,
      });
    });

    it('a file of lines loses none and goes on where it was cut', () => {
      const script = `
        import { readFileSync, rmSync, writeFileSync } from 'node:fs';
        import { RotatingFile } from ${source('plugins/events/file/rotating-file.ts')};
        const [, dir] = process.argv;
        writeFileSync(dir + '/other', Buffer.alloc(500_000));
        const file = new RotatingFile({ path: dir + '/audit.jsonl', rotate: 2 ** 30, keep: 1 });
        const lines = Array.from({ length: 900 }, (_, number) => Buffer.from(JSON.stringify({ number, pad: 'x'.repeat(900) }) + '\\n'));
        const first = await file.append(lines);
        const again = await file.append(lines.slice(first.lines));
        rmSync(dir + '/other');
        const second = await file.append(lines.slice(first.lines));
        await file.close();
        const cut = [], numbers = [];
        for (const line of readFileSync(dir + '/audit.jsonl', 'utf8').split('\\n').filter(Boolean)) {
          try { numbers.push(JSON.parse(line).number); } catch { cut.push(line.length); }
        }
        console.log(JSON.stringify({
          code: first.error.code, stillFull: again.error.code, again: again.lines, sum: first.lines + second.lines,
          numbers: numbers.length, inOrder: numbers.every((number, index) => number === index), cut: cut.length,
        }));`;
      expect(onFullDisk(script)).toEqual({
        ...{ code: 'ENOSPC', stillFull: 'ENOSPC', again: 0, sum: 900, numbers: 900, inOrder: true },
        // The beginning of the line that did not fit stands alone, and that line again behind it.
        cut: 1,
      });
    });
  },
);

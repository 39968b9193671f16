import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/engine/clock.ts';
import type { Entry } from '../../../plugins/events/webhook/entry.ts';
import { Outbox, type OutboxOptions } from '../../../plugins/events/webhook/outbox.ts';
import { until } from '../../support/eddy.ts';

let dir: string;
const open: Outbox[] = [];
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'eddy-outbox-'))));
afterEach(async () => {
  for (const outbox of open.splice(0)) await outbox.close();
  rmSync(dir, { recursive: true, force: true });
});

const entry = (number: number, size = 0): Entry => ({
  id: `evt_${number}`,
  at: 1000 + number,
  body: JSON.stringify({ number, pad: 'x'.repeat(size) }),
});
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

interface Opened {
  readonly outbox: Outbox;
  readonly found: number;
  readonly torn: number;
  readonly dropped: number[];
  readonly disk: boolean[];
}

async function opened(options: Partial<OutboxOptions> = {}): Promise<Opened> {
  const dropped: number[] = [];
  const disk: boolean[] = [];
  const outbox = new Outbox({
    ...{ dir, limit: 2 ** 20, fsync: 'never', clock: systemClock },
    onDisk: (up) => disk.push(up),
    onDropped: (count) => dropped.push(count),
    ...options,
  });
  open.push(outbox);
  return { outbox, dropped, disk, ...(await outbox.open()) };
}

/** Delivers up to so many; their numbers. */
async function deliver(outbox: Outbox, most = Infinity): Promise<number[]> {
  const taken: number[] = [];
  for (let next = await outbox.peek(); next && taken.length < most; next = await outbox.peek()) {
    taken.push((JSON.parse(next.body) as { number: number }).number);
    outbox.shift(next);
    if (taken.length === most) break;
  }
  return taken;
}

const files = (): string[] =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.outbox'))
    .sort();
const path = (index: number): string => join(dir, files().at(index)!);

/** What is on disk is left as a killed process leaves it. */
async function written(outbox: Outbox): Promise<void> {
  await until('the outbox to be written', () => files().some((name) => statSync(join(dir, name)).size > 0));
  let size = -1;
  await until('the outbox to be quiet', () => {
    const now = outbox.bytes;
    const quiet = now === size && now === files().reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
    size = now;
    return quiet;
  });
}

describe('an outbox', () => {
  it('gives back in order, once, what was added, and leaves no file behind', async () => {
    const { outbox } = await opened({ limit: 80_000 });
    for (const number of numbers(0, 500)) outbox.add(entry(number, 100));
    expect(outbox.pending).toBe(500);
    expect(await deliver(outbox, 200)).toEqual(numbers(0, 200));
    for (const number of numbers(500, 600)) outbox.add(entry(number, 100));
    expect(await deliver(outbox)).toEqual(numbers(200, 600));
    expect([outbox.pending, outbox.oldestAt]).toEqual([0, undefined]);
    await until('delivered files to go', () => files().length <= 1);
  });

  it('keeps what was not delivered over a kill, and begins again where the cursor is', async () => {
    const first = await opened();
    for (const number of numbers(0, 100)) first.outbox.add(entry(number));
    await written(first.outbox);
    expect(await deliver(first.outbox, 40)).toEqual(numbers(0, 40));
    await until('the cursor', () => {
      if (!existsSync(join(dir, 'cursor.json'))) return false;
      const { offset } = JSON.parse(readFileSync(join(dir, 'cursor.json'), 'utf8')) as { offset: number };
      return readFileSync(path(0)).subarray(0, offset).toString().split('\n').length === 41;
    });
    // No close: the next one finds what a killed process would have left.
    const second = await opened();
    expect(second.found).toBe(60);
    for (const number of numbers(100, 110)) second.outbox.add(entry(number));
    expect(await deliver(second.outbox)).toEqual(numbers(40, 110));
  });

  it('passes over an end that was torn at any byte, and over garbled lines', async () => {
    const first = await opened();
    for (const number of numbers(0, 10)) first.outbox.add(entry(number));
    await written(first.outbox);
    await first.outbox.close();
    const whole = readFileSync(path(0));
    const line = whole.toString().split('\n')[9]!.length + 1;
    for (let cut = 1; cut < line; cut++) {
      writeFileSync(path(0), whole);
      truncateSync(path(0), whole.byteLength - cut);
      rmSync(join(dir, 'cursor.json'), { force: true });
      const again = await opened();
      expect([again.found, again.torn]).toEqual([9, 1]);
      expect(await deliver(again.outbox)).toEqual(numbers(0, 9));
      await again.outbox.close();
      writeFileSync(join(dir, '0000000001.outbox'), whole);
    }
    const lines = whole.toString().split('\n');
    lines[4] = lines[4]!.replace('"number":4', '"number":5');
    writeFileSync(path(0), lines.join('\n'));
    rmSync(join(dir, 'cursor.json'), { force: true });
    const garbled = await opened();
    expect([garbled.found, garbled.torn]).toEqual([9, 1]);
    expect(await deliver(garbled.outbox)).toEqual([...numbers(0, 4), ...numbers(5, 10)]);
  });

  it('delivers anew where its cursor is garbled, and never fewer', async () => {
    const first = await opened();
    for (const number of numbers(0, 10)) first.outbox.add(entry(number));
    await deliver(first.outbox, 5);
    await first.outbox.close();
    writeFileSync(join(dir, 'cursor.json'), '{"file":1,"off');
    const second = await opened();
    expect(await deliver(second.outbox)).toEqual(numbers(0, 10));
    await second.outbox.close();
    // Everything is delivered and its files are gone: the numbers must not begin anew under the old cursor.
    const third = await opened();
    third.outbox.add(entry(10));
    await third.outbox.close();
    const fourth = await opened();
    expect(await deliver(fourth.outbox)).toEqual([10]);
  });

  it('holds its bound in bytes: the oldest go, and are counted', async () => {
    const { outbox, dropped } = await opened({ limit: 100_000 });
    for (const number of numbers(0, 1000)) {
      outbox.add(entry(number, 1000));
      if (number % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await written(outbox);
    const size = files().reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
    expect(size).toBeLessThanOrEqual(100_000);
    expect(size).toBeGreaterThan(60_000);
    const left = await deliver(outbox);
    const lost = dropped.reduce((sum, count) => sum + count, 0);
    expect(left).toEqual(numbers(lost, 1000));
  });

  it('holds events in a bounded memory while the disk takes none, delivers from there, and goes on', async () => {
    // A file stands where the folder should be.
    const blocked = join(dir, 'blocked');
    writeFileSync(blocked, '');
    const { outbox, disk, dropped } = await opened({ dir: blocked, limit: 2 ** 24 });
    for (const number of numbers(0, 100)) outbox.add(entry(number));
    await until('the failure', () => disk.length > 0);
    expect(disk).toEqual([false]);
    expect(await deliver(outbox, 30)).toEqual(numbers(0, 30));
    for (const number of numbers(100, 10_000)) outbox.add(entry(number, 1000));
    expect(outbox.bytes).toBeLessThanOrEqual(4 * 2 ** 20);
    rmSync(blocked);
    await until('the disk to be tried again', () => disk.length > 1);
    expect(disk).toEqual([false, true]);
    const left = await deliver(outbox);
    const lost = dropped.reduce((sum, count) => sum + count, 0);
    expect(lost).toBeGreaterThan(1000);
    expect(left).toEqual(numbers(30 + lost, 10_000));
  });

  it('goes on where somebody took a file away', async () => {
    const { outbox, dropped } = await opened({ limit: 16_000 });
    for (const number of numbers(0, 20)) outbox.add(entry(number, 100));
    await written(outbox);
    rmSync(path(0));
    for (const number of numbers(20, 40)) outbox.add(entry(number, 100));
    await until('more files', () => outbox.pending === 40 && files().length > 0);
    const left = await deliver(outbox);
    expect(dropped).toHaveLength(1);
    expect(left).toEqual(numbers(dropped[0]!, 40));
  });

  it('lets nobody else read what waits', async () => {
    const { outbox } = await opened({ dir: join(dir, 'own') });
    outbox.add(entry(1));
    await until(
      'the file',
      () => outbox.pending === 1 && readdirSync(dir).includes('own') && readdirSync(join(dir, 'own')).length > 0,
    );
    const own = join(dir, 'own');
    expect(statSync(own).mode & 0o777).toBe(0o700);
    expect(statSync(join(own, readdirSync(own)[0]!)).mode & 0o777).toBe(0o600);
    appendFileSync(join(own, 'notes.txt'), 'of somebody');
    await deliver(outbox);
  });
});

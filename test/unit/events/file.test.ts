/** events.file in the real engine, on a real disk. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance, testPipeline, type TestPipeline } from 'eddy/testing';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/engine/clock.ts';
import type { AnyPlugin } from '../../../core/plugin/index.ts';
import plugin from '../../../plugins/events/file/plugin.ts';
import { until } from '../../support/eddy.ts';

const CONFORMANCE = mkdtempSync(join(tmpdir(), 'eddy-audit-conformance-'));
afterAll(() => rmSync(CONFORMANCE, { recursive: true, force: true }));

let dir: string;
let file: string;
const running: TestPipeline[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'eddy-audit-'));
  file = join(dir, 'logs', 'audit.jsonl');
});
afterEach(async () => {
  for (const pipeline of running.splice(0)) await pipeline.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function start(config: object = {}) {
  const service = { plugin: plugin as unknown as AnyPlugin, config: { file, ...config } as never };
  const t = await testPipeline({ services: { audit: service } }, { clock: systemClock });
  running.push(t);
  const events = t.engine.container.get('events');
  const used = (what: string): void =>
    events.emit({ type: 'admin.allowed', data: { userId: 'ann', peer: '10.0.0.1', what, change: true } });
  return {
    t,
    events,
    used,
    reports: () => t.events.filter(({ type }) => type === 'report').map(({ data }) => data?.code),
  };
}

interface Line {
  readonly type: string;
  readonly at: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The whole ones: the last may be under way. */
const lines = (path = file): Line[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line)
    : [];
const whats = (path = file): unknown[] => lines(path).map(({ data }) => data.what);
const has = (what: string, path = file) => until(what, () => whats(path).includes(what));

describe('events.file', () => {
  for (const check of conformance(plugin, {
    clock: 'real',
    config: { file: join(CONFORMANCE, 'audit.jsonl') },
    reconfigureTo: { file: join(CONFORMANCE, 'audit.jsonl'), events: ['*'] },
  }))
    it(check.name, check.run);

  it('writes the audit log by default: who did what, and who was refused, readable by its user alone', async () => {
    const { t, used, events } = await start();
    used('DELETE /api/v1/sessions/{id}');
    events.emit({ type: 'pipeline.running' });
    events.emit({ type: 'publish.refused', data: { peer: '10.0.0.2', protocol: 'rtmp', reason: 'forbidden' } });
    await until('both lines', () => lines().length === 2);
    expect(lines()[0]).toEqual({
      type: 'admin.allowed',
      at: expect.closeTo(Date.now(), -5),
      pipeline: t.engine.graph!.name,
      data: { userId: 'ann', peer: '10.0.0.1', what: 'DELETE /api/v1/sessions/{id}', change: true },
    });
    expect(lines()[1]).toMatchObject({ type: 'publish.refused', data: { peer: '10.0.0.2' } });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await until('the meter', async () => (await t.metric('event_file_written_total')) === 2);
  });

  it('takes away from others a file that they could read, and appends to it', async () => {
    mkdirSync(join(dir, 'logs'));
    writeFileSync(file, '{"data":{"what":"old"}}\n{"type":"cut sho', { mode: 0o644 });
    const { t, used } = await start();
    used('new');
    await until('the line', () => readFileSync(file, 'utf8').includes('"what":"new"'));
    await t.stop();
    const [first, torn, last] = readFileSync(file, 'utf8').trim().split('\n');
    expect([first, torn]).toEqual(['{"data":{"what":"old"}}', '{"type":"cut sho']);
    expect(JSON.parse(last!)).toMatchObject({ data: { what: 'new' } });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('renames it when it is full, and keeps so many', async () => {
    const { t, used } = await start({ rotate: '64KiB', keep: 2 });
    for (let number = 0; number < 40; number++) {
      used(`${number} ${'x'.repeat(10_000)}`);
      await until('the line', () => whats().some((what) => String(what).startsWith(`${number} `)));
    }
    await t.stop();
    const order = [`${file}.2`, `${file}.1`, file].flatMap((path) => whats(path).map((what) => parseInt(String(what))));
    expect(order).toEqual(Array.from({ length: order.length }, (_, index) => 40 - order.length + index));
    expect(statSync(`${file}.1`).size).toBeGreaterThanOrEqual(65_536);
    expect(statSync(`${file}.1`).size).toBeLessThan(65_536 + 11_000);
    expect(existsSync(`${file}.3`)).toBe(false);
  });

  it('goes on in a new file where a tool renamed, removed or emptied it', async () => {
    const { used } = await start();
    used('first');
    await has('first');
    renameSync(file, `${file}.moved`);
    used('second');
    await has('second');
    expect(whats(`${file}.moved`)).toEqual(['first']);
    rmSync(file);
    used('third');
    await has('third');
    truncateSync(file);
    used('fourth');
    await has('fourth');
    expect(whats()).toEqual(['fourth']);
  });

  it('tells where it cannot be written, holds what comes, and says in the file what is missing', async () => {
    mkdirSync(file, { recursive: true });
    const { used, reports, t } = await start();
    await until('the report', () => reports().includes('events.file/FILE_DOWN'));
    expect(await t.metric('event_file_up')).toBe(0);
    for (let number = 0; number < 1000; number++) used(`${number} ${'x'.repeat(10_000)}`);
    rmSync(file, { recursive: true });
    await until('the last line', () => whats().some((what) => String(what).startsWith('999 ')));
    const written = lines().filter(({ type }) => type === 'admin.allowed').length;
    const lost = await t.metric('event_file_dropped_total', { reason: 'full' });
    expect(lost).toBeGreaterThan(500);
    expect(written + lost).toBe(1000);
    expect(reports()).toContain('events.file/EVENTS_LOST');
    await until('the meter', async () => (await t.metric('event_file_up')) === 1);
    // Where they are missing, and as many.
    expect(lines()[0]).toMatchObject({ type: 'events.lost', stage: 'audit', data: { count: lost, reason: 'full' } });
  });

  it('writes what waits before it stops', async () => {
    const { t, used } = await start({ fsync: 'always' });
    for (let number = 0; number < 100; number++) used(String(number));
    await t.stop();
    expect(whats()).toHaveLength(100);
  });
});

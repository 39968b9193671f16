/** The store, the index or the clock fails while cameras are recorded: live goes on, and all is caught up by itself. */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Span, TimelineState } from '../../core/contracts/index.ts';
import { meetBar } from '../bar.ts';
import { atLevel } from '../level.ts';
import { flawOf, listSegments, storedIds, witnessed } from '../support/durability.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { PASSWORD, startPostgres } from '../support/postgres.ts';
import type { Faults } from '../support/plugins/faulty.ts';

const plugin = (name: string): string => join(import.meta.dirname, `../support/plugins/${name}.ts`);
const FAULTY_INDEX = '{ plugin: test.faulty-index, file: ./index.db }';
/** The memory holds less than the outage lasts: what waits is in the spill. */
const pipeline = (count: number, kbps: number, retain: string, index = FAULTY_INDEX): string => `version: 1
name: outage
plugins: ["${plugin('paced-cameras')}", "${plugin('faulty')}"]
services:
  http: { plugin: http.server, listen: HTTP }
  store: { plugin: test.faulty-store, dir: ./media }
  index: ${index}
stages:
  cameras: { plugin: test.paced-cameras, count: ${count}, kbps: ${kbps}, witness: . }
  cmaf: { plugin: package.cmaf, segment: 1s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 10s, retain: ${retain}, dir: ./log }
  hls: { plugin: publish.hls, window: 10m }
links:
  - cameras.video -> cmaf.video
  - cameras.audio -> cmaf.audio
  - cmaf.chunks -> dvr.chunks: { queue: 2s, full: block }
  - dvr.live -> hls.chunks
`;

let folder: string;
let eddy: RunningEddy | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eddy-outage-'));
});
afterEach(async () => {
  await eddy?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** At once: a half-written file would be no fault. */
async function setFaults(faults: Faults): Promise<void> {
  await writeFile(join(folder, 'faults.tmp'), JSON.stringify(faults));
  await rename(join(folder, 'faults.tmp'), join(folder, 'faults.json'));
}

const camerasOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `cam${index + 1}`);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface TimelineAnswer {
  readonly spans: Span[];
  readonly state: TimelineState;
}
const state = (): Promise<TimelineState> => eddy!.json<TimelineState>('/api/v1/storage');
const events = (type: string) =>
  witnessed<{ type: string; at: number; data?: Record<string, unknown> }>(folder, 'events.jsonl').filter(
    (event) => event.type === type,
  );
const reported = (code: string): boolean =>
  events('report').some(({ data }) => data?.code === `timeshift.ring/${code}`);

async function playlist(camera: string): Promise<string> {
  const response = await fetch(`${eddy!.http}/hls/${camera}/video/live.m3u8`);
  return response.status === 200 ? response.text() : '';
}
const headOf = (text: string): string | undefined => [...text.matchAll(/#EXT-X-PART:.*URI="([^"]+)"/g)].at(-1)?.[1];

async function start(count: number, kbps: number, retain = '24h', index?: string): Promise<void> {
  await setFaults({});
  eddy = await startEddy(pipeline(count, kbps, retain, index), { folder });
  await until('all cameras to be recorded', async () => {
    const lists = await Promise.all(camerasOf(count).map((camera) => listSegments(eddy!, camera)));
    return lists.every((segments) => segments.length >= 4);
  });
}

/** Watches the live playlists for so long; returns for how many ms the worst of them did not move. */
async function watchLive(cameras: readonly string[], ms: number): Promise<number> {
  const moved = new Map(
    cameras.map((camera) => [camera, { head: undefined as string | undefined, at: performance.now() }]),
  );
  const end = performance.now() + ms;
  let worst = 0;
  while (performance.now() < end) {
    for (const camera of cameras) {
      const head = headOf(await playlist(camera));
      const last = moved.get(camera)!;
      worst = Math.max(worst, performance.now() - last.at);
      if (head !== last.head) moved.set(camera, { head, at: performance.now() });
    }
    await sleep(200);
  }
  return worst;
}

/** Everything was caught up: store, index and API agree, each byte is whole, one stretch without a hole, in order. */
async function allCaughtUp(cameras: readonly string[]): Promise<number> {
  await until(
    'everything to be caught up',
    async () => {
      const now = await state();
      return (
        now.store === 'up' &&
        now.index === 'up' &&
        now.waiting.bytes < 20_000_000 &&
        now.waiting.segments <= 2 * cameras.length
      );
    },
    { timeout: 60_000, every: 250 },
  );
  let count = 0;
  for (const camera of cameras) {
    const edge = Date.now();
    const segments = (await listSegments(eddy!, camera)).filter(({ startTs }) => startTs < edge - 5000);
    const stored = new Set(storedIds(join(folder, 'media'), camera));
    for (const segment of segments) {
      expect(stored.has(segment.id), segment.id).toBe(true);
      expect(flawOf(segment, await readFile(join(folder, 'media', segment.url))), segment.id).toBeUndefined();
      count += 1;
    }
    const { spans } = await eddy!.json<TimelineAnswer>(`/api/v1/cameras/${camera}/timeline`);
    expect(
      spans.map(({ kind }) => kind),
      camera,
    ).toEqual(['media']);
    const acknowledged = witnessed<{ cameraId: string; track: string; number: number }>(folder, 'acknowledged.jsonl');
    for (const track of ['video', 'audio']) {
      const numbers = acknowledged
        .filter((one) => one.cameraId === camera && one.track === track)
        .map(({ number }) => number);
      // Audio leads until the first key frame has come, so the first numbers may be its alone.
      const settled = numbers.slice(3);
      expect(numbers, `${camera} ${track}: in order`).toEqual(numbers.toSorted((a, b) => a - b));
      expect(settled, `${camera} ${track}: none missing`).toEqual(settled.map((_, index) => settled[0]! + index));
    }
    expect(await playlist(camera)).not.toMatch(/EXT-X-GAP|EXT-X-DISCONTINUITY\n/);
  }
  return count;
}

describe('the store is down', () => {
  const seconds = atLevel({ test: 8, proof: 120 });
  const kbps = atLevel({ test: 500, proof: 3000 });
  const cameras = camerasOf(8);

  test(`for ${seconds} s under 8 cameras of ${kbps} kbps`, async () => {
    await start(cameras.length, kbps);
    const calm = await watchLive(cameras, 5000);
    await setFaults({ store: 'STORE_UNREACHABLE' });
    const stall = await watchLive(cameras, seconds * 1000);
    const during = await state();
    expect(during).toMatchObject({ store: 'down', index: 'up', log: 'up' });
    expect(reported('STORE_DOWN')).toBe(true);
    // One timeline, also for what is in the spill alone.
    const { spans } = await eddy!.json<TimelineAnswer>('/api/v1/cameras/cam1/timeline');
    expect(spans).toHaveLength(1);
    const back = performance.now();
    await setFaults({});
    await until('the store to be up', async () => (await state()).store === 'up', { timeout: 20_000 });
    const count = await allCaughtUp(cameras);
    const caughtUp = (performance.now() - back) / 1000;
    meetBar({
      what: `store down for ${seconds} s under 8 cameras of ${kbps} kbps`,
      bar: 'live undisturbed, nothing lost, catch-up in order, gap-free timeline',
      measured: `playlists stood still for at most ${Math.round(stall)} ms (before: ${Math.round(calm)} ms); ${during.waiting.segments} segments (${Math.round(during.waiting.bytes / 1e6)} MB) waited, ${count} checked: none lost, all in order, one stretch; caught up ${caughtUp.toFixed(1)} s later`,
      pass: during.waiting.segments >= seconds * 8,
    });
  });
});

describe('live goes on, the state is clear, and all is well again by itself', () => {
  const cameras = camerasOf(2);
  const rows = [
    { name: 'the disk of the store is full', faults: { store: 'STORE_FULL' }, code: 'STORE_DOWN', part: 'store' },
    { name: 'the store refuses', faults: { store: 'STORE_DENIED' }, code: 'STORE_DOWN', part: 'store' },
    { name: 'the index is unreachable', faults: { index: 'INDEX_UNREACHABLE' }, code: 'INDEX_DOWN', part: 'index' },
  ] as const;

  test.each(rows)('$name', async ({ name, faults, code, part }) => {
    await start(cameras.length, 300);
    await setFaults(faults);
    const stall = await watchLive(cameras, atLevel({ test: 6000, proof: 20_000 }));
    const during = await state();
    expect(during[part]).toBe('down');
    expect(reported(code)).toBe(true);
    await setFaults({});
    const count = await allCaughtUp(cameras);
    meetBar({
      what: name,
      bar: 'clear state and alarm, live goes on, recovery by itself',
      measured: `${code}, state "${part}: down"; playlists stood still for at most ${Math.round(stall)} ms; ${count} segments, none lost, gap-free`,
      pass: stall < atLevel({ test: 10_000, proof: 3000 }),
    });
  });

  test('the PostgreSQL server of the index is killed', async () => {
    const server = await startPostgres();
    try {
      await mkdir(join(folder, 'secrets'));
      await writeFile(join(folder, 'secrets/index'), server.url);
      await start(cameras.length, 300, '24h', '{ plugin: index.postgres, url: "${secret:index}" }');
      await server.kill();
      const stall = await watchLive(cameras, atLevel({ test: 4000, proof: 20_000 }));
      expect(await state()).toMatchObject({ store: 'up', index: 'down', log: 'up' });
      expect(reported('INDEX_DOWN')).toBe(true);
      expect(eddy!.stderr()).toContain('index.postgres/NOT_REACHED');
      await server.start();
      const count = await allCaughtUp(cameras);
      for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) expect(eddy!.stderr()).not.toContain(secret);
      meetBar({
        what: 'the PostgreSQL server of the index is killed, and started again',
        bar: 'clear state and alarm, live goes on, recovery by itself',
        measured: `INDEX_DOWN, index.postgres/NOT_REACHED, state "index: down"; playlists stood still for at most ${Math.round(stall)} ms; ${count} segments, none lost, gap-free`,
        pass: stall < atLevel({ test: 10_000, proof: 3000 }),
      });
    } finally {
      await eddy?.stop();
      await server.stop();
    }
  });

  const steps = [
    { way: 'ahead and back again', ms: 3_600_000 },
    { way: 'back and ahead again', ms: -3_600_000 },
  ];

  test.each(atLevel({ test: steps.slice(0, 1), proof: steps }))('the clock steps an hour $way', async ({ way, ms }) => {
    await start(cameras.length, 300, '30m');
    const before = await listSegments(eddy!, 'cam1', '&track=video');
    await setFaults({ clock: ms });
    // A jump of the clock is told from a stall after twenty seconds.
    const first = await watchLive(cameras, 28_000);
    // A step back is over at once: the past is kept by the new time.
    expect((await state()).clockStepped).toBe(ms > 0);
    expect(reported('CLOCK_STEPPED')).toBe(true);
    await setFaults({});
    const second = await watchLive(cameras, 8000);
    await until('the state to be calm', async () => !(await state()).clockStepped);
    const segments = await listSegments(eddy!, 'cam1', '&track=video');
    const ids = new Set(segments.map(({ id }) => id));
    expect(
      before.filter(({ id }) => !ids.has(id)),
      'deleted too early',
    ).toEqual([]);
    const inOrder = segments.toSorted((a, b) => a.number - b.number);
    const between = inOrder
      .slice(1)
      .map((one, index) => one.startTs - inOrder[index]!.startTs - inOrder[index]!.duration);
    // A camera's time never goes back, and no two segments share a moment.
    expect(Math.min(...between)).toBeGreaterThan(-100);
    const holes = between.filter((step) => step > 3_500_000).length;
    meetBar({
      what: `the clock steps an hour ${way}`,
      bar: 'clear state and alarm, live goes on, recovery by itself',
      measured: `CLOCK_STEPPED; playlists stood still for at most ${Math.round(Math.max(first, second))} ms; ${segments.length} segments in order, ${holes} holes of an hour, none deleted too early`,
      pass: holes <= (ms > 0 ? 1 : 0) && segments.length > before.length + 20,
    });
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EddyError, type Context } from '../../../core/plugin/index.ts';
import { FakeTimeline } from '../../../core/testing/index.ts';
import { create } from '../../../plugins/web/api/api.ts';
import plugin, { type manifest } from '../../../plugins/web/api/plugin.ts';
import { raw } from '../../contract/http-server.ts';
import { START, videoCaps } from '../../support/chunks.ts';
import { indexedSegment } from '../../support/segments.ts';
import { fakeContext, type FakeEngine } from '../http/fake-context.ts';
import { startServer, type Started } from '../http/start-server.ts';

const CAM = 'cam1' as never;
const base = '/api/v1/cameras/cam1';

let server: Started;
let engine: FakeEngine;
let running: ReturnType<typeof create>;
let timeline: FakeTimeline;
beforeEach(async () => {
  server = await startServer();
  timeline = new FakeTimeline();
  for (let number = 0; number < 5; number++) timeline.put(indexedSegment(number), new Uint8Array(1), videoCaps());
  timeline.gap(CAM, { start: START + 10_000, end: START + 12_000, cause: 'crash' });
  timeline.put(indexedSegment(6), new Uint8Array(1), videoCaps());
  const made = fakeContext<Context<typeof manifest>>(plugin, {}, { http: server.http, timeline });
  engine = made.engine;
  running = create(made.ctx);
  await running.start?.();
});
afterEach(async () => {
  await running.stop?.();
  await engine.close();
  await server.stop();
});
const ask = async (path: string, method = 'GET') => {
  const { status, body } = await raw(server.url, path, { method });
  return { status, body: JSON.parse(body.toString()) };
};
const numbersOf = ({ body }: { body: { segments: { number: number }[] } }) => body.segments.map(({ number }) => number);

describe('the past over HTTP', () => {
  it('lists segments that overlap a range, by RFC 3339 or epoch ms', async () => {
    expect(numbersOf(await ask(`${base}/segments`))).toEqual([0, 1, 2, 3, 4, 6]);
    expect(numbersOf(await ask(`${base}/segments?start=${START + 3000}&end=${START + 5000}`))).toEqual([1, 2]);
    const start = new Date(START + 8000).toISOString();
    expect(numbersOf(await ask(`${base}/segments?start=${start}`))).toEqual([4, 6]);
    const offset = start.replace('Z', '+00:00');
    expect(numbersOf(await ask(`${base}/segments?start=${offset}`))).toEqual([4, 6]);
  });

  it('lists a page at a time', async () => {
    const page = await ask(`${base}/segments?limit=2`);
    expect(numbersOf(page)).toEqual([0, 1]);
    expect(page.body.more).toBe(true);
    expect((await ask(`${base}/segments?limit=6`)).body.more).toBe(false);
    expect(numbersOf(await ask(`${base}/segments?track=audio`))).toEqual([]);
  });

  it('tells spans with the causes of holes, and how the storage stands', async () => {
    const { body } = await ask(`${base}/timeline`);
    expect(body.spans).toEqual([
      { kind: 'media', start: START, end: START + 10_000 },
      { kind: 'gap', start: START + 10_000, end: START + 12_000, cause: 'crash' },
      { kind: 'media', start: START + 12_000, end: START + 14_000 },
    ]);
    expect(body.state).toMatchObject({ store: 'none' });
    expect((await ask('/api/v1/storage')).body).toMatchObject({ store: 'none', waiting: { segments: 0 } });
  });

  it('tells spans also where the marks cannot be read', async () => {
    timeline.keeps = () => Promise.reject(new EddyError('STORE_UNREACHABLE', 'as the test wants it'));
    const { status, body } = await ask(`${base}/timeline`);
    expect(status).toBe(200);
    expect(body.keeps).toBeNull();
    expect(body.spans).toHaveLength(3);
  });

  it('keeps a stretch and takes the mark back', async () => {
    const range = `start=${START}&end=${START + 4000}`;
    expect((await ask(`${base}/keeps?${range}`, 'PUT')).body.keeps).toMatchObject([
      { start: START, end: START + 4000 },
    ]);
    expect((await ask(`${base}/keeps`)).body.keeps).toHaveLength(1);
    expect((await ask(`${base}/keeps?start=1`, 'PUT')).status).toBe(400);
    expect((await ask(`${base}/keeps?${range}`, 'DELETE')).body.keeps).toEqual([]);
  });

  it.each(['start=yesterday', 'start=2026-01-01T00:00:00', 'start=5&end=5', 'limit=0', 'limit=x'])(
    'refuses "%s"',
    async (query) => {
      const { status, body } = await ask(`${base}/segments?${query}`);
      expect([status, body.code]).toEqual([400, 'web.api/RANGE_INVALID']);
    },
  );

  it('lets viewers look, and operators alone mark', async () => {
    const refuse = () => {
      throw new EddyError('WATCH_REFUSED', 'not you', { details: { reason: 'forbidden' } });
    };
    engine.admin = refuse;
    expect((await ask(`${base}/segments`)).status).toBe(200);
    expect((await ask(`${base}/keeps?start=1&end=2`, 'PUT')).status).toBe(403);
    expect((await ask('/api/v1/storage')).status).toBe(403);
    engine.viewer = refuse;
    expect((await ask(`${base}/segments`)).status).toBe(403);
    expect((await ask(`${base}/timeline`)).status).toBe(403);
  });
});

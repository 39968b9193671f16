/** publish.hls with real media over real HTTP: the whole stream is followed and judged for a while. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { atLevel } from '../level.ts';
import { checkHls } from '../support/hls-rules.ts';
import { hlsServer } from '../support/hls-server.ts';
import { encodeClip, playLive } from '../support/live-source.ts';

let server: Awaited<ReturnType<typeof hlsServer>>;

beforeAll(async () => {
  server = await hlsServer();
});
afterAll(() => server.close());

it.each([
  { fps: 30, gopSeconds: 2 },
  { fps: 25, gopSeconds: 1.64 },
])('keeps every rule at $fps fps with a key frame every $gopSeconds s', async ({ fps, gopSeconds }) => {
  const camera = `cam-${fps}`;
  const live = playLive(await encodeClip({ fps, gopSeconds, seconds: 5 * gopSeconds }), server.open(camera));
  try {
    const forMs = atLevel({ test: 4500, proof: 60_000 });
    const report = await checkHls(`${server.url}/hls/${camera}/index.m3u8`, { forMs });
    expect(report.findings).toEqual([]);
    expect(report.playlists).toBe(2);
    expect(report.parts).toBeGreaterThan(forMs / 334);
    expect(report.segments).toBeGreaterThan(3);
  } finally {
    live.stop();
  }
});

it('compresses playlists, and answers what cannot be with JSON and the right status', async () => {
  const live = playLive(await encodeClip({ seconds: 2 }), server.open('json'));
  try {
    const index = await fetch(`${server.url}/hls/json/index.m3u8`);
    expect(index.status).toBe(200);
    const live = await fetch(`${server.url}/hls/json/video/live.m3u8`, { headers: { 'accept-encoding': 'gzip' } });
    expect(live.headers.get('content-encoding')).toBe('gzip');
    for (const [path, status, code] of [
      ['json/video/live.m3u8?_HLS_msn=99999999999', 400, 'publish.hls/DIRECTIVE_INVALID'],
      ['json/video/1-2.test.m4s', 404, 'publish.hls/MEDIA_UNKNOWN'],
      ['nobody/index.m3u8', 404, 'CAMERA_AWAY'],
    ] as const) {
      const answer = await fetch(`${server.url}/hls/${path}`);
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code]);
    }
  } finally {
    live.stop();
  }
});

/** Long playlists over HTTP: a day of the past from a real index, and a live window of hours with its updates. */
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CameraId, Segment, Timeline } from 'eddy/plugin';
import { FakeTimeline } from '../../core/testing/fakes/segments.ts';
import { SqliteIndex } from '../../plugins/index/sqlite/sqlite-index.ts';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { audioCaps, chunk, videoCaps } from '../support/chunks.ts';
import { publishServer } from '../support/publish-server.ts';
import { indexedSegment, START } from '../support/segments.ts';

const RANGE_HOURS = atLevel({ test: 2, proof: 24 });
const WINDOW_HOURS = atLevel({ test: 1, proof: 8 });
const SEGMENT = 2;
const WARM = 100;
const DELTA = 4096;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eddy-playlists-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Answer {
  /** To the first byte of the body, ms. */
  readonly firstByte: number;
  /** As sent. */
  readonly bytes: number;
  readonly text: string;
}

/** Asks as a browser does, for gzip. */
function ask(url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    get(url, { headers: { 'accept-encoding': 'gzip' } }, (response) => {
      const parts: Buffer[] = [];
      let firstByte = NaN;
      response.on('data', (part: Buffer) => {
        if (parts.length === 0) firstByte = performance.now() - began;
        parts.push(part);
      });
      response.on('end', () => {
        const body = Buffer.concat(parts);
        if (response.headers['content-encoding'] !== 'gzip') reject(new Error('not compressed'));
        resolve({ firstByte, bytes: body.length, text: gunzipSync(body).toString() });
      });
    }).on('error', reject);
  });
}

const count = (text: string, tag: string): number => text.split(`\n${tag}`).length - 1;
const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

it('a day of the past, from an index of it', async () => {
  const segments = (RANGE_HOURS * 3600) / SEGMENT;
  const index = await SqliteIndex.open(join(folder, 'index.db'), {
    onCrash: (error) => expect.fail(error.message),
    onWatcherError: () => undefined,
  });
  const timeline: Timeline = new FakeTimeline();
  timeline.segments = (cameraId, range, track) => index.range(cameraId, range, track);
  const server = await publishServer({ past: timeline });
  try {
    for (let first = 0; first < segments; first += 1000) {
      const rows: Segment[] = [];
      for (let number = first; number < Math.min(first + 1000, segments); number += 1) {
        rows.push(indexedSegment(number, { writer: 'k3v9x0qp' }));
        // As sound is cut: in whole frames of 1024 samples, as near to the pictures as they come.
        const baseTime = Math.ceil((number * 96_000) / 1024) * 1024;
        const durationTicks = Math.ceil(((number + 1) * 96_000) / 1024) * 1024 - baseTime;
        const sound = {
          track: 'audio',
          writer: 'k3v9x0qp',
          timescale: 48_000,
          codecString: 'mp4a.40.2',
          baseTime,
          durationTicks,
        };
        rows.push(indexedSegment(number, { ...sound, duration: durationTicks / 48, bytes: 24_000 }));
      }
      await index.add(rows);
    }
    expect(await index.range('cam1' as CameraId, { start: START, end: START + 4000 })).toHaveLength(4);
    const query = `start=${START}&end=${START + segments * SEGMENT * 1000}`;
    for (const [what, path, tag] of [
      ['HLS', 'hls/cam1/video/range.m3u8', '#EXTINF:2,'],
      ['DASH', 'dash/cam1/manifest.mpd', '<S '],
    ] as const) {
      const cold = await ask(`${server.url}/${path}?${query}`);
      const warm: Answer[] = [];
      for (let again = 0; again < 5; again += 1) warm.push(await ask(`${server.url}/${path}?${query}`));
      if (what === 'HLS') expect(count(cold.text, tag)).toBe(segments);
      // Pictures are one run; sound alternates between two lengths.
      else expect(count(cold.text, tag)).toBeGreaterThan(segments / 2);
      expect(new Set([cold, ...warm].map(({ text }) => text)).size).toBe(1);
      const middle = warm.map(({ firstByte }) => firstByte).toSorted((a, b) => a - b)[2]!;
      if (level === 'proof') {
        meetBar({
          what: `${what}: a range of ${RANGE_HOURS} h`,
          bar: `first byte <= ${WARM} ms warm`,
          measured: `warm ${middle.toFixed(1)} ms (median of 5), cold ${Math.round(cold.firstByte)} ms, ${kB(cold.bytes)} sent (${kB(cold.text.length)})`,
          pass: middle <= WARM,
        });
      }
    }
  } finally {
    await server.close();
    await index.close();
  }
});

it('a live window of hours: updates stay small', async () => {
  const segments = (WINDOW_HOURS * 3600) / SEGMENT;
  const server = await publishServer({ window: WINDOW_HOURS * 3_600_000 });
  try {
    const camera = server.open('cam1');
    const parts = 6;
    const caps = { video: videoCaps({ partTarget: 0.334 }), audio: audioCaps({ partTarget: 0.334 }) };
    for (const [id, one] of Object.entries(caps)) {
      const { timescale } = one;
      const reader = camera.track(id, one);
      const duration = Math.round((SEGMENT / parts) * timescale);
      for (let segment = 0; segment <= segments; segment += 1) {
        for (let part = 0; part < parts; part += 1) {
          const baseTime = segment * SEGMENT * timescale + part * duration;
          await reader.item(chunk(segment, part, { parts, timescale, baseTime, duration, writer: 'k3v9x0qp' }));
        }
      }
    }
    const url = `${server.url}/hls/cam1/video/live.m3u8`;
    const whole = await ask(url);
    const delta = await ask(`${url}?_HLS_skip=YES`);
    expect(count(whole.text, '#EXTINF')).toBeGreaterThan(segments - 5);
    expect(count(delta.text, '#EXT-X-SKIP:SKIPPED-SEGMENTS=')).toBe(1);
    // The oldest media can be read, although it is long out of memory here.
    const oldest = /^\d+-\d+\.k3v9x0qp\.m4s$/m.exec(whole.text)![0];
    expect((await fetch(new URL(oldest, url))).status).toBe(200);
    // Bytes, not time: this holds on any machine.
    expect(delta.bytes).toBeLessThanOrEqual(DELTA);
    if (level === 'proof') {
      meetBar({
        what: `HLS: a live window of ${WINDOW_HOURS} h`,
        bar: 'delta <= 4 KB, first load size reported',
        measured: `delta ${kB(delta.bytes)} (${kB(delta.text.length)} unpacked); first load ${kB(whole.bytes)} (${kB(whole.text.length)})`,
        pass: delta.bytes <= DELTA,
      });
    }
  } finally {
    await server.close();
  }
});

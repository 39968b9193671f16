/** Long playlists over HTTP: a day of the past from store and index, and a live window of eight hours. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChunkCaps, Segment } from 'eddy/plugin';
import { SqliteIndex } from '../../plugins/index/sqlite/sqlite-index.ts';
import { FileStore } from '../../plugins/store/filesystem/file-store.ts';
import { describeGeneration, descriptionName } from '../../plugins/timeshift/ring/generation-file.ts';
import { meetBar } from '../bar.ts';
import { audioCaps, chunk, FIRST, START, videoCaps } from '../support/chunks.ts';
import { durableRing } from '../support/durable-ring.ts';
import { readMediaPlaylist } from '../support/hls-text.ts';
import { publishServer } from '../support/publish-server.ts';
import { indexedSegment } from '../support/segments.ts';

const HOUR = 3_600_000;
const TRACKS: Readonly<Record<string, ChunkCaps>> = { video: videoCaps(), audio: audioCaps() };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eddy-playlists-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Timed {
  /** From the request to the first byte of the body, ms. */
  readonly firstByte: number;
  /** Bytes of the body on the wire. */
  readonly bytes: number;
  readonly text: string;
}

/** Asks as players do, who all take gzip. */
async function timed(url: string): Promise<Timed> {
  const began = performance.now();
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get(url, { headers: { 'accept-encoding': 'gzip' } }, resolve).on('error', reject),
  );
  let firstByte = 0;
  const parts: Buffer[] = [];
  for await (const part of response as AsyncIterable<Buffer>) {
    if (parts.length === 0) firstByte = performance.now() - began;
    parts.push(part);
  }
  expect(response.statusCode).toBe(200);
  const body = Buffer.concat(parts);
  const packed = response.headers['content-encoding'] === 'gzip';
  return { firstByte, bytes: body.length, text: (packed ? gunzipSync(body) : body).toString() };
}

const p95 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1]!;
const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;

it('a day of the past', async () => {
  const index = await SqliteIndex.open(join(folder, 'index.db'), {
    onCrash: (error) => expect.fail(error.message),
    onWatcherError: () => expect.fail('a watcher failed'),
  });
  const store = new FileStore(join(folder, 'media'), { concurrency: 8 });
  await store.open();
  for (const [track, caps] of Object.entries(TRACKS)) {
    const { timescale, codecString } = caps;
    const common = { track, timescale, durationTicks: 2 * timescale, codecString };
    const rows: Segment[] = Array.from({ length: 43_200 + 60 }, (_, number) =>
      indexedSegment(number, { ...common, baseTime: number * 2 * timescale }),
    );
    const { initUrl } = rows[0]!;
    await store.put(initUrl, caps.init);
    await store.put(descriptionName(initUrl), describeGeneration(caps));
    for (let from = 0; from < rows.length; from += 1000) await index.add(rows.slice(from, from + 1000));
  }
  const ring = await durableRing({ store, index });
  const server = await publishServer({ past: ring.timeline });
  try {
    const range = (start: number): string => `start=${START + start}&end=${START + start + 24 * HOUR}`;
    const playlist = (start: number): string => `${server.url}/hls/cam1/video/range.m3u8?${range(start)}`;
    // A stretch that nobody has asked for is read from the index; then it is there for whoever comes, each by its own URLs.
    const fresh: number[] = [];
    for (let index = 0; index < 5; index += 1) fresh.push((await timed(playlist(index * 10_000))).firstByte);
    const warm: number[] = [];
    const manifests: number[] = [];
    let told: Timed | undefined;
    for (let index = 0; index < 20; index += 1) {
      warm.push((await timed(`${server.url}/hls/cam1/index.m3u8?${range(0)}`)).firstByte);
      warm.push((told = await timed(playlist(0))).firstByte);
      manifests.push((await timed(`${server.url}/dash/cam1/manifest.mpd?${range(0)}`)).firstByte);
    }
    const findings: string[] = [];
    const { segments } = readMediaPlaylist(told!.text, (finding) => findings.push(finding));
    expect(findings).toEqual([]);
    expect(segments).toHaveLength(43_200);
    const rest = `from the index p95 ${Math.round(p95(fresh))} ms; ${kilobytes(told!.bytes)} on the wire, ${kilobytes(told!.text.length)} unpacked; DASH warm p95 ${Math.round(p95(manifests))} ms`;
    meetBar({
      what: 'playlists: 24 h range, 43,200 segments of each of two tracks',
      bar: 'first byte <= 100 ms warm',
      measured: `warm p95 ${Math.round(p95(warm))} ms; ${rest}`,
      pass: p95(warm) <= 100,
    });
  } finally {
    await server.close();
    await ring.stop();
    await ring.remove();
    await index.close();
  }
});

it('a live window of eight hours', async () => {
  const server = await publishServer({ window: 8 * HOUR });
  try {
    const camera = server.open('cam1');
    const count = 4 * 3600;
    const parts = 6;
    for (const [id, caps] of Object.entries(TRACKS)) {
      const { timescale } = caps;
      const reader = camera.track(id, { ...caps, partTarget: 0.334 });
      // Until a moment within the newest segment.
      for (let number = 0; number <= count + 10; number += 1) {
        for (let part = 0; part < (number > count + 9 ? 3 : parts); part += 1) {
          const seconds = number * 2 + part / 3;
          const at = { baseTime: Math.round(seconds * timescale), startTs: START + seconds * 1000 };
          await reader.item(
            chunk(number, part, { ...at, parts, timescale, duration: timescale / 3, writer: 'w1a2b3c4' }),
          );
        }
      }
    }
    const url = `${server.url}/hls/cam1/video/live.m3u8`;
    const whole = await timed(url);
    const delta = await timed(`${url}?_HLS_skip=YES`);
    expect(/EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(whole.text)?.[1]).toBe(String(FIRST + 10));
    expect(delta.text).toContain('#EXT-X-SKIP:SKIPPED-SEGMENTS=');
    const sizes = ({ bytes, text }: Timed): string => `${kilobytes(bytes)} (${kilobytes(text.length)} unpacked)`;
    meetBar({
      what: 'playlists: live window of 8 h, 14,400 segments, parts of 333 ms',
      bar: 'delta <= 4 KB, first load size reported',
      measured: `delta ${sizes(delta)}, first load ${sizes(whole)}`,
      pass: delta.bytes <= 4096,
    });
  } finally {
    await server.close();
  }
});

/** publish.hls, publish.dash and publish.cdn in the real engine, over a store that fails and is slow when the test says so. */
import { EddyError, HttpServer, ObjectStore, Timeline, type CameraId } from 'eddy/plugin';
import {
  FakeHttpServer,
  FakeObjectStore,
  FakeTimeline,
  scriptedSource,
  serviceOf,
  type TestPipeline,
  testPipeline,
} from 'eddy/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../../core/testing/clock.ts';
import type { GraphSpec } from '../../../core/testing/graph.ts';
import cdn from '../../../plugins/publish/cdn/plugin.ts';
import dash from '../../../plugins/publish/dash/plugin.ts';
import hls from '../../../plugins/publish/hls/plugin.ts';
import type { AnyPlugin } from '../../../core/plugin/index.ts';
import { audioCaps, chunk, FIRST, segments, START, videoCaps } from '../../support/chunks.ts';
import { checkMpd } from '../../support/dash-rules.ts';
import { readMpd } from '../../support/dash-text.ts';
import { readMediaPlaylist, readMultivariant } from '../../support/hls-text.ts';
import { recordTrack } from '../../support/recorder.ts';

const DOWN = new EddyError('STORE_UNREACHABLE', 'nobody answers');
const AUDIO = { timescale: 48_000 };
const running: TestPipeline[] = [];
afterEach(async () => {
  for (const pipeline of running.splice(0)) await pipeline.stop();
});

interface Options {
  readonly store?: FakeObjectStore;
  readonly clock?: VirtualClock;
  readonly timeline?: FakeTimeline;
  readonly config?: object;
  readonly publisher?: object;
  readonly names?: readonly [string, string];
}

async function start({ names = ['hls', 'cdn'], ...options }: Options = {}) {
  const clock = options.clock ?? new VirtualClock({ now: START });
  const store = options.store ?? new FakeObjectStore(clock);
  const source = scriptedSource({ chunks: 'chunks' });
  const [first, last] = names;
  const publisher = { recording: '1h', ...options.publisher };
  const graph = (config: object): GraphSpec => ({
    cameras: { linger: 2000 },
    services: {
      http: serviceOf(HttpServer, new FakeHttpServer()),
      store: serviceOf(ObjectStore, store),
      ...(options.timeline && { timeline: serviceOf(Timeline, options.timeline) }),
    },
    stages: {
      source: source.plugin,
      [first]: { plugin: hls as unknown as AnyPlugin, config: publisher },
      dash: { plugin: dash as unknown as AnyPlugin, config: publisher },
      [last]: { plugin: cdn as unknown as AnyPlugin, config: { ...config } },
    },
    links: [
      `source.chunks -> ${first}.chunks, dash.chunks`,
      `${first}.objects -> ${last}.objects`,
      `dash.objects -> ${last}.objects`,
    ],
  });
  const pipeline = await testPipeline(graph(options.config ?? {}), { clock });
  const publish = async (cameraId = 'cam1') => {
    const publication = await source.publish(cameraId);
    const writers = [
      publication.out.chunks.addTrack('video', videoCaps()),
      publication.out.chunks.addTrack('audio', audioCaps({ init: Uint8Array.of(4, 5) })),
    ];
    return {
      /** Whole segments, of video and sound. */
      async write(from: number, to: number) {
        for (let number = from; number <= to; number += 1) {
          segments(number, number).forEach((one) => writers[0]!.write(one));
          segments(number, number, AUDIO).forEach((one) => writers[1]!.write(one));
          await settle(8);
        }
      },
      video: writers[0]!,
      end: () => publication.end(),
    };
  };
  const text = (key: string): string => Buffer.from(store.objects.get(key)!.data).toString();
  const codes = () => pipeline.events.filter(({ type }) => type === 'report').map(({ data }) => data?.code);
  running.push(pipeline);
  return { clock, store, pipeline, graph, publish, text, codes };
}

const names = (text: string): (string | undefined)[] => {
  const playlist = readMediaPlaylist(text, (finding) => expect.fail(finding));
  return playlist.segments.map(({ uri }) => uri);
};
const media = (segment: number): string => `w1.${FIRST + segment}.m4s`;

describe('files of a live camera', () => {
  it('are whole segments that HLS and DASH name alike, each once, and plain playlists', async () => {
    const { publish, store, text } = await start();
    const camera = await publish();
    await camera.write(0, 2);
    camera.video.write(chunk(3, 0));
    await settle(8);
    expect([...store.objects.keys()].filter((key) => !key.includes('.epochs')).sort()).toEqual(
      [
        ...['index.m3u8', 'manifest.mpd', 'audio/live.m3u8', 'video/live.m3u8'],
        ...['audio', 'video'].flatMap((track) => [
          `${track}/init-${FIRST}.w1.mp4`,
          ...[0, 1, 2].map((one) => `${track}/${media(one)}`),
        ]),
      ]
        .map((key) => `cdn/cam1/${key}`)
        .sort(),
    );
    expect(store.objects.get(`cdn/cam1/video/${media(1)}`)).toMatchObject({
      data: Buffer.concat(segments(1, 1).map(({ data }) => data)),
      contentType: 'video/mp4',
      cacheControl: 'public, max-age=31536000, immutable',
    });
    expect(store.objects.get('cdn/cam1/video/live.m3u8')).toMatchObject({
      contentType: 'application/vnd.apple.mpegurl',
      cacheControl: 'public, max-age=1',
    });
    const live = text('cdn/cam1/video/live.m3u8');
    expect(names(live)).toEqual([media(0), media(1), media(2)]);
    expect(live).not.toMatch(/EXT-X-(PART|SERVER-CONTROL|PRELOAD|RENDITION|ENDLIST)/);
    const uris = readMultivariant(text('cdn/cam1/index.m3u8'), (finding) => expect.fail(finding));
    expect([...uris].sort()).toEqual(['audio/live.m3u8', 'video/live.m3u8']);
    const mpd = readMpd(text('cdn/cam1/manifest.mpd'));
    expect(checkMpd(mpd)).toEqual([]);
    const manifest = text('cdn/cam1/manifest.mpd');
    expect(manifest).toContain(`media="video/w1.$Number$.m4s" startNumber="${FIRST}"`);
    expect(manifest).toMatch(/<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2026-[^"]*Z"/);
  });

  it('count on after a hole, so that no number means another segment', async () => {
    const { publish, text } = await start();
    const camera = await publish();
    await camera.write(0, 1);
    await camera.write(3, 4);
    expect(names(text('cdn/cam1/video/live.m3u8')).filter((uri) => uri !== media(2))).toHaveLength(4);
    const manifest = text('cdn/cam1/manifest.mpd');
    expect(manifest).toContain(`startNumber="${FIRST}"`);
    expect(manifest).toContain(`startNumber="${FIRST + 3}"`);
  });

  it('end with the publication, and are then told of as a whole', async () => {
    const { publish, text, store, pipeline } = await start({ publisher: { window: '10s' } });
    const camera = await publish();
    await camera.write(0, 9);
    camera.end();
    await pipeline.advance(5000);
    expect(text('cdn/cam1/video/live.m3u8')).toContain('#EXT-X-ENDLIST');
    const recording = text(`cdn/cam1/video/${START}.m3u8`);
    expect(recording).toContain('#EXT-X-PLAYLIST-TYPE:VOD');
    expect(names(recording)).toHaveLength(10);
    expect(text(`cdn/cam1/${START}.m3u8`)).toContain(`video/${START}.m3u8`);
    const mpd = text(`cdn/cam1/${START}.mpd`);
    expect(mpd).toContain('type="static"');
    expect(checkMpd(readMpd(mpd))).toEqual([]);
    expect(store.objects.get(`cdn/cam1/${START}.mpd`)?.cacheControl).toBe('public, max-age=3600');
  });

  it('do not end with the pipeline: its next run goes on', async () => {
    const { publish, text, pipeline } = await start();
    await (await publish()).write(0, 2);
    await pipeline.stop();
    expect(text('cdn/cam1/video/live.m3u8')).not.toContain('ENDLIST');
  });

  it('of a long publication are told of as often as a recording is full', async () => {
    const { publish, text, store } = await start({ publisher: { recording: '1m' } });
    await (await publish()).write(0, 32);
    expect(names(text(`cdn/cam1/video/${START}.m3u8`))).toHaveLength(30);
    expect([...store.objects.keys()].filter((key) => /\/\d+\.mpd$/.test(key))).toHaveLength(1);
  });
});

/** A store that writes down in which order keys were put. */
function logged(clock: VirtualClock) {
  const store = new FakeObjectStore(clock);
  const order: string[] = [];
  const put = store.put.bind(store);
  const busy = new Map<string, number>();
  const overlaps: string[] = [];
  store.put = async (key, data, options) => {
    busy.set(key, (busy.get(key) ?? 0) + 1);
    if (busy.get(key)! > 1) overlaps.push(key);
    try {
      await put(key, data, options);
      order.push(key);
    } finally {
      busy.set(key, busy.get(key)! - 1);
    }
  };
  return { store, order, overlaps };
}

describe('pushing', () => {
  it('puts media before what names it, one write of a playlist at a time, through slowness and an outage', async () => {
    const clock = new VirtualClock({ now: START });
    const { store, order, overlaps } = logged(clock);
    const { publish, text, codes, pipeline } = await start({ store, clock });
    const camera = await publish();
    store.slow(700);
    const named: string[] = [];
    const put = store.put.bind(store);
    // Every playlist is looked at when it is there: all that it names must be.
    store.put = async (key, data, options) => {
      await put(key, data, options);
      if (!key.endsWith('live.m3u8')) return;
      for (const uri of names(Buffer.from(data).toString())) {
        const needed = key.replace('live.m3u8', uri!);
        if (!store.objects.has(needed)) named.push(needed);
      }
    };
    for (let number = 0; number < 30; number += 1) {
      if (number === 5) store.fail(DOWN);
      if (number === 20) store.fail(undefined);
      await camera.write(number, number);
      await pipeline.advance(2000);
    }
    await pipeline.advance(20_000);
    expect(named).toEqual([]);
    expect(overlaps).toEqual([]);
    expect(names(text('cdn/cam1/video/live.m3u8')).at(-1)).toBe(media(29));
    const pushed = order.filter((key) => key.startsWith('cdn/cam1/video/w1.'));
    expect(pushed).toEqual([...pushed].sort());
    expect(pushed).toHaveLength(30);
    expect(codes()).toEqual(['publish.cdn/STORE_DOWN']);
    expect(await pipeline.metric('cdn_waiting_objects')).toBe(0);
    expect(await pipeline.metric('cdn_up')).toBe(1);
  });

  it('reads media from the timeline that memory could not hold during an outage', async () => {
    const timeline = new FakeTimeline();
    const { publish, store, pipeline, codes } = await start({ timeline, config: { memory: '1MiB' } });
    const camera = await publish();
    const recorder = recordTrack(timeline, 'cam1' as CameraId, 'video', videoCaps());
    await camera.write(0, 0);
    store.fail(DOWN);
    const data = new Uint8Array(400_000).fill(7);
    for (let number = 1; number <= 6; number += 1) {
      const one = chunk(number, 0, { parts: 1, duration: 180_000, data });
      void recorder.item(one);
      camera.video.write(one);
      await settle(8);
    }
    expect(await pipeline.metric('cdn_waiting_bytes')).toBeLessThanOrEqual(1024 * 1024);
    store.fail(undefined);
    await pipeline.advance(6000);
    for (let number = 1; number <= 6; number += 1)
      expect(store.objects.get(`cdn/cam1/video/${media(number)}`)?.bytes).toBe(data.length);
    expect(codes()).toEqual(['publish.cdn/STORE_DOWN']);
  });

  it('tells of media that nobody can read again, and goes on without it', async () => {
    const { publish, store, pipeline, codes, text } = await start({ config: { memory: '1MiB' } });
    const camera = await publish();
    await camera.write(0, 0);
    store.fail(DOWN);
    const data = new Uint8Array(400_000).fill(7);
    for (let number = 1; number <= 6; number += 1) {
      camera.video.write(chunk(number, 0, { parts: 1, duration: 180_000, data }));
      await settle(8);
    }
    store.fail(undefined);
    await pipeline.advance(6000);
    expect(store.objects.has(`cdn/cam1/video/${media(1)}`)).toBe(false);
    expect(store.objects.has(`cdn/cam1/video/${media(6)}`)).toBe(true);
    expect(names(text('cdn/cam1/video/live.m3u8')).at(-1)).toBe(media(6));
    expect(codes()).toEqual(['publish.cdn/STORE_DOWN', 'publish.cdn/MEDIA_LOST']);
    expect(await pipeline.metric('cdn_lost_total')).toBe(4);
  });

  it('begins anew with all that is listed when it is restarted', async () => {
    const { publish, store, pipeline, graph, text } = await start();
    const camera = await publish();
    await camera.write(0, 2);
    store.objects.clear();
    await pipeline.apply(graph({ prefix: 'other' }));
    await camera.write(3, 3);
    expect(names(text('other/cam1/video/live.m3u8'))).toEqual([media(0), media(1), media(2), media(3)]);
    for (let number = 0; number < 4; number += 1)
      expect(store.objects.has(`other/cam1/video/${media(number)}`)).toBe(true);
    expect(text('other/cam1/index.m3u8')).toContain('video/live.m3u8');
  });
});

describe('fencing', () => {
  it('a writer that began later has the say; the one before stops, and overwrites nothing', async () => {
    const clock = new VirtualClock({ now: START });
    const store = new FakeObjectStore(clock);
    const old = await start({ store, clock, names: ['hls', 'cdn'] });
    const held = await old.publish();
    await held.write(0, 1);
    await clock.advance(2000);
    const young = await start({ store, clock });
    const camera = await young.publish();
    await camera.write(2, 3);
    await clock.advance(2000);
    const playlist = young.text('cdn/cam1/video/live.m3u8');
    await held.write(2, 6);
    await clock.advance(2000);
    expect(young.text('cdn/cam1/video/live.m3u8')).toBe(playlist);
    expect(old.codes()).toEqual(['publish.cdn/FENCED']);
    expect(old.pipeline.camera('cam1')?.findings).toMatchObject([{ code: 'publish.cdn/FENCED', stage: 'cdn' }]);
    expect(young.codes()).toEqual([]);
  });

  it('writes its playlists again after the time that a late write of the one before may take', async () => {
    const { publish, store, pipeline, text } = await start();
    await (await publish()).write(0, 1);
    await pipeline.advance(1000);
    const own = text('cdn/cam1/video/live.m3u8');
    await store.put('cdn/cam1/video/live.m3u8', Buffer.from('late'), { overwrite: true });
    await pipeline.advance(16_000);
    expect(text('cdn/cam1/video/live.m3u8')).toBe(own);
  });

  it('a camera that comes back to the process is pushed again', async () => {
    const { publish, store, pipeline, text } = await start();
    const camera = await publish();
    await camera.write(0, 1);
    await store.put(`cdn/.epochs/cam1/${String(START * 2).padStart(15, '0')}-other`, Buffer.from(''));
    await pipeline.advance(2000);
    await camera.write(2, 3);
    expect(names(text('cdn/cam1/video/live.m3u8'))).toHaveLength(2);
    camera.end();
    await pipeline.advance(5000);
    const again = await publish();
    await again.write(10, 11);
    expect(names(text('cdn/cam1/video/live.m3u8')).at(-1)).toBe(media(11));
  });
});

describe('retention', () => {
  it('deletes what is too old, and no init segment that media still needs', async () => {
    const { publish, store, pipeline } = await start({ publisher: { window: '10s' }, config: { retain: '5m' } });
    for (const number of [1, 2, 3]) await store.put(`cdn/old/video/w0.${number}.m4s`, Buffer.from('x'));
    await store.put('cdn/old/video/init-1.w0.mp4', Buffer.from('x'));
    await store.put('cdn/old/video/live.m3u8', Buffer.from('x'));
    await store.put(`cdn/old/${START}.m3u8`, Buffer.from('x'));
    await store.put('elsewhere/w0.1.m4s', Buffer.from('x'));
    // Of another process: it pushes on, and this one does not know what its playlists name.
    for (const number of [1, 5, 12]) await store.put(`cdn/far/video/init-${number}.w0.mp4`, Buffer.from('x'));
    const camera = await publish();
    for (let number = 0; number < 240; number += 1) {
      if (number === 100) await store.put('cdn/far/video/w0.9.m4s', Buffer.from('x'));
      await camera.write(number, number);
      await pipeline.advance(2000);
    }
    const keys = [...store.objects.keys()];
    expect(keys.filter((key) => key.startsWith('cdn/old/'))).toEqual([]);
    expect(keys).toContain('elsewhere/w0.1.m4s');
    expect(keys.filter((key) => key.startsWith('cdn/far/')).sort()).toEqual(
      ['init-12.w0.mp4', 'init-5.w0.mp4', 'w0.9.m4s'].map((name) => `cdn/far/video/${name}`),
    );
    expect(keys).toContain(`cdn/cam1/video/init-${FIRST}.w1.mp4`);
    expect(keys).toContain('cdn/cam1/index.m3u8');
    expect(keys).not.toContain(`cdn/cam1/video/${media(10)}`);
    expect(keys).toContain(`cdn/cam1/video/${media(120)}`);
  });
});

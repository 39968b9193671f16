import { describe, expect, it } from 'vitest';
import {
  FakeAuthorizer,
  FakeMediaHosts,
  FakeObjectStore,
  FakeSegmentIndex,
  FakeTimeline,
  syntheticChunks,
  syntheticVideo,
  VirtualClock,
} from '../../../core/testing/index.ts';
import { segmentName, type CameraId, type Segment } from '../../../core/model/index.ts';

const cam = 'cam1' as CameraId;
const bytes = (...data: number[]): Uint8Array => Uint8Array.from(data);

describe('FakeObjectStore', () => {
  it('keeps immutable objects under valid keys, listed in order', async () => {
    const clock = new VirtualClock({ now: 5000 });
    const store = new FakeObjectStore(clock);
    const data = bytes(1, 2, 3, 4);
    await store.put('b/2.m4s', data, { contentType: 'video/mp4' });
    data[0] = 9;
    await store.put('a/1.m4s', bytes(7));
    expect(await store.get('b/2.m4s')).toEqual(bytes(1, 2, 3, 4));
    expect(await store.get('b/2.m4s', { start: 1, end: 3 })).toEqual(bytes(2, 3));
    expect(await store.head('b/2.m4s')).toEqual({ key: 'b/2.m4s', bytes: 4, storedAt: 5000 });
    expect((await store.list('')).map(({ key }) => key)).toEqual(['a/1.m4s', 'b/2.m4s']);
    await expect(store.put('a/1.m4s', bytes(8))).rejects.toMatchObject({ code: 'STORE_EXISTS' });
    await store.put('a/1.m4s', bytes(8), { overwrite: true });
    await store.delete(['a/1.m4s', 'nothing']);
    await expect(store.get('a/1.m4s')).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
    for (const key of ['', '/a', 'a//b', 'a/../b', 'a b', 'x'.repeat(513)])
      await expect(store.put(key, data), key).rejects.toMatchObject({ code: 'STORE_KEY_INVALID' });
  });

  it('is slow and fails when told', async () => {
    const clock = new VirtualClock();
    const store = new FakeObjectStore(clock);
    store.slow(1000);
    let stored = false;
    void store.put('a', bytes(1)).then(() => (stored = true));
    await clock.advance(999);
    expect(stored).toBe(false);
    await clock.advance(1);
    expect(stored).toBe(true);
    store.fail(new Error('full'));
    await expect(store.get('a')).rejects.toThrow('full');
  });
});

/** Segment `n`, of two seconds. */
function segment(n: number, track = 'video'): Segment {
  const name = { startTs: n * 2000, number: n, writer: 'w' };
  return {
    ...name,
    ...{
      id: `cam1/${track}/${segmentName(name)}`,
      cameraId: 'cam1',
      track,
      duration: 2000,
      url: segmentName(name),
      initUrl: 'x/init-0.w.mp4',
    },
    ...{ bytes: 1, timescale: 1000, baseTime: n * 2000, durationTicks: 2000, discontinuity: false, independent: true },
    codecString: 'avc1.42c01e',
  };
}

describe('FakeSegmentIndex', () => {
  it('adds once, finds what overlaps, reserves numbers once, tells watchers', async () => {
    const index = new FakeSegmentIndex();
    const seen: number[] = [];
    const stop = index.watch(cam, ({ number }) => seen.push(number));
    await index.add([segment(1), segment(0), segment(1)]);
    await index.add([segment(1), segment(3), segment(1, 'audio')]);
    stop();
    await index.add([segment(4)]);
    expect([seen, index.watchers]).toEqual([[1, 0, 3, 1], 0]);
    expect((await index.range(cam, { start: 1999, end: 2001 }, 'video')).map(({ number }) => number)).toEqual([0, 1]);
    expect((await index.range(cam, { start: 2000, end: 4000 })).map(({ track }) => track)).toEqual(['audio', 'video']);
    expect((await index.latest(cam))?.number).toBe(4);
    expect(await index.reserve(cam, 10, 5)).toBe(10);
    expect(await index.reserve(cam, 12, 5)).toBe(15);
    await index.addGap(cam, { start: 4000, end: 6000, cause: 'crash' });
    expect(await index.spans(cam, { start: 1000, end: 9000 })).toEqual([
      { kind: 'media', start: 1000, end: 4000 },
      { kind: 'gap', start: 4000, end: 6000, cause: 'crash' },
      { kind: 'media', start: 6000, end: 9000 },
    ]);
    await index.delete([segment(4).id]);
    expect(await index.cameras()).toEqual([cam]);
  });
});

describe('FakeTimeline', () => {
  it('holds what it is given', async () => {
    const timeline = new FakeTimeline();
    const { caps } = syntheticChunks();
    timeline.put(segment(0), bytes(1), caps);
    timeline.put(segment(1), bytes(2), caps);
    timeline.gap(cam, { start: 4000, end: 7000, cause: 'publisher-lost' });
    expect(await timeline.tracks(cam)).toEqual([{ track: 'video', init: 'init-0.w.mp4', caps }]);
    expect(await timeline.read(cam, 'video', segmentName(segment(1)))).toEqual(bytes(2));
    expect(await timeline.init(cam, 'video', 'init-0.w.mp4')).toBe(caps.init);
    expect(await timeline.segments(cam, { start: 2000, end: 2001 })).toEqual([segment(1)]);
    expect(await timeline.spans(cam, { start: 0, end: 5000 })).toEqual([
      { kind: 'media', start: 0, end: 4000 },
      { kind: 'gap', start: 4000, end: 5000, cause: 'publisher-lost' },
    ]);
    expect(await timeline.tracks('nobody' as CameraId)).toEqual([]);
  });
});

describe('FakeMediaHosts', () => {
  it('plays frames in order, holds back while the plugin works, and ends as told', async () => {
    const hosts = new FakeMediaHosts();
    const { caps, frame } = syntheticVideo();
    hosts.script((host) => void host.emit('out', caps, frame(0)));
    const host = await hosts.launch({
      label: 'x',
      launch: '{in:a} ! y ! {out:out}',
      inputs: [{ name: 'a', caps }],
      outputs: [{ name: 'out' }],
    });
    const fake = hosts.hosts[0]!;
    const seen: number[] = [];
    let finish = (): void => {};
    host.onFrame(({ unit }) => {
      seen.push(unit.dts);
      return new Promise((resolve) => (finish = resolve));
    });
    void fake.emit('out', caps, frame(1));
    await new Promise(setImmediate);
    expect(seen).toEqual([0]);
    finish();
    await new Promise(setImmediate);
    expect(seen).toEqual([0, 3600]);
    finish();
    expect(host.write('a', frame(5))).toBe(true);
    fake.fill('a');
    expect(host.write('a', frame(6))).toBe(false);
    const drained = host.drained('a');
    fake.drain('a');
    await drained;
    expect(fake.written.get('a')).toHaveLength(2);
    fake.end({ cause: 'crashed', message: 'boom' });
    expect(await host.ended).toEqual({ cause: 'crashed', message: 'boom' });
    expect([hosts.running, host.write('a', frame(7))]).toEqual([[], true]);
    await host.close();
  });

  it('misses elements and fails when told', async () => {
    const hosts = new FakeMediaHosts();
    hosts.missing.add('x264enc');
    expect(await hosts.hasElement('x264enc')).toBe(false);
    await expect(hosts.launch({ label: 'x', launch: 'a ! x264enc ! {out:o}' })).rejects.toMatchObject({
      name: 'EddyError',
    });
    hosts.fail(new Error('no memory'));
    await expect(hosts.launch({ label: 'x', launch: 'a' })).rejects.toThrow('no memory');
  });
});

describe('FakeAuthorizer', () => {
  it('refuses what it is told, by action and camera, and cannot tell when told', async () => {
    const authorizer = new FakeAuthorizer();
    const ask = (action: 'watch' | 'publish', cameraId = cam) =>
      authorizer.authorize({ action, cameraId, credentials: {}, peer: { address: '::1', protocol: 'x' } });
    authorizer.refuse({ action: 'watch', cameraId: 'cam1' });
    expect((await ask('watch')).allowed).toBe(false);
    expect((await ask('publish')).allowed).toBe(true);
    expect((await ask('watch', 'cam2' as CameraId)).allowed).toBe(true);
    authorizer.fail();
    await expect(ask('publish')).rejects.toThrow('out of order');
    expect(authorizer.asked).toHaveLength(4);
  });
});

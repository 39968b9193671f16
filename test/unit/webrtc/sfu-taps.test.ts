/** `webrtc.sfu`: WebRTC cameras, to viewers as they are and to packagers as frames. */
import { afterEach, describe, expect, it } from 'vitest';
import { writeRtp } from '../../../core/media/index.ts';
import type { RtpCaps, RtpHandle } from '../../../core/model/index.ts';
import { conformance, harness, type Harness } from '../../../core/testing/index.ts';
import sfu, { type manifest } from '../../../plugins/webrtc/sfu/plugin.ts';
import { vp8Payloads } from '../../support/rtp-payloads.ts';
import { FakeRtpRouters, handleOf, pictures, RtpSource, sounds, type FakeTap } from './sfu-fakes.ts';

let h: Harness<typeof manifest> | undefined;
afterEach(async () => {
  const running = h;
  h = undefined;
  await running?.close();
});

const capsOf = (handle: RtpHandle, codec: RtpCaps['codec'] = handle.kind === 'video' ? 'h264' : 'opus'): RtpCaps => ({
  kind: handle.kind,
  codec,
  clockRate: handle.rtpParameters.codecs[0]!.clockRate,
  layers: handle.rtpParameters.encodings!.length,
});

async function start(unwanted: readonly string[] = [], config = {}) {
  const routers = new FakeRtpRouters();
  h = await harness(sfu, { services: { routers }, unwanted, config });
  const camera = await h.camera('cam1').publish();
  const announce = async (handle: RtpHandle, codec?: RtpCaps['codec']) => {
    const track = camera.out.rtp.addTrack(handle.kind, capsOf(handle, codec));
    track.write(handle);
    await h!.settle();
    return track;
  };
  return { h, routers, camera, announce };
}

const tapOf = (routers: FakeRtpRouters, kind: string): FakeTap =>
  routers.taps.findLast(({ handle, ended }) => handle.kind === kind && !ended)!;

const bytesOf = (units: readonly { data: Uint8Array }[]): string[] =>
  units.map(({ data }) => Buffer.from(data).toString('hex'));

describe('handles', () => {
  it('go to viewers as they are; nobody is tapped before frames are wanted, nor after', async () => {
    const { h, routers, announce } = await start(['video', 'audio']);
    const handle = handleOf('video', [1]);
    const track = await announce(handle);
    expect(h.out.out.items('cam1')).toEqual([handle]);
    expect(h.out.out.tracks('cam1')).toMatchObject([{ id: 'video', caps: capsOf(handle) }]);
    expect(routers.taps).toEqual([]);
    h.out.video.want(true);
    await h.settle();
    expect(routers.taps).toMatchObject([{ handle, ended: undefined }]);
    h.out.video.want(false);
    await h.settle();
    expect(routers.taps).toMatchObject([{ ended: 'closed' }]);
    track.end('publisher-ended');
    await h.settle();
    expect(h.out.out.tracks('cam1')).toMatchObject([{ ended: 'publisher-ended' }]);
  });

  it('another one in the same track takes the place of the one before, once', async () => {
    const { h, routers, announce } = await start();
    const track = await announce(handleOf('video', [1]));
    track.write(handleOf('video', [1]));
    track.write(handleOf('video', [2]));
    await h.settle();
    expect(routers.taps.map(({ handle, ended }) => [handle.producerId, ended])).toEqual([
      ['video-1', 'closed'],
      ['video-2', undefined],
    ]);
  });
});

describe('frames', () => {
  it('every layer becomes a track, the highest first, all of them and the sound on one timeline and clock', async () => {
    const { h, routers, announce } = await start();
    const sizes = [
      { ssrc: 11, start: 4_000_000_000, width: 320, height: 180 },
      { ssrc: 12, start: 77, width: 640, height: 360 },
      { ssrc: 13, start: 123_456_789, width: 1280, height: 720 },
    ];
    const layers = sizes.map(({ ssrc, start, width, height }) => {
      const stream = pictures({ width, height });
      return { stream, rtp: new RtpSource('video', stream.caps, ssrc, start) };
    });
    const sound = sounds();
    const audio = new RtpSource('audio', sound.caps, 21, 4_294_000_000);
    await announce(handleOf('audio', [21]));
    await announce(handleOf('video', [11, 12, 13]));
    const [video, voice] = [tapOf(routers, 'video'), tapOf(routers, 'audio')];
    const epoch = h.clock.now();
    for (let ms = 0; ms < 4000; ms += 20) {
      if (ms % 40 === 0) {
        for (const [i, { stream, rtp }] of layers.entries()) {
          // The higher layers begin later, and each has its own way of being late.
          if (ms < i * 400) continue;
          video.deliver(rtp.packets(stream.frame((ms - i * 400) / 40), ms));
          if (ms === i * 400 + 480) video.report(rtp.ssrc, 7_000_000 + ms, rtp.timestamp(ms));
        }
      }
      voice.deliver(audio.packets(sound.frame(ms / 20), ms));
      if (ms === 2500) voice.report(21, 7_000_000 + ms, audio.timestamp(ms));
      await h.advance(20);
    }
    const tracks = [...h.out.video.tracks('cam1'), ...h.out.audio.tracks('cam1')];
    expect(tracks.map(({ id, caps }) => [id, caps.kind === 'video' ? caps.height : caps.kind])).toEqual([
      ['video-2', 180],
      ['video-1', 360],
      ['video', 720],
      ['audio', 'audio'],
    ]);
    expect(new Set(tracks.map(({ track }) => track.clock)).size).toBe(1);
    // Where each track's first frame lies in server time: exactly as far apart as their moments.
    const begins = tracks.map(({ items, track, caps }) => track.clock.toWall(items[0]!.pts, caps.timescale)! - epoch);
    expect(begins.map((begin) => begin - begins[0]!)).toEqual([
      0,
      expect.closeTo(400, 1),
      expect.closeTo(800, 1),
      expect.closeTo(0, 1),
    ]);
    expect(Math.abs(begins[0]!)).toBeLessThan(1);
    for (const [i, { stream }] of layers.entries()) {
      const { items } = tracks[i]!;
      expect(bytesOf(items)).toEqual(bytesOf(items.map((_, n) => stream.frame(n))));
      expect(items.slice(1).map(({ dts }, n) => dts - items[n]!.dts)).toEqual(items.slice(1).map(() => 3600));
    }
    expect(bytesOf(tracks[3]!.items)).toEqual(bytesOf(tracks[3]!.items.map((_, n) => sound.frame(n))));
    expect(tracks.map(({ items }) => items.length)).toEqual([100, 90, 80, 200]);
    // Pictures of 40 ms were never held for long, though their layers waited for reports.
    expect(h.logs.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  it('another picture size is a new track that replaces', async () => {
    const { h, routers, announce } = await start();
    await announce(handleOf('video', [1]));
    const [small, large] = [pictures(), pictures({ width: 640, height: 480 })];
    const rtp = new RtpSource('video', small.caps, 1, 0);
    for (let i = 0; i < 10; i++) tapOf(routers, 'video').deliver(rtp.packets(small.frame(i), i * 40));
    rtp.change(large.caps);
    for (let i = 0; i < 10; i++) tapOf(routers, 'video').deliver(rtp.packets(large.frame(i), 400 + i * 40));
    await h.settle();
    expect(h.out.video.tracks('cam1')).toMatchObject([
      { id: 'video', caps: { width: 320 }, ended: 'replaced' },
      { id: 'video', caps: { width: 640 }, replaces: 'video', ended: undefined },
    ]);
    expect(h.out.video.tracks('cam1').map(({ items }) => items.length)).toEqual([10, 10]);
  });

  it('loss costs the frames up to the next key frame, which is asked for of that layer', async () => {
    const { h, routers, announce } = await start([], { wait: '100ms' });
    await announce(handleOf('video', [1, 2]));
    const stream = pictures();
    const rtp = new RtpSource('video', stream.caps, 2, 0);
    const tap = tapOf(routers, 'video');
    const late: Uint8Array[] = [];
    for (let i = 0; i < 60; i++) {
      const packets = rtp.packets(stream.frame(i), i * 40);
      if (i === 5) late.push(...packets);
      else if (i !== 30) tap.deliver(packets);
      if (i === 6) tap.deliver(late);
      await h.advance(40);
    }
    const items = h.out.video.items('cam1');
    const sent = [...Array.from({ length: 30 }, (_, i) => i), ...Array.from({ length: 10 }, (_, i) => 50 + i)];
    expect(bytesOf(items)).toEqual(bytesOf(sent.map((i) => stream.frame(i))));
    expect(tap.asked).toEqual([2, 2]);
    expect(await h.metric('sfu_packets_lost_total')).toBe(1);
  });

  it('all layers are asked for a key frame at once, a segment after the last one, and only then', async () => {
    const { h, routers, announce } = await start();
    await announce(handleOf('video', [1, 2]));
    const stream = pictures({ gop: 1000 });
    const sources = [1, 2].map((ssrc) => new RtpSource('video', stream.caps, ssrc, 0));
    const tap = tapOf(routers, 'video');
    const asked: number[] = [];
    let keyAt = 0;
    for (let ms = 0; ms < 9000; ms += 40) {
      const before = tap.asked.length;
      const unit = ms === keyAt ? stream.frame(0) : stream.frame(1 + ms / 40);
      for (const source of sources) tap.deliver(source.packets(unit, ms));
      if (ms === 480) for (const ssrc of [1, 2]) tap.report(ssrc, 5000, sources[0]!.timestamp(ms));
      if (tap.asked.length > before) {
        asked.push(ms);
        keyAt = ms + 80;
      }
      await h.advance(40);
    }
    // As asked for 80 ms before each key frame.
    expect(asked).toEqual([2000, 4080, 6160, 8240]);
    expect(tap.asked).toEqual(['all', 'all', 'all', 'all']);
    expect(await h.metric('sfu_key_frame_requests_total')).toBe(8);
  });

  it('a publisher with key frames of its own is never asked', async () => {
    const { h, routers, announce } = await start();
    await announce(handleOf('video', [1]));
    const stream = pictures({ gop: 50 });
    const rtp = new RtpSource('video', stream.caps, 1, 0);
    const tap = tapOf(routers, 'video');
    for (let i = 0; i < 300; i++) tap.deliver(rtp.packets(stream.frame(i), i * 40));
    await h.settle();
    expect(h.out.video.items('cam1')).toHaveLength(300);
    expect(tap.asked).toEqual([]);
  });

  it('a layer that stops has a gap, and comes back with its next key frame', async () => {
    const { h, routers, announce } = await start();
    await announce(handleOf('video', [1]));
    const stream = pictures();
    const rtp = new RtpSource('video', stream.caps, 1, 0);
    const epoch = h.clock.now();
    for (let i = 0; i < 150; i++) {
      if (i < 50 || i >= 100) tapOf(routers, 'video').deliver(rtp.packets(stream.frame(i), i * 40));
      await h.advance(40);
    }
    const gaps = h.out.video.events('cam1').filter(({ type }) => type === 'gap');
    expect(gaps).toEqual([
      {
        type: 'gap',
        from: expect.closeTo(epoch + 1960, 0),
        to: expect.closeTo(epoch + 4000, 0),
        cause: 'publisher-lost',
      },
    ]);
    expect(h.out.video.items('cam1')).toHaveLength(100);
  });

  it('B-frames are found, told of once, and not offered to viewers; recording goes on', async () => {
    const { h, routers, announce } = await start();
    const track = await announce(handleOf('video', [1]));
    const stream = pictures();
    // Its clock wraps among them.
    const rtp = new RtpSource('video', stream.caps, 1, 2 ** 32 - 40_000);
    const shown = (i: number): number => (i === 0 ? 0 : i % 3 === 1 ? i + 2 : i - 1);
    for (let i = 0; i < 30; i++) {
      tapOf(routers, 'video').deliver(rtp.packets(stream.frame(i), shown(i) * 40));
      await h.advance(40);
    }
    expect(h.reports).toMatchObject([{ code: 'webrtc.sfu/B_FRAMES', cameraId: 'cam1' }]);
    expect(h.out.out.tracks('cam1')).toMatchObject([{ ended: 'failed' }]);
    const items = h.out.video.items('cam1');
    expect(items).toHaveLength(30);
    expect(items.map(({ pts }) => (pts - items[0]!.pts) / 3600)).toEqual(items.map((_, i) => shown(i)));
    track.end('publisher-ended');
    await h.settle();
    expect(h.out.out.tracks('cam1')).toHaveLength(1);
  });

  it('one step back in time is no B-frame', async () => {
    const { h, routers, announce } = await start();
    await announce(handleOf('video', [1]));
    const stream = pictures();
    const rtp = new RtpSource('video', stream.caps, 1, 0);
    for (let i = 0; i < 60; i++) {
      tapOf(routers, 'video').deliver(rtp.packets(stream.frame(i), i * 40 - (i === 20 ? 60 : 0)));
      await h.advance(40);
    }
    expect(h.reports).toEqual([]);
    expect(h.out.out.tracks('cam1')).toMatchObject([{ ended: undefined }]);
  });

  it('capture time goes along where the publisher tells it, and is ignored where it cannot be', async () => {
    const { h, routers, announce } = await start();
    const handle = handleOf('audio', [5]);
    const uri = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
    await announce({ ...handle, rtpParameters: { ...handle.rtpParameters, headerExtensions: [{ uri, id: 9 }] } });
    const ntp = (epochMs: number): Uint8Array => {
      const data = new Uint8Array(8);
      new DataView(data.buffer).setBigUint64(
        0,
        (BigInt(Math.round((epochMs / 1000 + 2_208_988_800) * 1000)) * 2n ** 32n) / 1000n,
      );
      return data;
    };
    const now = h.clock.now();
    const captured = [now - 30, now - 60_000, undefined];
    for (const [i, at] of captured.entries()) {
      const head = { marker: true, payloadType: 96, sequence: i, timestamp: i * 960, ssrc: 5 };
      const packet = at === undefined ? head : { ...head, extensions: [{ id: 9, data: ntp(at) }] };
      tapOf(routers, 'audio').deliver([writeRtp(packet, sounds().frame(i).data)]);
    }
    await h.advance(1500);
    const items = h.out.audio.items('cam1');
    expect(items.map(({ capturedAt }) => capturedAt)).toEqual([expect.closeTo(now - 30, 1), undefined, undefined]);
  });

  it('VP8 comes as VP8, which packagers refuse by its caps', async () => {
    const { h, routers, announce } = await start();
    await announce(handleOf('video', [1], 'video/VP8'), 'vp8');
    const key = Uint8Array.from([
      0x10,
      0,
      0,
      0x9d,
      0x01,
      0x2a,
      0x80,
      0x02,
      0xe0,
      0x01,
      ...new Array<number>(500).fill(7),
    ]);
    const packets = vp8Payloads(key, 200).map((payload, i, all) =>
      writeRtp({ marker: i === all.length - 1, payloadType: 96, sequence: i, timestamp: 0, ssrc: 1 }, payload),
    );
    tapOf(routers, 'video').deliver(packets);
    await h.settle();
    expect(h.out.video.tracks('cam1')).toMatchObject([{ caps: { codec: 'vp8', width: 640, height: 480 } }]);
    expect(bytesOf(h.out.video.items('cam1'))).toEqual(bytesOf([{ data: key }]));
  });

  it('when a worker dies the tap is opened again, and the tracks begin anew', async () => {
    const { h, routers, announce } = await start();
    await announce(handleOf('video', [1]));
    const stream = pictures();
    const rtp = new RtpSource('video', stream.caps, 1, 0);
    const feed = async (from: number): Promise<void> => {
      for (let i = from; i < from + 25; i++) {
        tapOf(routers, 'video').deliver(rtp.packets(stream.frame(i), i * 40));
        await h.advance(40);
      }
    };
    await feed(0);
    routers.refusals.push(new Error('no worker yet'));
    tapOf(routers, 'video').end('worker-died');
    await h.advance(1000);
    await feed(50);
    expect(h.out.video.tracks('cam1')).toMatchObject([{ ended: 'failed' }, { replaces: 'video', ended: undefined }]);
    expect(h.out.video.tracks('cam1').map(({ items }) => items.length)).toEqual([25, 25]);
  });

  it('a stream whose producer has gone is not asked for again', async () => {
    const { h, routers, announce } = await start();
    await announce(handleOf('video', [1]));
    tapOf(routers, 'video').end('producer-closed');
    await h.advance(10_000);
    expect(routers.taps).toHaveLength(1);
  });

  it('nonsense in packets is told once and harms nothing', async () => {
    const { h, routers, announce } = await start();
    await announce(handleOf('video', [1]));
    const stream = pictures();
    const rtp = new RtpSource('video', stream.caps, 1, 0);
    const tap = tapOf(routers, 'video');
    tap.deliver([Uint8Array.of(1, 2, 3), new Uint8Array(20)]);
    for (let i = 0; i < 10; i++) tap.deliver(rtp.packets(stream.frame(i), i * 40));
    await h.settle();
    expect(h.out.video.items('cam1')).toHaveLength(10);
    expect(h.reports).toMatchObject([{ code: 'webrtc.sfu/BAD_MEDIA' }]);
  });
});

describe('every plugin must hold', () => {
  const checks = conformance(sfu, { services: () => ({ routers: new FakeRtpRouters() }) });
  it.each(checks.map(({ name, run }) => [name, run] as const))('%s', async (_, run) => run());
});

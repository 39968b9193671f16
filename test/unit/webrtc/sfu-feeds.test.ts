/** `webrtc.sfu`: cameras that come as frames, to WebRTC viewers. */
import { afterEach, describe, expect, it } from 'vitest';
import { FrameReader, parseRtcp, readNtp, rtpExtension, type RtpPacket } from '../../../core/media/index.ts';
import type { AccessUnit } from '../../../core/plugin/index.ts';
import {
  capturingSink,
  harness,
  scriptedSource,
  serviceOf,
  testPipeline,
  type Harness,
} from '../../../core/testing/index.ts';
import { RtpRouters } from '../../../core/contracts/index.ts';
import sfu, { type manifest } from '../../../plugins/webrtc/sfu/plugin.ts';
import { FakeRtpRouters, pictures, sounds } from './sfu-fakes.ts';

let h: Harness<typeof manifest> | undefined;
afterEach(async () => {
  const running = h;
  h = undefined;
  await running?.close();
});

async function start(unwanted: readonly string[] = []) {
  const routers = new FakeRtpRouters();
  h = await harness(sfu, { services: { routers }, unwanted });
  return { h, routers };
}

/** What a viewer would decode. */
function framesOf(codec: 'h264' | 'opus', packets: readonly RtpPacket[]) {
  const frames: { data: Uint8Array; key: boolean; timestamp: number }[] = [];
  const reader = new FrameReader(
    codec,
    { wait: 0 },
    {
      frame: ({ data, key }, timestamp) => void frames.push({ data, key, timestamp }),
      keyFrameNeeded: () => undefined,
      lost: () => expect.unreachable(),
    },
  );
  for (const packet of packets) reader.push(packet, 0);
  return frames;
}

const bytesOf = (units: readonly { data: Uint8Array }[]): string[] =>
  units.map(({ data }) => Buffer.from(data).toString('hex'));

describe('frames to viewers', () => {
  it('a camera is announced at once, and nothing is done before somebody watches', async () => {
    const { h, routers } = await start(['out', 'video', 'audio']);
    const camera = await h.camera('cam1').publish();
    const video = camera.video(pictures().caps);
    for (let i = 0; i < 30; i++) video.write(pictures().frame(i));
    await h.settle();
    expect(h.out.out.tracks('cam1')).toMatchObject([
      { id: 'video', caps: { kind: 'video', codec: 'h264' }, items: [] },
    ]);
    expect(routers.feeds).toEqual([]);
    h.out.out.want(true);
    await h.settle();
    expect(routers.feeds).toMatchObject([{ cameraId: 'cam1', kind: 'video', ended: undefined }]);
    expect(h.out.out.items('cam1').at(-1)).toEqual({
      ...routers.feeds[0]!.handle,
      lines: [expect.any(Number)],
      timedFrom: 'ingest',
    });
    expect(routers.feeds[0]!.rtpParameters.codecs[0]).toMatchObject({
      mimeType: 'video/H264',
      parameters: { 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1, 'packetization-mode': 1 },
    });
    h.out.out.want(false);
    await h.settle();
    for (let i = 50; i < 60; i++) video.write(pictures().frame(i));
    expect(routers.feeds[0]!.packets).toEqual([]);
  });

  it('pictures arrive byte for byte, from a key frame with its parameter sets on', async () => {
    const { h, routers } = await start();
    const stream = pictures({ frameBytes: 3000 });
    const video = (await h.camera('cam1').publish()).video(stream.caps);
    await h.settle();
    for (let i = 10; i < 60; i++) video.write(stream.frame(i));
    await h.settle();
    const { packets } = routers.feeds[0]!;
    expect(packets.every(({ payload }) => payload.length <= 1188)).toBe(true);
    const frames = framesOf('h264', packets);
    const sent = Array.from({ length: 35 }, (_, i) => stream.frame(25 + i));
    expect(bytesOf(frames)).toEqual(bytesOf(sent));
    expect(frames.map(({ key }) => key)).toEqual(sent.map(({ key }) => key));
    expect(frames.slice(1).map(({ timestamp }, i) => (timestamp - frames[i]!.timestamp + 2 ** 32) % 2 ** 32)).toEqual(
      sent.slice(1).map(() => 3600),
    );
  });

  it('sender reports put sound and pictures on one clock, the server one', async () => {
    const { h, routers } = await start();
    const epoch = h.clock.now();
    const [stream, sound] = [pictures({ epoch, timescale: 1000 }), sounds({ epoch })];
    const camera = await h.camera('cam1').publish();
    const [video, audio] = [camera.video(stream.caps), camera.audio(sound.caps)];
    await h.settle();
    // A transcoder holds the sound back, which must not show in what viewers align by.
    for (let ms = 0; ms < 2500; ms += 20) {
      if (ms % 40 === 0) video.write(stream.frame(ms / 40));
      if (ms >= 300) audio.write(sound.frame((ms - 300) / 20));
      await h.advance(20);
    }
    const zeros = routers.feeds.map(({ kind, rtcp, packets, rtpParameters }) => {
      const reports = rtcp.map((bytes) => parseRtcp(bytes)[0]!).filter((report) => report.type === 'sender-report');
      expect(reports).toHaveLength(3);
      expect(reports[0]).toMatchObject({ ssrc: rtpParameters.encodings![0]!.ssrc });
      const { senderTime, rtpTimestamp } = reports[2]!;
      // Each is about the moment at which it was sent, not about a frame.
      expect(senderTime).toBeCloseTo(epoch + (kind === 'video' ? 2000 : 2300), 0);
      const rate = kind === 'video' ? 90 : 48;
      return senderTime - ((rtpTimestamp - packets[0]!.timestamp + 2 ** 32) % 2 ** 32) / rate;
    });
    expect(zeros).toEqual([expect.closeTo(epoch, 1), expect.closeTo(epoch, 1)]);
    expect(new Set(routers.feeds.map(({ rtpParameters }) => rtpParameters.rtcp?.cname))).toEqual(new Set(['cam1']));
  });

  it('packets tell when their frame was captured where the camera says so, else when it reached the server', async () => {
    const { h, routers } = await start();
    const epoch = h.clock.now();
    const [stream, sound] = [pictures({ epoch }), sounds({ epoch })];
    const camera = await h.camera('cam1').publish();
    const [video, audio] = [camera.video(stream.caps), camera.audio(sound.caps)];
    await h.settle();
    for (let ms = 0; ms < 2000; ms += 20) {
      // The camera needs 120 ms for a picture, and says so; its microphone says nothing.
      if (ms % 40 === 0) video.write({ ...stream.frame(ms / 40), capturedAt: epoch + ms - 120 });
      audio.write(sound.frame(ms / 20));
      await h.advance(20);
    }
    for (const [feed, behind, rate] of [
      [routers.feeds.find(({ kind }) => kind === 'video')!, 120, 90],
      [routers.feeds.find(({ kind }) => kind === 'audio')!, 0, 48],
    ] as const) {
      const [extension] = feed.rtpParameters.headerExtensions!;
      expect(extension!.uri).toBe('http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time');
      const told = feed.packets.flatMap((packet) => {
        const data = rtpExtension(packet, extension!.id);
        return data ? [{ at: readNtp(data, 0), timestamp: packet.timestamp }] : [];
      });
      // About five a second, on a packet of some hundred.
      expect(told.length).toBeGreaterThanOrEqual(9);
      expect(told.length).toBeLessThanOrEqual(12);
      const first = feed.packets[0]!.timestamp;
      for (const { at, timestamp } of told)
        expect(at).toBeCloseTo(epoch - behind + ((timestamp - first + 2 ** 32) % 2 ** 32) / rate, -1);
    }
    const handles = h.out.out.items('cam1');
    expect(handles.map(({ kind, timedFrom }) => [kind, timedFrom])).toEqual(
      expect.arrayContaining([
        ['video', 'capture'],
        ['audio', 'ingest'],
      ]),
    );
  });

  it("a viewer's wish for a key frame goes to the camera", async () => {
    const { h, routers } = await start();
    const video = (await h.camera('cam1').publish()).video(pictures().caps);
    let asked = 0;
    video.onKeyFrameRequest(() => (asked += 1));
    await h.settle();
    await h.advance(1000);
    const before = asked;
    routers.feeds[0]!.askForKeyFrame();
    await h.advance(1000);
    expect(asked).toBe(before + 1);
  });

  it('when a worker dies, the stream is made anew and the camera notices nothing', async () => {
    const { h, routers } = await start();
    const stream = pictures();
    const camera = await h.camera('cam1').publish();
    const video = camera.video(stream.caps);
    await h.settle();
    for (let i = 0; i < 10; i++) video.write(stream.frame(i));
    routers.refusals.push(new Error('no worker yet'));
    routers.feeds[0]!.end('worker-died');
    for (let i = 10; i < 20; i++) video.write(stream.frame(i));
    await h.advance(1000);
    expect(routers.feeds).toHaveLength(2);
    expect(h.out.out.events('cam1').map(({ type }) => type)).toEqual(['item', 'discontinuity', 'item']);
    expect(h.out.out.items('cam1')[1]).toEqual({
      ...routers.feeds[1]!.handle,
      lines: [expect.any(Number)],
      timedFrom: 'ingest',
    });
    for (let i = 20; i < 60; i++) video.write(stream.frame(i));
    await h.settle();
    expect(framesOf('h264', routers.feeds[1]!.packets)).toHaveLength(35);
    expect(camera.signal.aborted).toBe(false);
  });

  it('a camera that leaves is no stream that was lost', async () => {
    const { h, routers } = await start();
    const stream = pictures();
    const camera = await h.camera('cam1').publish();
    camera.video(stream.caps).write(stream.frame(0));
    await h.settle();
    camera.end();
    await h.settle();
    expect(routers.feeds).toHaveLength(1);
    expect(h.logs.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('other parameter sets go on in the same stream, with the next key frame', async () => {
    const { h, routers } = await start();
    const [small, large] = [pictures(), pictures({ width: 640, height: 480, startMs: 400 })];
    const camera = await h.camera('cam1').publish();
    const first = camera.out.video.addTrack('video', small.caps);
    await h.settle();
    for (let i = 0; i < 10; i++) first.write(small.frame(i));
    const second = camera.out.video.addTrack('video', large.caps, { replaces: first });
    for (let i = 0; i < 10; i++) second.write(large.frame(i));
    await h.settle();
    expect(routers.feeds).toHaveLength(1);
    const { packets } = routers.feeds[0]!;
    expect(new Set(packets.map(({ ssrc }) => ssrc)).size).toBe(1);
    const frames = framesOf('h264', packets);
    expect(bytesOf(frames.slice(10))).toEqual(bytesOf(Array.from({ length: 10 }, (_, i) => large.frame(i))));
    expect(h.out.out.tracks('cam1')).toHaveLength(1);
  });

  it('rungs of a ladder are layers of one stream, which is made anew as they join, while viewers of the one before go on', async () => {
    const { h, routers } = await start();
    const [large, small] = [pictures({ width: 640, height: 480 }), pictures({ width: 320, height: 240 })];
    const camera = await h.camera('cam1').publish();
    const top = camera.out.video.addTrack('video', large.caps);
    await h.settle();
    for (let i = 0; i < 10; i++) top.write(large.frame(i));
    const rung = camera.out.video.addTrack('video-240p', small.caps);
    await h.advance(1000);
    for (let i = 10; i < 60; i++) {
      top.write(large.frame(i));
      rung.write(small.frame(i));
    }
    await h.settle();
    expect(h.out.out.tracks('cam1')).toHaveLength(1);
    expect(routers.feeds).toHaveLength(2);
    const [before, after] = [routers.feeds[0]!, routers.feeds[1]!];
    const encodings = after.rtpParameters.encodings!;
    expect(encodings.map(({ rid }) => rid)).toEqual(['l0', 'l1']);
    // The highest goes on in its SSRC, and whoever has not changed over has every picture of it.
    expect(encodings[1]!.ssrc).toBe(before.rtpParameters.encodings![0]!.ssrc);
    expect(framesOf('h264', before.packets)).toHaveLength(60);
    expect(h.out.out.items('cam1').map(({ producerId }) => producerId)).toEqual(
      routers.feeds.map(({ handle }) => handle.producerId),
    );
    const of = (layer: number) =>
      framesOf(
        'h264',
        after.packets.filter(({ ssrc }) => ssrc === encodings[layer]!.ssrc),
      );
    expect(bytesOf(of(0))).toEqual(bytesOf(Array.from({ length: 35 }, (_, i) => small.frame(25 + i))));
    expect(of(1).at(-1)!.data).toEqual(large.frame(59).data);
    await h.advance(5000);
    expect([before.ended, after.ended]).toEqual(['closed', undefined]);
    // One that leaves is missed by nobody; the other goes on.
    rung.end('stopped');
    for (let i = 60; i < 70; i++) top.write(large.frame(i));
    await h.settle();
    expect(routers.feeds).toHaveLength(2);
    expect(of(1).at(-1)!.data).toEqual(large.frame(69).data);
  });

  it('a layer that no viewer may be sent is not wanted, unless a packager wants its frames', async () => {
    const { h, routers } = await start();
    h.out.video.want(false);
    const [large, small] = [pictures({ width: 640, height: 480 }), pictures({ width: 320, height: 240 })];
    const { out } = await h.camera('cam1').publish();
    const top = out.video.addTrack('video', large.caps);
    const rung = out.video.addTrack('video-240p', small.caps);
    await h.advance(1000);
    const wanted = (): boolean[] => [top, rung].map((track) => track.wanted);
    const feed = routers.feeds.at(-1)!;
    expect(feed.rtpParameters.encodings).toHaveLength(2);
    // Nobody consumes yet, or anyone may have all.
    expect(wanted()).toEqual([true, true]);
    feed.takeUpTo(1);
    expect(wanted()).toEqual([true, true]);
    feed.takeUpTo(0);
    // Whoever leaves the layer is shown it until the other one's key frame, and may come back.
    await h.advance(9000);
    feed.takeUpTo(1);
    await h.advance(9000);
    feed.takeUpTo(0);
    await h.advance(9000);
    expect(wanted()).toEqual([true, true]);
    await h.advance(1000);
    expect(wanted()).toEqual([false, true]);
    for (let i = 0; i < 30; i++) for (const [track, stream] of [[top, large], [rung, small]] as const) track.write(stream.frame(i)); // prettier-ignore
    await h.settle();
    const ssrcs = new Set(feed.packets.map(({ ssrc }) => ssrc));
    expect(ssrcs).toEqual(new Set([feed.rtpParameters.encodings![0]!.ssrc]));
    h.out.video.want(true);
    expect(wanted()).toEqual([true, true]);
    h.out.video.want(false);
    expect(wanted()).toEqual([false, true]);
    // The one who chose leaves; or the stream is lost, and what comes next may be taken again.
    feed.takeUpTo(undefined);
    expect(wanted()).toEqual([true, true]);
    feed.takeUpTo(0);
    await h.advance(10_000);
    expect(wanted()).toEqual([false, true]);
    feed.end('worker-died');
    expect(wanted()).toEqual([true, true]);
  });

  it('when the camera leaves, so does its stream', async () => {
    const { h, routers } = await start();
    const camera = await h.camera('cam1').publish();
    camera.video(pictures().caps);
    await h.settle();
    camera.end();
    await h.settle();
    expect(h.out.out.tracks('cam1')).toMatchObject([{ ended: 'publisher-ended' }]);
    expect(routers.feeds[0]!.ended).toBe('closed');
  });

  it('B-frames that nobody announced are found, told of, and not offered; recording goes on', async () => {
    const { h, routers } = await start();
    const { bFrames: _, ...silent } = pictures({ bFrames: true }).caps;
    const stream = pictures({ bFrames: true });
    const video = (await h.camera('cam1').publish()).video(silent);
    await h.settle();
    for (let i = 0; i < 30; i++) video.write(stream.frame(i));
    await h.settle();
    expect(h.reports).toMatchObject([{ code: 'webrtc.sfu/B_FRAMES', cameraId: 'cam1' }]);
    expect(h.out.out.tracks('cam1')).toMatchObject([{ ended: 'failed' }]);
    expect(routers.feeds[0]!.ended).toBe('closed');
    expect(h.out.video.items('cam1')).toHaveLength(30);
  });

  it('announced B-frames and AAC never come in, and the camera says why', async () => {
    const { h } = await start();
    const camera = await h.camera('cam1').publish();
    camera.out.video.addTrack('video', pictures({ bFrames: true }).caps);
    camera.out.audio.addTrack('audio', sounds({ codec: 'aac' }).caps);
    await h.settle();
    const mends = h.status('cam1')!.findings.map(({ message }) => message);
    expect(mends).toEqual([expect.stringContaining('-bf 0'), expect.stringContaining('codec: opus')]);
  });

  it('milliseconds of RTMP become even packets of sound', async () => {
    const { h, routers } = await start();
    const sound = sounds();
    const audio = (await h.camera('cam1').publish()).audio({ ...sound.caps, timescale: 1000 });
    await h.settle();
    const wobble = (i: number): number => i * 20 + (i % 3) - 1 + 5;
    for (let i = 0; i < 50; i++) {
      const at = wobble(i) + (i >= 40 ? 200 : 0);
      audio.write({ ...sound.frame(i), dts: at, pts: at, arrivedAt: at });
    }
    await h.settle();
    const times = routers.feeds[0]!.packets.map(({ timestamp }) => timestamp);
    const steps = times.slice(1).map((time, i) => (time - times[i]! + 2 ** 32) % 2 ** 32);
    expect(steps.flatMap((step, i) => (step === 960 ? [] : [i]))).toEqual([39]);
    expect(Math.abs(steps[39]! - 960 - 9600)).toBeLessThanOrEqual(96);
  });

  it('after a leap of its clock, viewers see time go on', async () => {
    const { h, routers } = await start();
    const epoch = h.clock.now();
    const stream = pictures({ epoch });
    const video = (await h.camera('cam1').publish()).video(stream.caps);
    await h.settle();
    for (let i = 0; i < 25; i++) {
      video.write({ ...stream.frame(i), arrivedAt: h.clock.now() });
      await h.advance(40);
    }
    video.discontinuity('clock-jumped');
    for (let i = 0; i < 5; i++) {
      const unit = stream.frame(i);
      video.write({ ...unit, dts: unit.dts + 9e8, pts: unit.pts + 9e8, arrivedAt: h.clock.now() });
      await h.advance(40);
    }
    const frames = framesOf('h264', routers.feeds[0]!.packets);
    const steps = frames.slice(1).map(({ timestamp }, i) => (timestamp - frames[i]!.timestamp + 2 ** 32) % 2 ** 32);
    expect(frames).toHaveLength(30);
    expect(steps.every((step) => Math.abs(step - 3600) <= 90)).toBe(true);
  });

  it('bytes that are no frame are dropped and told of once', async () => {
    const { h, routers } = await start();
    const stream = pictures();
    const video = (await h.camera('cam1').publish()).video(stream.caps);
    await h.settle();
    const broken = (unit: AccessUnit): AccessUnit => ({ ...unit, data: Uint8Array.of(0, 0, 9, 9, 1) });
    // Key frames are 0, 25 and 50; the second is broken itself.
    for (let i = 0; i < 60; i++) video.write(i % 10 === 5 ? broken(stream.frame(i)) : stream.frame(i));
    await h.settle();
    expect(h.reports).toMatchObject([{ code: 'webrtc.sfu/BAD_MEDIA' }]);
    expect(framesOf('h264', routers.feeds[0]!.packets)).toHaveLength(10);
  });
});

describe('frames to packagers', () => {
  it('pass through where only this stage is linked, with the clock and key frame requests of the camera', async () => {
    const { h, routers } = await start(['out']);
    const stream = pictures({ epoch: 5000 });
    const video = (await h.camera('cam1').publish()).video(stream.caps);
    let asked = 0;
    video.onKeyFrameRequest(() => (asked += 1));
    for (let i = 0; i < 10; i++) video.write(stream.frame(i));
    video.discontinuity('source-signalled');
    await h.settle();
    const [track] = h.out.video.tracks('cam1');
    expect(bytesOf(track!.items)).toEqual(bytesOf(Array.from({ length: 10 }, (_, i) => stream.frame(i))));
    expect(h.out.video.discontinuities()).toEqual(['source-signalled']);
    expect(track!.track.clock.toWall(0, 90_000)).toBe(5000);
    await h.advance(1000);
    const before = asked;
    track!.track.requestKeyFrame();
    await h.advance(1000);
    expect(asked).toBe(before + 1);
    expect(routers.feeds).toEqual([]);
    h.out.video.want(false);
    await h.settle();
    expect(h.out.video.tracks('cam1')[0]!.ended).toBe('unwanted');
  });

  it('are not passed where the camera has a route of its own', async () => {
    const source = scriptedSource({ video: 'frames' });
    const sink = capturingSink({ in: 'frames' });
    const t = await testPipeline({
      services: { routers: serviceOf(RtpRouters, new FakeRtpRouters()) },
      stages: { source: source.plugin, sfu, sink: sink.plugin },
      links: ['source.video -> sfu.video', 'source.video | sfu.video -> sink.in'],
    });
    const publication = await source.publish('cam1');
    const video = publication.out.video.addTrack('video', pictures().caps);
    for (let i = 0; i < 5; i++) video.write(pictures().frame(i));
    await t.advance(0);
    expect(sink.pads.in.items()).toHaveLength(5);
    expect(t.camera('cam1')!.tracks.map(({ stage, pad }) => `${stage}.${pad}`)).toEqual(['source.video', 'sfu.out']);
    await t.stop();
  });
});

/** `webrtc.sfu` with a real worker: what ffmpeg publishes by RTMP goes through the SFU and comes out bit-identical. */
import { afterEach, describe, expect, it } from 'vitest';
import { RtpRouters } from '../../core/contracts/index.ts';
import { systemClock } from '../../core/engine/clock.ts';
import { FrameReader, parseAvcConfig, parseRtcp, parseRtp } from '../../core/media/index.ts';
import type { AnyPlugin, CameraId, RtpHandle, VideoCaps } from '../../core/plugin/index.ts';
import { capturingSink, scriptedSource, testPipeline, type TestPipeline } from '../../core/testing/index.ts';
import rtmp from '../../plugins/ingest/rtmp/plugin.ts';
import sfu from '../../plugins/webrtc/sfu/plugin.ts';
import workers from '../../plugins/webrtc/workers/plugin.ts';
import { startFfmpeg, type FfmpegRun } from '../support/ffmpeg.ts';
import { connectPeer, lineOf } from '../support/rtc-peer.ts';
import { h264Offered, opusOffered, until } from '../support/sfu.ts';
import { pictures, sounds } from '../unit/webrtc/sfu-fakes.ts';

const plugin = (one: unknown): AnyPlugin => one as AnyPlugin;
const running: TestPipeline[] = [];
const publishers: FfmpegRun[] = [];
afterEach(async () => {
  await Promise.all(publishers.splice(0).map((publisher) => publisher.stop()));
  await Promise.all(running.splice(0).map((pipeline) => pipeline.stop()));
});

/** Two cameras: `cam1` by RTMP, which the SFU feeds to a router, and `cam2`, whose handle is that of the first. */
async function start() {
  const direct = capturingSink({ video: 'frames' });
  const viewer = capturingSink({ out: 'rtp' });
  const recorder = capturingSink({ video: 'frames' });
  const second = scriptedSource({ rtp: 'rtp' });
  const t = await testPipeline(
    {
      services: { rtc: { plugin: plugin(workers), config: { workers: 1, listen: '127.0.0.1:0' } } },
      stages: {
        rtmp: { plugin: plugin(rtmp), config: { listen: '127.0.0.1:0' } },
        second: second.plugin,
        sfu: plugin(sfu),
        again: plugin(sfu),
        direct: direct.plugin,
        viewer: viewer.plugin,
        recorder: recorder.plugin,
      },
      links: [
        { link: 'rtmp.video -> sfu.video', queue: '5s' },
        { link: 'rtmp.video -> direct.video', queue: '5s' },
        'sfu.out -> viewer.out',
        'second.rtp -> again.rtp',
        { link: 'again.video -> recorder.video', queue: '5s' },
      ],
    },
    { clock: systemClock },
  );
  running.push(t);
  const port = t.logs.find(({ msg }) => msg === 'listening for RTMP')!['port'] as number;
  const source =
    '-re -f lavfi -i testsrc2=size=640x360:rate=30,noise=alls=10 -c:v libx264 -profile:v high -bf 0 -g 30 -preset ultrafast';
  const publisher = startFfmpeg(`${source} -tune zerolatency -b:v 2M -f flv rtmp://127.0.0.1:${port}/live/cam1`);
  publishers.push(publisher);
  return { t, second, direct: direct.pads.video, viewer: viewer.pads.out, recorder: recorder.pads.video, publisher };
}

const hex = (data: Uint8Array): string => Buffer.from(data).toString('base64');

describe('the SFU between RTMP and frames', () => {
  it('ffmpeg by RTMP, fed to a worker, tapped, put together: the same bits, times and caps', async () => {
    const { t, second, direct, viewer, recorder, publisher } = await start();
    await viewer.until((pad) => pad.items('cam1').length > 0, 10_000);
    const camera = await second.publish('cam2');
    const handle: RtpHandle = viewer.items('cam1')[0]!;
    camera.out.rtp.addTrack('video', { kind: 'video', codec: 'h264', clockRate: 90_000, layers: 1 }).write(handle);
    await recorder.until((pad) => pad.items('cam2').length >= 90, 15_000);
    await publisher.stop();
    const [original, copy] = [direct.tracks('cam1')[0]!, recorder.tracks('cam2')[0]!];
    const from = original.items.findIndex(({ data }) => hex(data) === hex(copy.items[0]!.data));
    expect(from).toBeGreaterThanOrEqual(0);
    const sent = original.items.slice(from, from + copy.items.length);
    expect(copy.items.map(({ data }) => hex(data))).toEqual(sent.map(({ data }) => hex(data)));
    expect(copy.items.map(({ key }) => key)).toEqual(sent.map(({ key }) => key));
    const ticks = (items: typeof sent, scale: number): number[] =>
      items.map(({ pts }) => (pts - items[0]!.pts) * scale);
    expect(ticks([...copy.items], 1)).toEqual(ticks([...sent], 90));
    const sets = ({ caps }: typeof copy) => parseAvcConfig((caps as VideoCaps).config);
    expect(sets(copy)).toEqual(sets(original));
    expect(copy.caps).toMatchObject({ codec: 'h264', width: 640, height: 360, timescale: 90_000 });
    // The same moment of server time: each publication's clock was set by its own first frames, and follows slowly.
    const wall = (track: typeof copy, index: number): number =>
      track.track.clock.toWall(track.items[index]!.pts, (track.caps as VideoCaps).timescale)!;
    expect(Math.abs(wall(copy, 60) - wall(original, from + 60))).toBeLessThan(500);
    expect(t.logs.filter(({ level }) => level === 'error')).toEqual([]);
  }, 30_000);

  it('a worker that is killed costs the viewers a moment and the RTMP camera nothing', async () => {
    const { t, direct, viewer } = await start();
    const routers = t.service(RtpRouters, 'rtc');
    await viewer.until((pad) => pad.items('cam1').length > 0, 10_000);
    const [router] = await routers.describe();
    process.kill(router!.pid, 'SIGKILL');
    await viewer.until((pad) => new Set(pad.items('cam1').map(({ producerId }) => producerId)).size === 2, 10_000);
    expect(viewer.discontinuities('cam1')).toContain('restarted');
    const frames: boolean[] = [];
    const reader = new FrameReader(
      'h264',
      { wait: 100 },
      {
        frame: ({ key }) => void frames.push(key),
        keyFrameNeeded: () => undefined,
        lost: () => expect.unreachable(),
      },
    );
    const tap = await routers.tap(viewer.items('cam1').at(-1)!);
    tap.onRtp((packet) => reader.push(parseRtp(packet), 0));
    await until(() => frames.length > 30, 'pictures from the new worker', 5000);
    expect(frames[0]).toBe(true);
    tap.close();
    expect(direct.tracks('cam1')).toHaveLength(1);
    expect(t.camera('cam1')!.publications).toHaveLength(1);
  }, 30_000);

  it('sound that a transcoder holds back is told to viewers at the moment of its pictures', async () => {
    const source = scriptedSource({ video: 'frames', audio: 'frames' });
    const viewer = capturingSink({ out: 'rtp' });
    const t = await testPipeline(
      {
        services: { rtc: { plugin: plugin(workers), config: { workers: 1, listen: '127.0.0.1:0' } } },
        stages: { source: source.plugin, sfu: plugin(sfu), viewer: viewer.plugin },
        links: ['source.video -> sfu.video', 'source.audio -> sfu.audio', 'sfu.out -> viewer.out'],
      },
      { clock: systemClock },
    );
    running.push(t);
    const epoch = Date.now();
    const [picture, sound] = [pictures({ epoch }), sounds({ epoch })];
    const publication = await source.publish('cam1');
    const video = publication.out.video.addTrack('video', picture.caps);
    const audio = publication.out.audio.addTrack('audio', sound.caps);
    await viewer.pads.out.until((pad) => pad.items('cam1').length === 2, 5000);
    const transport = await t.service(RtpRouters, 'rtc').connect('cam1' as CameraId);
    const consumers = await Promise.all(
      viewer.pads.out
        .items('cam1')
        .map((handle) =>
          transport.consume(handle, handle.kind === 'video' ? h264Offered : opusOffered, { mid: handle.kind }),
        ),
    );
    const offers = { video: h264Offered, audio: opusOffered };
    const peer = await connectPeer(
      transport,
      consumers.map((consumer) => lineOf(consumer, offers[consumer.kind])),
    );
    for (const consumer of consumers) await consumer.resume();
    const HELD = 300;
    let [pictureCount, soundCount] = [0, 0];
    const end = Date.now() + 6000;
    // The first frame of each is of one moment: a key frame, and the sound with it.
    while (Date.now() < end) {
      const now = Date.now() - epoch;
      for (; pictureCount * 40 <= now; pictureCount++)
        video.write({ ...picture.frame(pictureCount), arrivedAt: Date.now() });
      for (; soundCount * 20 <= now - HELD; soundCount++)
        audio.write({ ...sound.frame(soundCount), arrivedAt: Date.now() });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    peer.close();
    /** Where the router says that each stream's first packet lies in time, by its last report, ms since the epoch. */
    const told = consumers.map(({ kind, rtpParameters }) => {
      const { ssrc } = rtpParameters.encodings![0]!;
      const first = peer.packets.find((packet) => packet.ssrc === ssrc)!.timestamp;
      const reports = peer.rtcp
        .flatMap(parseRtcp)
        .flatMap((one) => (one.type === 'sender-report' && one.ssrc === ssrc ? [one] : []));
      const { senderTime, rtpTimestamp } = reports.at(-1)!;
      return senderTime - ((rtpTimestamp - first + 2 ** 32) % 2 ** 32) / (kind === 'video' ? 90 : 48);
    });
    expect(Math.abs(told[0]! - told[1]!)).toBeLessThanOrEqual(20);
  }, 30_000);
});

/** What every provider of RtpRouters must do. Packets are fed and tapped in this process; no client connects. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CameraId, RtpFeed, RtpRouters, RtpTap, TransportState } from 'eddy/plugin';
import {
  H264Writer,
  h264Offered,
  h264Published,
  opusOffered,
  opusPublished,
  readRtp,
  until,
  URI,
} from '../support/sfu.ts';

/** A provider under test and how it ends. */
export interface Provided {
  readonly routers: RtpRouters;
  stop(): Promise<void>;
}

const CAMERA = 'door' as CameraId;
const OTHER = 'yard' as CameraId;

/** Collects what a tap delivers. */
export function collect(tap: RtpTap): Buffer[] {
  const packets: Buffer[] = [];
  tap.onRtp((packet) => packets.push(packet as Buffer));
  return packets;
}

/** The suite. */
export function rtpRoutersContract(name: string, provide: () => Promise<Provided>): void {
  describe(`RtpRouters: ${name}`, () => {
    let provided: Provided;
    let routers: RtpRouters;
    beforeAll(async () => {
      provided = await provide();
      ({ routers } = provided);
    });
    afterAll(async () => provided.stop());

    const feedVideo = (camera = CAMERA, ssrcs = [1111]): Promise<RtpFeed> =>
      routers.feed(camera, 'video', h264Published(ssrcs));

    it('names its codecs and header extensions', async () => {
      const { codecs, headerExtensions } = await routers.capabilities();
      const types = new Set(codecs.map(({ mimeType }) => mimeType));
      for (const type of ['video/H264', 'video/VP8', 'video/VP9', 'video/AV1', 'audio/opus'])
        expect(types).toContain(type);
      expect(headerExtensions.map(({ uri }) => uri)).toContain(URI.mid);
    });

    it('delivers what is fed: every payload, in order, with its timestamp, over the wrap of both counters', async () => {
      const feed = await feedVideo();
      const tap = await routers.tap(feed.handle);
      const packets = collect(tap);
      const asked = new Promise<void>((resolve) => void feed.onKeyFrameRequest(resolve));
      const writer = new H264Writer();
      // The request of the tap's beginning comes once the stream is known.
      const sent = [...writer.frame(true), ...Array.from({ length: 20 }, () => writer.frame(false)).flat()];
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const packet of sent) feed.send(packet);
      await until(() => packets.length === sent.length, 'every packet is delivered');
      const [given, taken] = [sent.map(readRtp), packets.map(readRtp)];
      expect(taken.map(({ payload }) => payload.toString('hex'))).toEqual(
        given.map(({ payload }) => payload.toString('hex')),
      );
      expect(taken.map(({ timestamp, marker }) => [timestamp, marker])).toEqual(
        given.map(({ timestamp, marker }) => [timestamp, marker]),
      );
      const steps = taken.slice(1).map(({ seq }, index) => (seq - taken[index]!.seq) & 0xffff);
      expect(new Set(steps)).toEqual(new Set([1]));
      const ssrcs = tap.layers.map(({ ssrc }) => ssrc);
      expect(ssrcs).toHaveLength(1);
      expect(new Set(taken.map(({ ssrc }) => ssrc))).toEqual(new Set(ssrcs));
      expect(new Set(taken.map(({ payloadType }) => payloadType))).toEqual(
        new Set([tap.rtpParameters.codecs[0]!.payloadType]),
      );
      tap.requestKeyFrame();
      await asked;
      feed.close();
    });

    it('delivers every simulcast layer with its own SSRC, and asks one layer for a key frame', async () => {
      const feed = await feedVideo(CAMERA, [11, 12, 13]);
      const tap = await routers.tap(feed.handle);
      expect(tap.layers.map(({ spatial }) => spatial)).toEqual([0, 1, 2]);
      const packets = collect(tap);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const writers = [11, 12, 13].map((ssrc) => new H264Writer(ssrc));
      for (const packet of writers.flatMap((writer) => [...writer.frame(true), ...writer.frame(false)]))
        feed.send(packet);
      await until(() => packets.length === 12, 'all layers are delivered');
      for (const { ssrc } of tap.layers)
        expect(packets.filter((packet) => readRtp(packet).ssrc === ssrc)).toHaveLength(4);
      const before = await routers.stats(feed.handle);
      expect(before.map(({ ssrc }) => ssrc).sort()).toEqual([11, 12, 13]);
      tap.requestKeyFrame(tap.layers[1]!.ssrc);
      const more = async (): Promise<number[]> =>
        (await routers.stats(feed.handle)).flatMap(({ ssrc, keyFrameRequests }) =>
          keyFrameRequests > before.find((stat) => stat.ssrc === ssrc)!.keyFrameRequests ? [ssrc] : [],
        );
      await until(async () => (await more()).length > 0, 'the publisher is asked');
      expect(await more()).toEqual([12]);
      feed.close();
    });

    it('tells the sender reports of what is fed', async () => {
      const feed = await feedVideo();
      const tap = await routers.tap(feed.handle);
      collect(tap);
      const reports: { ssrc: number; senderTime: number; rtpTimestamp: number }[] = [];
      tap.onSenderReport((report) => reports.push(report));
      for (const packet of new H264Writer().frame(true)) feed.send(packet);
      const at = 1_700_000_000_250;
      await until(() => {
        feed.sendRtcp(senderReport(1111, at, 123_456));
        return reports.length > 0;
      }, 'a sender report is told');
      expect(reports[0]).toMatchObject({ ssrc: tap.layers[0]!.ssrc, rtpTimestamp: 123_456 });
      expect(reports[0]!.senderTime).toBeCloseTo(at, 2);
      const late: unknown[] = [];
      tap.onSenderReport((report) => late.push(report));
      expect(late).toHaveLength(1);
      feed.close();
    });

    it("consumes in the numbers of the client's offer, with what both sides know", async () => {
      const feed = await feedVideo();
      const sound = await routers.feed(CAMERA, 'audio', opusPublished());
      const transport = await routers.connect(CAMERA);
      expect(transport.iceCandidates.map(({ protocol }) => protocol).sort()).toEqual(['tcp', 'udp']);
      expect(transport.iceParameters.iceLite).toBe(true);
      const video = await transport.consume(feed.handle, h264Offered, { mid: 'v' });
      expect(video.rtpParameters).toMatchObject({ mid: 'v', encodings: [{ ssrc: expect.any(Number) }] });
      expect(video.rtpParameters.codecs).toMatchObject([
        { mimeType: 'video/H264', payloadType: 123 },
        { mimeType: 'video/rtx', payloadType: 124, parameters: { apt: 123 } },
      ]);
      expect(video.rtpParameters.codecs[0]!.rtcpFeedback).toContainEqual({ type: 'transport-cc', parameter: '' });
      // Neither what the router does not know nor an id that needs two-byte headers.
      expect(video.rtpParameters.headerExtensions!.map(({ uri, id }) => [uri, id]).sort()).toEqual(
        [
          [URI.mid, 9],
          [URI.transportCc, 7],
          [URI.absSendTime, 2],
        ].sort(),
      );
      const audio = await transport.consume(sound.handle, opusOffered, { mid: 'a' });
      expect(audio.rtpParameters.codecs).toMatchObject([{ mimeType: 'audio/opus', payloadType: 109 }]);
      expect((await audio.stats()).packets).toBe(0);
      await expect(transport.consume(feed.handle, opusOffered)).rejects.toMatchObject({ code: 'WEBRTC_CODEC_UNFIT' });
      await Promise.all([video.preferLayers({ spatial: 0 }), video.preferLayers(undefined), video.requestKeyFrame()]);

      const ends: unknown[] = [];
      video.on((event) => event.type === 'closed' && ends.push(event.cause));
      feed.close();
      await until(() => ends.length > 0, 'the consumer ends with its producer');
      expect(ends).toEqual(['producer-closed']);
      await expect(transport.consume(feed.handle, h264Offered)).rejects.toMatchObject({ code: 'WEBRTC_HANDLE_GONE' });
      await expect(routers.tap(feed.handle)).rejects.toMatchObject({ code: 'WEBRTC_HANDLE_GONE' });
      transport.close();
      sound.close();
    });

    it('changes the camera on the same m-line, from another router too, and leaves nothing behind', async () => {
      const feeds = [await feedVideo(), await feedVideo(OTHER)] as const;
      const transport = await routers.connect(CAMERA);
      const first = await transport.consume(feeds[0].handle, h264Offered, { mid: 'v' });
      const second = await transport.consume(feeds[1].handle, h264Offered, { mid: 'v' });
      first.close();
      expect(second.rtpParameters.mid).toBe('v');
      expect(second.producerId).toBe(feeds[1].handle.producerId);
      const status = await routers.describe();
      expect(status.find(({ cameraId }) => cameraId === CAMERA)).toMatchObject({ consumers: 1, piped: 1 });
      // The producer's router stays while it is piped away, and both go with the last use.
      const gone: unknown[] = [];
      second.on((event) => event.type === 'closed' && gone.push(event.cause));
      feeds[1].close();
      await until(() => gone.length > 0, 'the consumer ends with a producer of another router');
      feeds[0].close();
      transport.close();
      await until(async () => (await routers.describe()).length === 0, 'every router is closed');
    });

    it('refuses what is malformed or unfit, and closes what is closed once', async () => {
      await expect(
        routers.feed(CAMERA, 'video', { codecs: [{ mimeType: 'video/H265', payloadType: 96, clockRate: 90_000 }] }),
      ).rejects.toMatchObject({ code: 'WEBRTC_CODEC_UNFIT' });
      await expect(routers.feed(CAMERA, 'video', { codecs: [], encodings: [{ ssrc: 1 }] })).rejects.toMatchObject({
        code: expect.stringMatching(/^WEBRTC_/),
      });
      const transport = await routers.connect(CAMERA, { role: 'publisher', tcp: false });
      expect(transport.iceCandidates.map(({ protocol }) => protocol)).toEqual(['udp']);
      await expect(
        transport.connect({ role: 'client', fingerprints: [{ algorithm: 'sha-256', value: 'nonsense' }] }),
      ).rejects.toMatchObject({ code: 'WEBRTC_PARAMETERS_INVALID' });
      const before = transport.iceParameters;
      expect(await transport.restartIce()).not.toEqual(before);
      expect(transport.iceParameters).not.toEqual(before);
      const handle = await transport.produce('video', h264Published([21]));
      await expect(transport.produce('video', h264Published([21]))).rejects.toMatchObject({
        code: 'WEBRTC_PARAMETERS_INVALID',
      });
      transport.closeProducer(handle);
      transport.closeProducer(handle);
      await expect(routers.stats(handle)).rejects.toMatchObject({ code: 'WEBRTC_HANDLE_GONE' });
      const states: TransportState[] = [];
      transport.onState((state) => states.push(state));
      transport.close();
      transport.close();
      expect(states).toEqual([{ state: 'new' }, { state: 'closed', cause: 'closed' }]);
      transport.onState((state) => states.push(state));
      expect(states).toHaveLength(3);
      await expect(transport.stats()).rejects.toMatchObject({ code: 'WEBRTC_TRANSPORT_CLOSED' });
      expect(await routers.describe()).toEqual([]);
    });

    it('tells whoever feeds a stream how high its consumers choose', async () => {
      const feed = await feedVideo(CAMERA, [31, 32, 33]);
      const told: (number | undefined)[] = [];
      feed.onHighestLayer((highest) => told.push(highest));
      const [one, two] = [await routers.connect(CAMERA), await routers.connect(CAMERA)];
      const [low, any] = [
        await one.consume(feed.handle, h264Offered, { mid: 'v' }),
        await two.consume(feed.handle, h264Offered, { mid: 'v' }),
      ];
      await low.preferLayers({ spatial: 0 });
      // Nothing is sent yet.
      expect(told).toEqual([undefined]);
      await low.resume();
      await any.resume();
      expect(told).toEqual([undefined, 0, 2]);
      await any.preferLayers({ spatial: 1 });
      await any.pause();
      await any.resume();
      await any.preferLayers(undefined);
      expect(told.splice(0)).toEqual([undefined, 0, 2, 1, 0, 1, 2]);
      two.close();
      expect(told.splice(0)).toEqual([0]);
      // A tap takes every layer.
      const tap = await routers.tap(feed.handle);
      tap.close();
      low.close();
      expect(told).toEqual([2, 0, undefined]);
      one.close();
      feed.close();
    });

    it('ends everything when it stops', async () => {
      const own = await provide();
      const feed = await own.routers.feed(CAMERA, 'video', h264Published());
      const tap = await own.routers.tap(feed.handle);
      const transport = await own.routers.connect(CAMERA);
      const ends: string[] = [];
      feed.onClosed((cause) => ends.push(`feed ${cause}`));
      tap.onClosed((cause) => ends.push(`tap ${cause}`));
      transport.onState((state) => state.state === 'closed' && ends.push(`transport ${state.cause}`));
      await own.stop();
      await own.stop();
      expect(ends.sort()).toEqual(['feed closed', 'tap closed', 'transport closed']);
      feed.send(new H264Writer().frame(true)[0]!);
      tap.requestKeyFrame();
      await expect(own.routers.connect(CAMERA)).rejects.toMatchObject({ code: 'SERVICE_RESTARTING' });
    });
  });
}

/** A sender report without blocks (RFC 3550, 6.4.1). */
function senderReport(ssrc: number, epochMs: number, rtpTimestamp: number): Buffer {
  const packet = Buffer.alloc(28);
  packet.set([0x80, 200, 0, 6]);
  packet.writeUInt32BE(ssrc, 4);
  packet.writeUInt32BE(Math.floor(epochMs / 1000) + 2_208_988_800, 8);
  packet.writeUInt32BE(((epochMs % 1000) / 1000) * 2 ** 32, 12);
  packet.writeUInt32BE(rtpTimestamp, 16);
  packet.writeUInt32BE(1, 20);
  packet.writeUInt32BE(100, 24);
  return packet;
}

/** What clients get on the wire: libdatachannel as viewer, by the numbers of its own offer. */
import { afterEach, describe, expect, it } from 'vitest';
import type { CameraId, RtpFeed, RtpHandle, WebRtcTransport } from 'eddy/plugin';
import { connectPeer, lineOf, type RtcPeer } from '../support/rtc-peer.ts';
import {
  h264Offered,
  h264Published,
  H264Writer,
  opusOffered,
  opusPublished,
  startSfu,
  until,
  writeRtp,
  type Rtp,
  type Sfu,
} from '../support/sfu.ts';

const CAMERA = 'door' as CameraId;
const open: { close(): void }[] = [];
let sfu: Sfu | undefined;
afterEach(async () => {
  for (const thing of open.splice(0)) thing.close();
  await sfu?.stop();
  sfu = undefined;
});

/** A feed that writes 100 frames a second, a key frame when asked for. */
function play(feed: RtpFeed): { readonly payloads: Set<string>; close(): void } {
  const writer = new H264Writer();
  const payloads = new Set<string>();
  let key = true;
  feed.onKeyFrameRequest(() => (key = true));
  const timer = setInterval(() => {
    for (const packet of writer.frame(key)) {
      payloads.add(packet.subarray(12).toString('hex'));
      feed.send(packet);
    }
    key = false;
  }, 10);
  const playing = { payloads, close: () => clearInterval(timer) };
  open.push(playing);
  return playing;
}

/** A viewer; its transport is closed with `transports`. */
async function watch(sfuOf: Sfu, handle: RtpHandle, transports: WebRtcTransport[] = []): Promise<RtcPeer> {
  const transport = await sfuOf.routers.connect(CAMERA);
  transports.push(transport);
  const consumer = await transport.consume(handle, h264Offered, { mid: 'v' });
  const peer = await connectPeer(transport, [lineOf(consumer, h264Offered)]);
  open.push(peer);
  await consumer.resume();
  return peer;
}

const video = (peer: RtcPeer): Rtp[] => peer.packets.filter(({ payloadType }) => payloadType === 123);

describe('the SFU and a client of libdatachannel', () => {
  it("sends H.264 and Opus with the client's payload types and header extension ids, every byte as published", async () => {
    sfu = await startSfu();
    const { routers } = sfu;
    const feed = await routers.feed(CAMERA, 'video', h264Published());
    const sound = await routers.feed(CAMERA, 'audio', opusPublished());
    const { payloads } = play(feed);
    const transport = await routers.connect(CAMERA);
    const states: string[] = [];
    transport.onState(({ state }) => states.push(state));
    const pictures = await transport.consume(feed.handle, h264Offered, { mid: 'v' });
    const sounds = await transport.consume(sound.handle, opusOffered, { mid: 'a' });
    const peer = await connectPeer(transport, [lineOf(pictures, h264Offered), lineOf(sounds, opusOffered)]);
    open.push(peer);
    for (const consumer of [pictures, sounds]) await consumer.resume();
    await until(() => video(peer).length > 50, 'video comes');
    sound.send(
      writeRtp({ payloadType: 97, ssrc: 2222, seq: 7, timestamp: 960, marker: false, payload: Buffer.from('opus') }),
    );
    await until(() => peer.packets.some(({ payloadType }) => payloadType === 109), 'audio comes');

    const [picture, audio] = [video(peer), peer.packets.filter(({ payloadType }) => payloadType === 109)];
    const types = peer.packets.map(({ payloadType }) => payloadType);
    expect(types.filter((type) => ![109, 123, 124].includes(type))).toEqual([]);
    expect(audio[0]!.payload.toString()).toBe('opus');
    expect(audio[0]!.extensions.get(9)!.toString()).toBe('a');
    expect(picture[0]!.payload[0]! & 0x1f).toBe(7);
    expect(picture.every(({ payload }) => payloads.has(payload.toString('hex')))).toBe(true);
    expect(picture.every(({ extensions }) => extensions.get(7)?.length === 2 && extensions.has(2))).toBe(true);
    expect(picture[0]!.extensions.get(9)!.toString()).toBe('v');
    const ids = picture.flatMap(({ extensions }) => [...extensions.keys()]);
    expect(ids.filter((id) => ![2, 7, 9].includes(id))).toEqual([]);
    expect(states).toEqual(['new', 'connecting', 'connected']);
    const stats = await transport.stats();
    expect(stats.remote).toMatch(/^udp 127\.0\.0\.1:\d+$/);
    expect(stats.bytesOut).toBeGreaterThan(10_000);
    expect(stats.availableOutgoingBitrate).toBeGreaterThan(0);
    expect((await pictures.stats()).packets).toBeGreaterThan(50);
  });

  it('repeats what the client says it lost, as RTX in its numbers', async () => {
    sfu = await startSfu();
    const feed = await sfu.routers.feed(CAMERA, 'video', h264Published());
    play(feed);
    const peer = await watch(sfu, feed.handle);
    await until(() => video(peer).length > 20, 'video comes');
    const lost = video(peer)[10]!;
    peer.sendRtcp(genericNack(lost.ssrc, lost.seq));
    const repeats = (): Rtp[] =>
      peer.packets.filter(({ payloadType, payload }) => payloadType === 124 && payload.readUInt16BE(0) === lost.seq);
    await until(() => repeats().length > 0, 'the packet comes again');
    // RFC 4588, 4: the original sequence number, then the original payload.
    const [repeat] = repeats();
    expect(repeat!.payload.subarray(2).equals(lost.payload)).toBe(true);
    expect(repeat!.ssrc).not.toBe(lost.ssrc);
    expect(repeat!.extensions.get(9)!.toString()).toBe('v');
    // The stored packet was put back as it was: what follows is right too.
    const after = video(peer).length;
    await until(() => video(peer).length > after + 20, 'video goes on');
  });

  it('gives viewers beyond a full worker a router on the next one, and takes it away with the last', async () => {
    sfu = await startSfu({ workers: 2, 'viewers-per-worker': 3 });
    const { routers } = sfu;
    const feed = await routers.feed(CAMERA, 'video', h264Published());
    const { payloads } = play(feed);
    const transports: WebRtcTransport[] = [];
    const peers: RtcPeer[] = [];
    for (let i = 0; i < 3; i++) peers.push(await watch(sfu, feed.handle, transports));
    const status = await routers.describe();
    expect(status.map(({ worker }) => worker).sort()).toEqual([0, 1]);
    expect(status.reduce((sum, { consumers }) => sum + consumers, 0)).toBe(3);
    expect(status.filter(({ piped }) => piped === 1)).toHaveLength(1);
    for (const peer of peers) await until(() => video(peer).length > 30, 'every viewer has video');
    for (const peer of peers) {
      expect(video(peer).every(({ payload }) => payloads.has(payload.toString('hex')))).toBe(true);
      expect(video(peer)[0]!.payload[0]! & 0x1f).toBe(7);
      expect(video(peer)[0]!.extensions.get(9)!.toString()).toBe('v');
    }
    for (const transport of transports) transport.close();
    await until(async () => (await routers.describe()).length === 1, 'the second router is closed');
    expect(await routers.describe()).toMatchObject([{ consumers: 0, transports: 0, piped: 0, producers: 1 }]);
  });
});

/** A generic NACK of one packet (RFC 4585, 6.2.1). */
function genericNack(ssrc: number, seq: number): Buffer {
  const packet = Buffer.alloc(16);
  packet.set([0x81, 205, 0, 3]);
  packet.writeUInt32BE(1, 4);
  packet.writeUInt32BE(ssrc, 8);
  packet.writeUInt16BE(seq, 12);
  return packet;
}

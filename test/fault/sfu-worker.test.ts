/** SFU workers that die, and clients by the hundred that come and go. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { CameraId, WebRtcTransport } from 'eddy/plugin';
import { readUsage } from 'eddy/plugin';
import { isAlive } from '../contract/media-hosts.ts';
import { collect } from '../contract/rtp-routers.ts';
import { connectPeer, lineOf, type RtcPeer } from '../support/rtc-peer.ts';
import { h264Offered, h264Published, H264Writer, startSfu, until, type Sfu } from '../support/sfu.ts';

const CAMERA = 'door' as CameraId;
const OTHER = 'yard' as CameraId;

let sfu: Sfu | undefined;
let peer: RtcPeer | undefined;
afterEach(async () => {
  peer?.close();
  peer = undefined;
  await sfu?.stop();
  sfu = undefined;
});

/** Process ids of the workers of an SFU, as its log tells them. */
const pidsOf = ({ fake }: Sfu): number[] =>
  fake.logs.filter(({ message }) => message === 'SFU worker started').map(({ fields }) => fields.pid as number);

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('an SFU worker that is killed', () => {
  it('is told to everything on it, and a new one takes the same camera at once, on the same port', async () => {
    const port = await freePort();
    sfu = await startSfu({ listen: `127.0.0.1:${port}` });
    const { routers, fake } = sfu;
    const [pid] = pidsOf(sfu);
    const feed = await routers.feed(CAMERA, 'video', h264Published());
    const tap = await routers.tap(feed.handle);
    const transport = await routers.connect(CAMERA);
    const consumer = await transport.consume(feed.handle, h264Offered, { mid: 'v' });
    peer = await connectPeer(transport, [lineOf(consumer, h264Offered)]);
    const told: string[] = [];
    feed.onClosed((cause) => told.push(`feed ${cause}`));
    tap.onClosed((cause) => told.push(`tap ${cause}`));
    consumer.on((event) => event.type === 'closed' && told.push(`consumer ${event.cause}`));
    // Who is told may come back in the same moment.
    const again = new Promise<WebRtcTransport>((resolve, reject) =>
      transport.onState((state) => {
        if (state.state !== 'closed') return;
        told.push(`transport ${state.cause}`);
        routers.connect(CAMERA).then(resolve, reject);
      }),
    );
    process.kill(pid!, 'SIGKILL');
    expect((await again).iceCandidates.map((candidate) => candidate.port)).toEqual([port, port]);
    expect(told.sort()).toEqual(['consumer', 'feed', 'tap', 'transport'].map((what) => `${what} worker-died`));
    expect(fake.reports).toMatchObject([{ code: 'WEBRTC_WORKER_DIED' }]);
    // Nothing throws that is used a moment too long.
    feed.send(new H264Writer().frame(true)[0]!);
    tap.requestKeyFrame();
    await expect(consumer.resume()).rejects.toMatchObject({ code: 'WEBRTC_TRANSPORT_CLOSED' });
    await expect(routers.tap(feed.handle)).rejects.toMatchObject({ code: 'WEBRTC_HANDLE_GONE' });

    const next = await routers.feed(CAMERA, 'video', h264Published());
    const packets = collect(await routers.tap(next.handle));
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const packet of new H264Writer().frame(true)) next.send(packet);
    await until(() => packets.length === 3, 'the new worker forwards');
    expect(pidsOf(sfu)).toHaveLength(2);
  });

  it('leaves cameras of other workers alone, and their viewers on its own routers learn that it has ended', async () => {
    sfu = await startSfu({ workers: 2 });
    const { routers } = sfu;
    const feeds = [
      await routers.feed(CAMERA, 'video', h264Published()),
      await routers.feed(OTHER, 'video', h264Published()),
    ] as const;
    const status = await routers.describe();
    expect(new Set(status.map(({ worker }) => worker)).size).toBe(2);
    const transport = await routers.connect(CAMERA);
    const piped = await transport.consume(feeds[1].handle, h264Offered, { mid: 'v' });
    const causes: string[] = [];
    piped.on((event) => event.type === 'closed' && causes.push(event.cause));
    process.kill(status.find(({ cameraId }) => cameraId === OTHER)!.pid, 'SIGKILL');
    await until(() => causes.length > 0, 'the piped stream ends');
    expect(causes).toEqual(['producer-closed']);
    // The viewer's connection lives on: it takes the camera's next stream.
    const next = await routers.feed(OTHER, 'video', h264Published());
    await transport.consume(next.handle, h264Offered, { mid: 'v' });
    const packets = collect(await routers.tap(feeds[0].handle));
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const packet of new H264Writer().frame(true)) feeds[0].send(packet);
    await until(() => packets.length === 3, 'the other camera goes on');
    transport.close();
    feeds[0].close();
    next.close();
    await until(async () => (await routers.describe()).length === 0, 'nothing is left');
  });

  it('is replaced again and again, ends with the service, and leaves the signals of Ctrl-C to the engine', async () => {
    sfu = await startSfu();
    const { routers } = sfu;
    for (let round = 1; round <= 3; round++) {
      process.kill(pidsOf(sfu).at(-1)!, 'SIGKILL');
      await until(() => pidsOf(sfu!).length === round + 1, `worker ${round + 1} runs`);
    }
    const [pid] = pidsOf(sfu).slice(-1);
    const transport = await routers.connect(CAMERA);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pid!, signal);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isAlive(pid!)).toBe(true);
    expect((await transport.stats()).bytesIn).toBe(0);
    expect(process.listeners('SIGTERM').filter((listener) => listener.name.includes('onSignal'))).toEqual([]);
    await sfu.stop();
    for (const each of pidsOf(sfu)) expect(isAlive(each)).toBe(false);
  });
});

/** A UDP port that is taken, and the one before it free: the first worker finds its place, the second does not. */
async function takePort(): Promise<{ socket: Socket; port: number }> {
  for (let tries = 0; tries < 50; tries++) {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    const before = createSocket('udp4').bind(port - 1, '127.0.0.1');
    const isFree = await once(before, 'listening').then(
      () => true,
      () => false,
    );
    await new Promise<void>((resolve) => void before.close(resolve));
    if (isFree) return { socket, port };
    socket.close();
  }
  throw new Error('no two free ports beside each other');
}

/** SFU workers among the children of a process. */
function workersOf(pid: number): string[] {
  const children = readFileSync(`/proc/self/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return children.filter((child) => {
    try {
      return readFileSync(`/proc/${child}/comm`, 'utf8').startsWith('mediasoup');
    } catch {
      // It went meanwhile.
      return false;
    }
  });
}

describe('an SFU whose port is taken', () => {
  it('does not start, says which port, and leaves no worker behind', async () => {
    const { socket, port } = await takePort();
    const failing = startSfu({ workers: 2, listen: `127.0.0.1:${port - 1}` });
    await expect(failing).rejects.toMatchObject({
      code: 'WEBRTC_LISTEN_FAILED',
      message: expect.stringContaining(`worker 1 cannot listen on 127.0.0.1:${port}`),
    });
    socket.close();
    await until(() => workersOf(process.pid).length === 0, 'no worker is left');
  });
});

describe('200 connections', () => {
  it('are opened and dropped without a trace: no router, no descriptor, no memory', async () => {
    sfu = await startSfu();
    const { routers } = sfu;
    const [pid] = pidsOf(sfu);
    const feed = await routers.feed(CAMERA, 'video', h264Published());
    const descriptors = (): number => readdirSync(`/proc/${pid}/fd`).length;
    const round = async (count: number): Promise<void> => {
      const transports = await Promise.all(Array.from({ length: count }, () => routers.connect(CAMERA)));
      await Promise.all(transports.map((transport) => transport.consume(feed.handle, h264Offered, { mid: 'v' })));
      for (const transport of transports) transport.close();
      await until(async () => (await routers.describe())[0]?.transports === 0, 'all are closed');
    };
    await round(100);
    const before = { descriptors: descriptors(), rss: readUsage(pid!)!.rssBytes };
    await round(100);
    await round(100);
    expect(await routers.describe()).toMatchObject([{ transports: 0, consumers: 0, producers: 1, piped: 0 }]);
    expect(descriptors()).toBe(before.descriptors);
    // An open connection with a consumer takes 27 KiB: had they stayed, this would be more than 5 MiB.
    expect(readUsage(pid!)!.rssBytes - before.rss).toBeLessThan(2 * 1024 * 1024);
    feed.close();
    await until(async () => (await routers.describe()).length === 0, 'the router is closed');
  });
});

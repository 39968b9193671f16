/** store.s3 against a real server that checks signatures and checksums. */
import { createServer, type Server, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadObjectCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listAll } from '../../core/contracts/index.ts';
import { systemClock } from '../../core/engine/clock.ts';
import type { CameraId } from '../../core/model/index.ts';
import type { Context } from '../../core/plugin/index.ts';
import { SqliteIndex } from '../../plugins/index/sqlite/sqlite-index.ts';
import { Epoch } from '../../plugins/publish/cdn/epoch.ts';
import { Pusher } from '../../plugins/publish/cdn/pusher.ts';
import plugin, { type manifest } from '../../plugins/store/s3/plugin.ts';
import { create } from '../../plugins/store/s3/s3.ts';
import { objectStoreContract } from '../contract/object-store.ts';
import { FIRST, segments } from '../support/chunks.ts';
import { durableRing, eventually } from '../support/durable-ring.ts';
import { openGate } from '../support/gate.ts';
import { startS3Server, whyNoS3Server, type S3Server } from '../support/s3-server/index.ts';
import { fakeContext } from '../unit/http/fake-context.ts';

const why = whyNoS3Server();
let server: S3Server;
let direct: S3Client;
let count = 0;

function written(changes: Record<string, unknown> = {}) {
  return {
    bucket: server.bucket,
    endpoint: server.endpoint,
    'path-style': true,
    credentials: { 'access-key': 'test', 'secret-key': 'testsecret' },
    'part-size': '5MiB',
    // Each test has the bucket to itself.
    prefix: `test-${count++}/`,
    ...changes,
  };
}

async function started(changes: Record<string, unknown> = {}) {
  const config = written(changes);
  const { ctx, engine } = fakeContext<Context<typeof manifest>>(plugin, config);
  const running = create(ctx);
  const stop = async (): Promise<void> => {
    await running.stop?.();
    await engine.close();
  };
  return { store: running.services.store, start: async () => running.start?.(), stop, engine, prefix: config.prefix };
}

if (why !== undefined) process.stderr.write(`store.s3 is not tested against a real server: ${why}\n`);

describe.skipIf(why !== undefined)('store.s3', () => {
  beforeAll(async () => {
    server = await startS3Server();
    const { endpoint, credentials } = server;
    direct = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  }, 180_000);
  afterAll(async () => {
    direct?.destroy();
    await server?.stop();
  }, 30_000);

  // More than two parts.
  objectStoreContract('store.s3', () => started(), 11_000_001);

  const Bucket = 'test';
  const uploads = async () => (await direct.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? [];

  it('sends content type, cache rule and a checksum that the server has verified', async () => {
    for (const checksum of ['CRC32', 'CRC32C', 'SHA256']) {
      const { store, stop, prefix } = await started({ checksum });
      const options = { contentType: 'video/mp4', cacheControl: 'max-age=31536000, immutable' };
      await store.put('small', new Uint8Array(1000), options);
      await store.put('large', new Uint8Array(6_000_000), options);
      for (const key of ['small', 'large']) {
        const head = new HeadObjectCommand({ Bucket, Key: prefix + key, ChecksumMode: 'ENABLED' });
        const found = await direct.send(head);
        expect(found).toMatchObject({ ContentType: options.contentType, CacheControl: options.cacheControl });
        expect(found[`Checksum${checksum}` as 'ChecksumCRC32']).toMatch(/./);
      }
      await stop();
    }
  });

  it('takes what publish.cdn pushes, with types and cache rules, from the writer that began last', async () => {
    const { store, stop, prefix } = await started();
    const cameraId = 'cam1' as CameraId;
    const told: string[] = [];
    const writer = (name: string): Pusher =>
      new Pusher({
        ...{ store, clock: systemClock, prefix: 'live', memory: 1_000_000, writes: 4, read: undefined },
        epoch: (camera) => new Epoch(camera, { store, clock: systemClock, prefix: 'live', writer: name }),
        onPushed: () => undefined,
        onState: (up, error) => told.push(`up ${up} ${error}`),
        onFenced: () => told.push(`${name} fenced`),
        onLost: ({ key }) => told.push(`${key} lost`),
      });
    const push = async (pusher: Pusher, text: string): Promise<void> => {
      const media = {
        name: `cam1/video/${text}.m4s`,
        contentType: 'video/mp4',
        cacheControl: 'public, max-age=31536000, immutable',
      };
      const playlist = {
        name: 'cam1/index.m3u8',
        contentType: 'application/vnd.apple.mpegurl',
        cacheControl: 'public, max-age=1',
      };
      pusher.take(cameraId, { ...media, rewritten: false, needs: [], data: new Uint8Array(1000) });
      pusher.take(cameraId, { ...playlist, rewritten: true, needs: [media.name], data: Buffer.from(text) });
      await pusher.drain(AbortSignal.timeout(10_000));
    };
    const old = writer('old');
    old.open(cameraId);
    await push(old, 'one');
    const young = writer('young');
    young.open(cameraId);
    await push(young, 'two');
    // A look of the one before is believed for a second.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await push(old, 'three');
    old.stop();
    young.stop();
    expect(told).toEqual(['old fenced']);
    const found = async (key: string) => direct.send(new HeadObjectCommand({ Bucket, Key: `${prefix}live/${key}` }));
    expect(await found('cam1/video/one.m4s')).toMatchObject({
      ContentType: 'video/mp4',
      CacheControl: expect.stringContaining('immutable'),
    });
    expect(await found('cam1/index.m3u8')).toMatchObject({
      ContentType: 'application/vnd.apple.mpegurl',
      CacheControl: 'public, max-age=1',
    });
    expect(Buffer.from(await store.get('live/cam1/index.m3u8')).toString()).toBe('two');
    await stop();
  });

  it('leaves no parts behind when a large put is given up', async () => {
    const { store, stop } = await started();
    const abort = new AbortController();
    const put = store.put('large', new Uint8Array(30_000_000), { signal: abort.signal });
    while ((await uploads()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    abort.abort(new Error('enough'));
    await expect(put).rejects.toThrow('enough');
    expect(await uploads()).toEqual([]);
    expect(await store.head('large')).toBeUndefined();
    await stop();
  });

  it('refuses to start with a wrong secret, an unknown key, or no such bucket', async () => {
    for (const [changes, code] of [
      [{ credentials: { 'access-key': 'test', 'secret-key': 'wrong' } }, 'STORE_DENIED'],
      [{ credentials: { 'access-key': 'nobody', 'secret-key': 'testsecret' } }, 'STORE_DENIED'],
      [{ bucket: 'no-such-bucket' }, 'STORE_BUCKET_UNKNOWN'],
    ] as const) {
      const { store, start, stop } = await started(changes);
      await expect(start()).rejects.toMatchObject({ code });
      await expect(store.put('a', new Uint8Array(1), { overwrite: true })).rejects.toMatchObject({ code });
      await stop();
    }
  });

  it('holds the past of timeshift.ring: through an outage, and one in which the process is killed', async () => {
    const gate = await openGate(Number(new URL(server.endpoint).port));
    const { store, stop } = await started({ endpoint: gate.url, timeout: '2s', attempts: 2 });
    const folder = await mkdtemp(join(tmpdir(), 'eddy-s3-ring-'));
    const fail = (error: unknown): never => {
      throw error;
    };
    const index = await SqliteIndex.open(join(folder, 'index.db'), { onCrash: fail, onWatcherError: fail });
    const options = { store, index, dir: join(folder, 'log'), config: { window: '10s' } };
    const cam = 'cam1' as never;
    const ever = { start: 0, end: Number.MAX_SAFE_INTEGER };
    const bytesOf = (number: number): Buffer => Buffer.concat(segments(number, number).map(({ data }) => data));

    const ring = await durableRing(options);
    const record = async (from: number, to: number): Promise<void> => {
      for (let number = from; number <= to; number += 1) {
        ring.feed('cam1', segments(number, number));
        await ring.clock.advance(2000);
      }
    };
    const isDown = async (): Promise<boolean> => (await ring.timeline.state()).store === 'down';
    await record(0, 2);
    await ring.archived();
    gate.shut();
    await record(3, 12);
    await eventually('the outage to be seen', isDown);
    expect(await ring.timeline.segments(cam, ever)).toHaveLength(13);
    gate.open();
    await eventually('all to be caught up', async () => {
      await ring.clock.advance(1000);
      return (await ring.timeline.state()).waiting.segments === 0;
    });
    expect(ring.acknowledged().map((id) => Number(/-(\d+)\.w1/.exec(id)![1]))).toEqual(
      Array.from({ length: 13 }, (_, number) => FIRST + number),
    );
    gate.shut();
    await record(13, 15);
    await eventually('the second outage to be seen', isDown);
    await ring.logged(12);
    await ring.crash();
    gate.open();

    // Nothing of it is in memory any more: all is read from the bucket.
    const { clock } = ring;
    let begun = false;
    const beginning = durableRing({ ...options, clock }).finally(() => (begun = true));
    await eventually('the ring to begin', async () => {
      await clock.advance(500);
      return begun;
    });
    const reborn = await beginning;
    // Where an attempt of the outage still fails, the next one is due by the ring's clock.
    await eventually('all to be stored', async () => {
      await clock.advance(500);
      return (await reborn.timeline.state()).waiting.segments === 0;
    });
    const found = await reborn.timeline.segments(cam, ever);
    expect(found).toHaveLength(16);
    for (const [number, { id, track }] of found.entries()) {
      const read = await reborn.timeline.read(cam, track, id.split('/')[2]!);
      expect(Buffer.compare(Buffer.from(read!), bytesOf(number)), id).toBe(0);
    }
    const keys: string[] = [];
    for await (const { key } of listAll(store, 'cam1/')) if (key.includes('/video/1')) keys.push(key);
    expect(keys).toEqual(found.map(({ url }) => url));
    await reborn.stop();
    await index.close();
    await stop();
    await gate.close();
    await rm(folder, { recursive: true, force: true });
  });

  describe('with a server that fails', () => {
    /** Behaves as told for the first connections, then passes on to the real server. */
    async function flaky(behave: (socket: Socket) => void, times: number) {
      const { connect } = await import('node:net');
      const sockets = new Set<Socket>();
      let connections = 0;
      const proxy: Server = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        if (connections++ < times) return behave(socket);
        const upstream = connect(Number(new URL(server.endpoint).port), '127.0.0.1');
        upstream.on('error', () => socket.destroy());
        socket.pipe(upstream).pipe(socket);
      });
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      const { port } = proxy.address() as { port: number };
      const close = async (): Promise<void> => {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => proxy.close(resolve));
      };
      return { endpoint: `http://127.0.0.1:${port}`, close, connections: () => connections };
    }

    it('tries again after connections that break and answers that never come', async () => {
      const behaviours = [
        (socket: Socket) => void socket.destroy(),
        () => undefined,
        (socket: Socket) => void socket.end('HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
      ];
      for (const behave of behaviours) {
        const proxy = await flaky(behave, 2);
        const { store, stop } = await started({ endpoint: proxy.endpoint, timeout: '300ms' });
        await store.put('a', Uint8Array.of(1, 2, 3));
        expect(await store.get('a')).toEqual(Uint8Array.of(1, 2, 3));
        expect(proxy.connections()).toBeGreaterThan(2);
        await stop();
        await proxy.close();
      }
    });

    it('gives up after so many attempts, and starts nevertheless', async () => {
      const proxy = await flaky(() => undefined, Infinity);
      const away = await started({ endpoint: proxy.endpoint, timeout: '100ms', attempts: 2 });
      await away.start();
      expect(away.engine.reports).toMatchObject([{ code: 'store.s3/NOT_REACHED' }]);
      await expect(away.store.get('a')).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
      expect(proxy.connections()).toBe(4);
      await away.stop();
      await proxy.close();
    });
  });
});

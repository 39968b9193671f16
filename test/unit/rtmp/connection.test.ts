import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { EddyError } from 'eddy/plugin';
import { MESSAGE, RtmpClient } from '../../support/rtmp-client.ts';
import { AVC_HIGH, avcFrame, avcHeader, nal } from '../../support/flv-bodies.ts';
import { eventually, FakeEngine, type FakeOptions } from './fake-context.ts';

const engines: FakeEngine[] = [];
async function start(options?: FakeOptions): Promise<FakeEngine> {
  const engine = await FakeEngine.start(options);
  engines.push(engine);
  return engine;
}
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

describe('publishing', () => {
  it('is announced only after the engine accepted', async () => {
    const decision = Promise.withResolvers<void>();
    const engine = await start({ authorize: () => decision.promise });
    const client = await RtmpClient.open(engine.port);
    await client.shake();
    await client.connect('live', 'rtmp://127.0.0.1/live');
    client.command('createStream', 2, null);
    client.command('publish', 3, null, 'acme.door1?token=abc', 'live');
    await eventually(() => engine.requests.length === 1, 'the request');
    expect(engine.requests[0]).toEqual({
      cameraId: 'acme.door1',
      credentials: { token: 'abc' },
      peer: { address: '127.0.0.1', protocol: 'rtmp', userAgent: 'test/1.0' },
    });
    expect(client.status).toBeUndefined();
    decision.resolve();
    await client.until(() => client.status !== undefined, 'the answer');
    expect(client.status).toBe('NetStream.Publish.Start');
    await client.destroy();
  });

  it.each([
    ['PUBLISH_REFUSED', 'NetStream.Publish.Unauthorized'],
    ['AUTH_UNAVAILABLE', 'NetStream.Publish.Unauthorized'],
    ['PUBLISH_CONFLICT', 'NetStream.Publish.BadName'],
    ['CAMERA_ID_INVALID', 'NetStream.Publish.BadName'],
    ['GATE_CLOSED', 'NetStream.Publish.BadName'],
  ] as const)('refused by %s is told %s with the message, and the socket goes', async (code, status) => {
    const engine = await start({
      authorize: () => {
        throw new EddyError(code, `no: ${code} (für dich)`);
      },
    });
    const client = await RtmpClient.publish(engine.port, 'cam1');
    await client.closed;
    expect(client.status).toBe(status);
    expect(client.said).toContain(`no: ${code} (f?r dich)`);
    expect(engine.ended('publish-refused')).toBe(1);
    expect(engine.publications).toHaveLength(0);
  });

  it('takes the token from the app and from tcUrl, or user and password', async () => {
    const engine = await start();
    const one = await RtmpClient.publish(engine.port, 'a', { app: 'live?token=x' });
    const two = await RtmpClient.publish(engine.port, 'b', { tcUrl: 'rtmp://127.0.0.1/live?token=y' });
    const three = await RtmpClient.publish(engine.port, 'c?user=ann&pass=z');
    expect(engine.requests.map(({ credentials }) => credentials)).toEqual([
      { token: 'x' },
      { token: 'y' },
      { user: 'ann', password: 'z' },
    ]);
    await Promise.all([one.destroy(), two.destroy(), three.destroy()]);
  });

  it('ends the publication of a peer that left while it was judged', async () => {
    const decision = Promise.withResolvers<void>();
    const engine = await start({ authorize: () => decision.promise });
    const client = await RtmpClient.open(engine.port);
    await client.shake();
    await client.connect('live', 'rtmp://127.0.0.1/live');
    client.command('publish', 3, null, 'cam1', 'live');
    await eventually(() => engine.requests.length === 1, 'the request');
    await client.destroy();
    await eventually(() => engine.ended('peer-closed') === 1, 'the end');
    decision.resolve();
    await eventually(() => engine.publications[0]?.ended === 'publisher-ended', 'the publication to end');
  });

  it('ends when the publisher says so, and when its socket goes', async () => {
    const engine = await start();
    const polite = await RtmpClient.publish(engine.port, 'a');
    const rude = await RtmpClient.publish(engine.port, 'b');
    await polite.end();
    await rude.destroy();
    await eventually(() => engine.publications.every(({ ended }) => ended === 'publisher-ended'), 'both ends');
    expect(engine.ended('publisher-left')).toBe(1);
    expect(engine.ended('peer-closed') + engine.ended('socket-error')).toBe(1);
  });

  it.each([
    ['PUBLISH_REPLACED', 'NetStream.Publish.BadName'],
    ['GATE_CLOSED', 'NetConnection.Connect.Closed'],
  ] as const)('dismissed by the engine with %s is told %s', async (code, status) => {
    const engine = await start();
    const client = await RtmpClient.publish(engine.port, 'cam1');
    engine.publications[0]!.abort.abort(new EddyError(code, 'you must go'));
    await client.closed;
    expect(client.status).toBe(status);
    expect(client.said).toContain('you must go');
    expect(engine.ended('publication-ended')).toBe(1);
  });
});

describe('flow control', () => {
  it('acknowledges what it received, as often as the peer asks', async () => {
    const engine = await start();
    const client = await RtmpClient.publish(engine.port, 'cam1');
    client.setChunkSize(60_000);
    client.raw(Buffer.from('02000000000004050000000000002710', 'hex')); // window of 10000 bytes
    client.send('video', 0, avcHeader(AVC_HIGH));
    for (let i = 0; i < 10; i++) client.send('video', i * 40, avcFrame(true, 0, nal(Buffer.alloc(9000, 0x65))));
    const acks = (): number[] =>
      client.received.filter(({ type }) => type === MESSAGE.ack).map(({ body }) => body.readUInt32BE());
    await client.until(() => (acks().at(-1) ?? 0) > 80_000, 'acknowledgements');
    expect(acks()).toEqual([...acks()].sort((a, b) => a - b));
    expect(acks().at(-1)).toBeLessThanOrEqual(client.socket.bytesWritten);
    await client.destroy();
  });

  it('answers pings', async () => {
    const engine = await start();
    const client = await RtmpClient.publish(engine.port, 'cam1');
    client.raw(Buffer.from('0200000000000604000000000006deadbeef', 'hex'));
    await client.until(
      () => client.received.some(({ type, body }) => type === MESSAGE.user && body.toString('hex') === '0007deadbeef'),
      'pong',
    );
    await client.destroy();
  });

  it('holds the socket back while a writer is full, and goes on after', async () => {
    const engine = await start();
    const client = await RtmpClient.publish(engine.port, 'cam1');
    client.setChunkSize(60_000);
    client.send('video', 0, avcHeader(AVC_HIGH));
    const publication = engine.publications[0]!;
    publication.full = true;
    const frame = avcFrame(true, 0, nal(Buffer.alloc(200_000, 0x65)));
    const count = 100;
    for (let i = 0; i < count; i++) client.send('video', i * 40, frame);
    await eventually(() => publication.items > 0, 'the first frame');
    await new Promise((settle) => setTimeout(settle, 100));
    // One socket buffer at most was under way when the writer said no.
    expect(publication.items).toBeLessThan(3);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    publication.makeRoom();
    await eventually(() => publication.items === count, 'all frames');
    await client.destroy();
  });

  it('lets a publisher go that the pipeline does not take', async () => {
    const engine = await start({ config: { limits: { blocked: '50ms' } } });
    const client = await RtmpClient.publish(engine.port, 'cam1');
    engine.publications[0]!.full = true;
    client.send('video', 0, avcHeader(AVC_HIGH));
    client.send('video', 0, avcFrame(true, 0, nal(Buffer.of(0x65, 1))));
    await eventually(() => engine.ended('downstream-blocked') === 1, 'the end');
    expect(engine.publications[0]!.ended).toBe('failed');
    await client.closed;
  });
});

describe('the listener', () => {
  it('runs several times in one process, on ports of the system', async () => {
    const [one, two] = [await start(), await start({ config: { app: 'other' } })];
    expect(one.port).not.toBe(two.port);
    const clients = [
      await RtmpClient.publish(one.port, 'cam1'),
      await RtmpClient.publish(two.port, 'cam1', { app: 'other' }),
    ];
    expect(clients.map(({ status }) => status)).toEqual(['NetStream.Publish.Start', 'NetStream.Publish.Start']);
    await one.stop();
    await clients[0]!.closed;
    clients[1]!.send('video', 0, avcHeader(AVC_HIGH));
    await eventually(() => two.publications[0]!.tracks.length === 1, 'the other goes on');
    await clients[1]!.destroy();
  });

  it('stops awaited, twice, before start, and with everybody still in', async () => {
    const fresh = new FakeEngine();
    await fresh.stop();
    const engine = await start();
    const port = engine.port;
    const clients = [await RtmpClient.publish(engine.port, 'cam1'), await RtmpClient.open(engine.port)];
    await Promise.all([engine.stop(), engine.stop()]);
    expect(engine.ended('stopped')).toBe(2);
    expect(engine.publications[0]!.ended).toBe('publisher-ended');
    await Promise.all(clients.map(({ closed }) => closed));
    await expect(RtmpClient.open(port)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('lets those who are in stay when the gate closes', async () => {
    const engine = await start();
    const port = engine.port;
    const client = await RtmpClient.publish(port, 'cam1');
    await engine.ingest.close!();
    await expect(RtmpClient.open(port)).rejects.toThrow(/ECONNREFUSED/);
    client.send('video', 0, avcHeader(AVC_HIGH));
    await eventually(() => engine.publications[0]!.tracks.length === 1, 'the camera goes on');
    await client.destroy();
  });

  it('says which address it cannot have', async () => {
    const engine = await start();
    const second = new FakeEngine({ config: { listen: `127.0.0.1:${engine.port}` } });
    await expect(second.ingest.start!()).rejects.toMatchObject({
      code: 'ingest.rtmp/LISTEN_FAILED',
      kind: 'resource',
      message: expect.stringContaining(String(engine.port)),
    });
    await second.stop();
  });

  it('lets one address connect so many times in a while', async () => {
    const engine = await start({ config: { limits: { 'connection-rate': '2 in 1h' } } });
    const clients = [await RtmpClient.publish(engine.port, 'cam1'), await RtmpClient.open(engine.port)];
    const third = await RtmpClient.open(engine.port);
    await third.closed;
    expect(engine.ended('peer-rate')).toBe(1);
    expect(clients[0]!.over).toBe(false);
  });

  it('hears no more keys of an address that was refused too often, but for those that were good there', async () => {
    const engine = await start({
      config: { limits: { refusals: '2 in 1h' } },
      authorize: ({ credentials }) => {
        if (!credentials.token?.startsWith('good')) throw new EddyError('PUBLISH_REFUSED', 'this key is none');
      },
    });
    const publish = async (name: string): Promise<string | undefined> => {
      const client = await RtmpClient.publish(engine.port, name);
      return client.status;
    };
    const [started, refused] = ['NetStream.Publish.Start', 'NetStream.Publish.Unauthorized'];
    expect(await publish('cam1?token=bad1')).toBe(refused);
    expect(await publish('cam2?token=good')).toBe(started);
    expect(await publish('cam3?token=bad2')).toBe(refused);
    expect(engine.requests).toHaveLength(3);
    expect(await publish('cam4?token=bad3')).toBe(refused);
    expect(await publish('cam5?token=good')).toBe(refused);
    expect(engine.requests).toHaveLength(3);
    expect(await publish('cam2?token=good')).toBe(started);
  });

  it('serves RTMP and RTMPS side by side, with one count of their connections', async () => {
    const tls = { cert: 'rtmps-cert.pem', key: 'rtmps-key.pem', listen: '127.0.0.1:0' };
    const engine = await start({
      config: { tls, limits: { 'connections-per-peer': 2, handshake: '300ms' } },
      baseDir: join(import.meta.dirname, '../../media/fixtures'),
    });
    const [plain, secure] = engine.ingest.addresses.map((address) => address!.port);
    await RtmpClient.publish(plain!, 'cam1');
    await RtmpClient.publish(secure!, 'cam2', { tls: true });
    expect(engine.requests.map(({ cameraId }) => cameraId)).toEqual(['cam1', 'cam2']);
    await expect(RtmpClient.open(secure!, { tls: true })).rejects.toThrow(/ECONNRESET|disconnected/);
    expect(engine.ended('peer-limit')).toBe(1);
  });

  it('ends a TLS handshake that does not come to its end, and counts it meanwhile', async () => {
    const tls = { cert: 'rtmps-cert.pem', key: 'rtmps-key.pem' };
    const engine = await start({
      config: { tls, limits: { 'connections-per-peer': 1, handshake: '300ms' } },
      baseDir: join(import.meta.dirname, '../../media/fixtures'),
    });
    const silent = await RtmpClient.open(engine.port);
    const second = await RtmpClient.open(engine.port);
    await second.closed;
    expect(engine.ended('peer-limit')).toBe(1);
    await silent.closed;
    expect(engine.ended('tls-failed')).toBe(1);
    expect((await RtmpClient.publish(engine.port, 'cam1', { tls: true })).status).toBe('NetStream.Publish.Start');
  });

  it('says which TLS file it cannot read', async () => {
    const engine = new FakeEngine({ config: { tls: { cert: './no-such.pem', key: './no-such.key' } } });
    await expect(engine.ingest.start!()).rejects.toMatchObject({ code: 'ingest.rtmp/TLS_FILE_UNREADABLE' });
    await engine.stop();
  });
});

/**
 * Strangers at the RTMP port: each ends its own connection with a counted reason, and a camera that is live meanwhile
 * notices nothing. The cases are those that ended, or hung, node-media-server's own server.
 */
import { createConnection } from 'node:net';
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { amf0 } from '../support/amf0-writer.ts';
import { AVC_HIGH, avcFrame, avcHeader, nal } from '../support/flv-bodies.ts';
import { basicHeader, chunks, MESSAGE, RtmpClient } from '../support/rtmp-client.ts';
import { eventually, FakeEngine, type FakePublication } from '../unit/rtmp/fake-context.ts';

const TC_URL = 'rtmp://127.0.0.1/live';
const LIMITS = {
  handshake: '300ms',
  publish: '600ms',
  idle: '600ms',
  backlog: '32KiB',
  'connections-per-peer': 400,
  'connection-rate': '100000 in 1s',
};

let engine: FakeEngine;
let live: RtmpClient;
let liveTimer: NodeJS.Timeout;
let liveTime = 0;
const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);
const liveCamera = (): FakePublication => engine.byCamera.get('live')!;

beforeAll(async () => {
  process.on('uncaughtException', note).on('unhandledRejection', note);
  engine = await FakeEngine.start({ config: { limits: LIMITS } });
  live = await RtmpClient.publish(engine.port, 'live');
  live.send('video', 0, avcHeader(AVC_HIGH));
  liveTimer = setInterval(
    () => live.send('video', (liveTime += 20), avcFrame(true, 0, nal(Buffer.alloc(500, 0x65)))),
    20,
  );
});

afterEach(async () => {
  // The live camera got all its frames, in order, and goes on.
  const { items } = liveCamera().track('video');
  const before = items.length;
  await eventually(() => items.length > before + 1, 'the live camera to go on');
  expect(items.every((item, i) => item.dts === (i + 1) * 20)).toBe(true);
  expect(live.over).toBe(false);
  expect(engine.errors).toEqual([]);
  expect(uncaught).toEqual([]);
});

afterAll(async () => {
  clearInterval(liveTimer);
  await engine.stop();
  process.off('uncaughtException', note).off('unhandledRejection', note);
});

/** How many strangers went for which reason. */
const gone = new Map<string, number>();

/** Runs a stranger, and expects its connection to end for this one reason. */
async function expectEnd(reason: string, act: (client: RtmpClient) => void | Promise<void>): Promise<void> {
  const before = engine.ended(reason);
  const client = await RtmpClient.open(engine.port);
  await act(client);
  await client.closed;
  expect(engine.ended(reason)).toBe(before + 1);
  gone.set(reason, (gone.get(reason) ?? 0) + 1);
}

const shaken = (act: (client: RtmpClient) => void | Promise<void>) => async (client: RtmpClient) => {
  await client.shake();
  await act(client);
};
const connected = (act: (client: RtmpClient) => void | Promise<void>) =>
  shaken(async (client) => {
    await client.connect('live', TC_URL);
    await act(client);
  });
let names = 0;
const publishing = (act: (client: RtmpClient) => void | Promise<void>) =>
  connected(async (client) => {
    client.command('createStream', 2, null);
    client.command('publish', 3, null, `stranger${names++}`, 'live');
    await client.until(() => client.status === 'NetStream.Publish.Start', 'acceptance');
    await act(client);
  });
const command = (body: Uint8Array): Buffer => chunks({ type: MESSAGE.command, body });
/** A header that announces `length` bytes, with the first 128 of them. */
const announced = (length: number, chunkStream: number): Buffer => {
  const bytes = chunks({ type: MESSAGE.video, body: Buffer.alloc(128), chunkStream });
  bytes.writeUIntBE(length, basicHeader(0, chunkStream).length + 3, 3);
  return bytes;
};

describe('handshake', () => {
  it('in another version', () => expectEnd('handshake-invalid', (client) => void client.raw(Buffer.alloc(1537, 6))));
  it('of HTTP', () =>
    expectEnd('handshake-invalid', (client) => void client.raw(Buffer.from('GET / HTTP/1.1\r\n\r\n'))));
  it('that never ends', () => expectEnd('handshake-deadline', (client) => void client.raw(Buffer.alloc(1000, 3))));
  it('and then nothing', () =>
    expectEnd(
      'publish-deadline',
      shaken(() => undefined),
    ));
});

describe('connect', () => {
  it.each([
    ['without its object', () => amf0('connect', 1)],
    ['with null', () => amf0('connect', 1, null)],
    ['without tcUrl', () => amf0('connect', 1, { app: 'live' })],
    ['with a bad tcUrl', () => amf0('connect', 1, { app: 'live', tcUrl: '::::' })],
    ['with a tcUrl that is no text', () => amf0('connect', 1, { app: 'live', tcUrl: { href: TC_URL } })],
    ['with an app that is no text', () => amf0('connect', 1, { app: 7, tcUrl: TC_URL })],
  ])('%s', (_what, body) =>
    expectEnd(
      'connect-invalid',
      shaken((client) => void client.raw(command(body()))),
    ),
  );

  it('twice', () =>
    expectEnd(
      'connect-invalid',
      connected((client) => client.command('connect', 9, { app: 'live', tcUrl: TC_URL })),
    ));

  it('to another app is told so', () =>
    expectEnd(
      'app-unknown',
      shaken(async (client) => {
        await client.connect('vod', 'rtmp://127.0.0.1/vod').catch(() => undefined);
        await client.closed;
        expect(client.status).toBe('NetConnection.Connect.InvalidApp');
        expect(client.said).toContain('rtmp://host/live/{camera}');
      }),
    ));
});

describe('chunks', () => {
  it.each([
    ['zero', Buffer.alloc(4)],
    ['no bytes', Buffer.alloc(0)],
    ['a negative number', Buffer.alloc(4, 0xff)],
  ])('SetChunkSize of %s', (_what, body) =>
    expectEnd(
      'chunk-size-invalid',
      shaken((client) => void client.raw(chunks({ type: MESSAGE.chunkSize, body, chunkStream: 2 }))),
    ),
  );

  it('a header that shrinks a message in progress', () =>
    expectEnd(
      'chunk-header-invalid',
      shaken((client) => void client.raw(Buffer.concat([announced(5000, 6), announced(64, 6)]))),
    ));

  it('a continuation of nothing', () =>
    expectEnd(
      'chunk-header-invalid',
      shaken((client) => void client.raw(basicHeader(3, 40))),
    ));

  it('16 MB announced on 60 chunk streams', () =>
    expectEnd(
      'message-too-large',
      shaken((client) => {
        for (let i = 0; i < 60; i++) client.raw(announced(16_000_000, 100 + i));
      }),
    ));

  it('8 MB announced on each of many chunk streams', () =>
    expectEnd(
      'reassembly-limit',
      shaken((client) => {
        for (let i = 0; i < 60; i++) client.raw(announced(8_000_000, 100 + i));
      }),
    ));

  it('a thousand chunk streams', () =>
    expectEnd(
      'chunk-stream-limit',
      shaken((client) => {
        for (let i = 0; i < 1000; i++)
          client.raw(chunks({ type: MESSAGE.ack, body: Buffer.alloc(4), chunkStream: 64 + i }));
      }),
    ));

  it('control messages without their bytes', async () => {
    for (const type of [MESSAGE.abort, MESSAGE.window, MESSAGE.user]) {
      await expectEnd(
        'control-invalid',
        shaken((client) => void client.raw(chunks({ type, body: Buffer.alloc(1), chunkStream: 2 }))),
      );
    }
  });
});

describe('commands', () => {
  it.each([
    ['truncated AMF', amf0('connect', 1, { app: 'live', tcUrl: TC_URL }).subarray(0, -8)],
    ['an unknown AMF marker', Buffer.concat([amf0('connect', 1), Buffer.of(0x7f)])],
    ['an AMF array of 4 billion', Buffer.concat([amf0('connect', 1), Buffer.of(10, 255, 255, 255, 255)])],
    [
      'AMF nested a thousand deep',
      Buffer.concat([
        amf0('connect', 1),
        ...Array.from({ length: 1000 }, () => Buffer.of(10, 0, 0, 0, 1)),
        Buffer.of(5),
      ]),
    ],
  ])('%s', (_what, body) =>
    expectEnd(
      'amf-invalid',
      shaken((client) => void client.raw(chunks({ type: MESSAGE.command, body }))),
    ),
  );

  it.each([
    ['without a name', [null]],
    ['with a number for a name', [null, 42]],
    ['with an object for a name', [null, { name: 'cam1' }]],
    ['with an empty name', [null, '']],
    ['with nothing but a query', [null, '?token=x']],
    ['with broken escapes', [null, 'cam%zz']],
  ])('publish %s', (_what, rest) =>
    expectEnd(
      'publish-invalid',
      connected((client) => client.command('publish', 3, ...rest)),
    ),
  );

  it('publish before connect', () =>
    expectEnd(
      'publish-invalid',
      shaken((client) => client.command('publish', 3, null, 'cam1')),
    ));

  it('200 names on one connection: the second is told no', async () => {
    const publications = engine.publications.length;
    await expectEnd(
      'publish-twice',
      connected(async (client) => {
        for (let i = 0; i < 200; i++) client.command('publish', 3 + i, null, `many${i}`, 'live');
        await client.closed;
        expect(client.status).toBe('NetStream.Publish.BadName');
      }),
    );
    await eventually(
      () => engine.publications.slice(publications).every(({ ended }) => ended !== undefined),
      'what was begun to end',
    );
    expect(engine.publications.length).toBeLessThanOrEqual(publications + 1);
  });

  it('play', () =>
    expectEnd(
      'player',
      connected((client) => client.command('play', 3, null, 'live')),
    ));
  it('streams without end', () =>
    expectEnd(
      'stream-limit',
      connected((client) => {
        for (let i = 0; i < 100; i++) client.command('createStream', 2 + i, null);
      }),
    ));

  it('questions whose answers are never read', async () => {
    // What the kernel's buffers take comes first: some megabytes.
    const patient = await FakeEngine.start({ config: { limits: { publish: '60s' } } });
    const client = await RtmpClient.open(patient.port);
    await client.shake();
    await client.connect('live', TC_URL);
    client.socket.pause();
    const question = chunks({ type: MESSAGE.command, body: amf0('releaseStream', 4, null, 'x') });
    const many = Buffer.concat(Array.from({ length: 2000 }, () => question));
    while (patient.ended('write-backlog') === 0 && !client.over) {
      if (client.socket.writableLength < 1e6) client.raw(many);
      await new Promise((settle) => setTimeout(settle, 1));
    }
    expect(patient.ended('write-backlog')).toBe(1);
    await Promise.all([client.destroy(), patient.stop()]);
  });
});

describe('media', () => {
  const frame = avcFrame(true, 0, nal(Buffer.alloc(10, 0x65)));

  it('before publish', () =>
    expectEnd(
      'media-before-publish',
      connected((client) => void client.send('video', 0, frame)),
    ));
  it('before connect', () =>
    expectEnd(
      'media-before-publish',
      shaken((client) => void client.raw(chunks({ type: MESSAGE.audio, body: Buffer.of(0xaf) }))),
    ));

  it('before the answer to publish', async () => {
    const slow = await FakeEngine.start({ authorize: () => new Promise((settle) => setTimeout(settle, 100)) });
    const client = await RtmpClient.open(slow.port);
    await client.shake();
    await client.connect('live', TC_URL);
    client.command('publish', 3, null, 'cam1', 'live');
    client.send('video', 0, frame);
    await client.closed;
    expect(slow.ended('media-before-publish')).toBe(1);
    await eventually(() => slow.publications[0]?.ended !== undefined, 'the late publication to end');
    expect(slow.publications[0]!.items).toBe(0);
    await slow.stop();
  });

  it('that is an empty video message', () =>
    expectEnd(
      'media-malformed',
      publishing((client) => void client.send('video', 0, Buffer.alloc(0))),
    ));
  it('with a sequence header of noise', () =>
    expectEnd(
      'media-malformed',
      publishing((client) => void client.send('video', 0, avcHeader(randomBytes(40)))),
    ));
  it('with script data of noise', () =>
    expectEnd(
      'amf-invalid',
      publishing((client) => void client.send('data', 0, Buffer.alloc(20, 0xee))),
    ));
  it('that stops', () =>
    expectEnd(
      'idle',
      publishing(() => undefined),
    ));
  it('that comes a byte at a time, never a whole message', () =>
    expectEnd(
      'idle',
      publishing(async (client) => {
        const bytes = chunks({ type: MESSAGE.video, body: Buffer.alloc(100_000), chunkSize: 100_000 });
        for (let at = 0; !client.over && at < bytes.length; at++) {
          client.raw(bytes.subarray(at, at + 1));
          await new Promise((settle) => setTimeout(settle, 20));
        }
      }),
    ));
});

describe('crowds', () => {
  it('300 idle sockets go at the handshake deadline, and leave nothing', async () => {
    const before = engine.ended('handshake-deadline');
    const sockets = await Promise.all(
      Array.from(
        { length: 300 },
        () =>
          new Promise<ReturnType<typeof createConnection>>((settle, reject) => {
            const socket = createConnection({ port: engine.port, host: '127.0.0.1' }, () => settle(socket));
            socket.on('error', reject);
          }),
      ),
    );
    await Promise.all(sockets.map((socket) => new Promise((settle) => socket.on('close', settle).resume())));
    expect(engine.ended('handshake-deadline')).toBe(before + 300);
  });

  it('of one peer, and in all, end at their limits', async () => {
    const few = await FakeEngine.start({ config: { limits: { 'connections-per-peer': 2 } } });
    const none = await FakeEngine.start({ config: { limits: { connections: 1 } } });
    const held = [await RtmpClient.open(few.port), await RtmpClient.open(few.port), await RtmpClient.open(none.port)];
    const extra = [await RtmpClient.open(few.port), await RtmpClient.open(none.port)];
    await Promise.all(extra.map(({ closed }) => closed));
    expect([few.ended('peer-limit'), none.ended('connection-limit')]).toEqual([1, 1]);
    // A place that is left is free again.
    await held[0]!.destroy();
    await eventually(() => few.ended('peer-closed') + few.ended('socket-error') === 1, 'the place');
    const next = await RtmpClient.publish(few.port, 'cam1');
    expect(next.status).toBe('NetStream.Publish.Start');
    await Promise.all([few.stop(), none.stop()]);
  });

  it('random bytes, after and instead of the handshake', async () => {
    const ends = (): number =>
      [...engine.counters]
        .filter(([name]) => name.startsWith('rtmp_connections_ended_total'))
        .reduce((sum, [, n]) => sum + n, 0);
    const before = ends();
    for (let i = 0; i < 40; i++) {
      const client = await RtmpClient.open(engine.port);
      if (i % 2) await client.shake();
      client.raw(randomBytes(5000));
      client.socket.end();
      await client.closed;
    }
    await eventually(() => ends() === before + 40, 'each to be counted once');
    expect(engine.ended('internal')).toBe(0);
  });
});

it('all of them together', () => {
  const strangers = [...gone.values()].reduce((sum, count) => sum + count, 0);
  const { items } = liveCamera().track('video');
  meetBar({
    what: 'hostile RTMP: the rows of the notes, each its own test',
    bar: 'each ends one connection with a counted reason, never the process; live cameras undisturbed',
    measured: `${strangers} strangers gone for ${gone.size} reasons (${[...gone.keys()].join(', ')}); ${uncaught.length} uncaught errors; ${items.length} frames of the live camera without a gap`,
    pass: uncaught.length === 0 && !live.over && items.every((item, index) => item.dts === (index + 1) * 20),
  });
});

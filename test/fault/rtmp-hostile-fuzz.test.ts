/**
 * Recorded sessions, mutated by a seeded generator, against a running ingest: 10 s in the short form, 60 s as proof.
 * `EDDY_SEED=n` repeats a run's mutations.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { amf0 } from '../support/amf0-writer.ts';
import * as flv from '../support/flv-bodies.ts';
import { chunks, MESSAGE, RtmpClient } from '../support/rtmp-client.ts';
import { eventually, FakeEngine } from '../unit/rtmp/fake-context.ts';
import { atLevel } from '../level.ts';

const SECONDS = atLevel({ test: 10, proof: 60 });
const SEED = Number(process.env.EDDY_SEED ?? 20261123);
const AT_ONCE = 8;

/** Mulberry32: small, seeded, good enough to choose bytes. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof generator>;

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** What stands before the media, after the handshake. */
function prelude(): Buffer {
  const commands = [
    ['connect', 1, { app: 'live', flashVer: 'FMLE/3.0', tcUrl: 'rtmp://127.0.0.1/live', fourCcList: ['hvc1', 'av01'] }],
    ['releaseStream', 2, null, 'fuzz'],
    ['FCPublish', 3, null, 'fuzz'],
    ['createStream', 4, null],
    ['publish', 5, null, 'fuzz?token=x', 'live'],
  ];
  return Buffer.concat(commands.map((values) => chunks({ type: MESSAGE.command, body: amf0(...values) })));
}

/** A session's media: H.264 with AAC, or Enhanced RTMP, with control messages between. */
function media(kind: number): Buffer {
  const parts: Buffer[] = [];
  let chunkSize = 128;
  const message = (type: number, chunkStream: number, timestamp: number, body: Uint8Array): void =>
    void parts.push(chunks({ type, chunkStream, timestamp, body, streamId: 1, chunkSize }));
  const start = kind % 2 ? 0xfffffe : 0;
  message(
    MESSAGE.data,
    5,
    start,
    amf0(
      '@setDataFrame',
      'onMetaData',
      new Map<string, unknown>([
        ['framerate', 25],
        ['encoder', 'x'],
      ]),
    ),
  );
  const picture = flv.nal(Buffer.alloc(900, 0x65));
  if (kind < 2) {
    message(MESSAGE.video, 6, start, flv.avcHeader(flv.AVC_HIGH));
    message(MESSAGE.audio, 4, start, flv.aacHeader(flv.AAC_44));
  } else {
    message(MESSAGE.video, 6, start, flv.exVideo('hvc1', 0, flv.HEVC));
    message(MESSAGE.audio, 4, start, flv.exAudio('Opus', 1, Buffer.of(0xfc, 1)));
  }
  for (let i = 0; i < 12; i++) {
    const at = start + i * 40;
    if (i === 4) {
      message(MESSAGE.chunkSize, 2, 0, uint32(4096));
      chunkSize = 4096;
    }
    if (i === 6) message(MESSAGE.window, 2, 0, uint32(5000));
    if (i === 8)
      message(MESSAGE.video, 6, at, kind < 2 ? flv.avcHeader(flv.AVC_BASELINE) : flv.exVideo('av01', 0, flv.AV1));
    message(
      MESSAGE.video,
      6,
      at,
      kind < 2
        ? flv.avcFrame(i % 4 === 0, 40, picture)
        : flv.exVideo('hvc1', 1, picture, { key: i % 4 === 0, offset: 0 }),
    );
    message(
      MESSAGE.audio,
      4,
      at,
      kind < 2 ? flv.aacFrame(Buffer.alloc(300, i)) : flv.exAudio('Opus', 1, Buffer.alloc(100, 0xfc)),
    );
  }
  message(MESSAGE.command, 3, 0, amf0('deleteStream', 9, null, 1));
  return Buffer.concat(parts);
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that are held after collections: what a leak would add to. Buffers are swept in the background, so it waits. */
async function held(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise((settle) => setTimeout(settle, 100));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const INTERESTING = [0, 1, 2, 3, 8, 9, 18, 20, 0x7f, 0x80, 0xc0, 0xff];

/** A few mutations: bits, bytes, lengths; pieces cut out, doubled or moved. */
function mutate(bytes: Buffer, random: Random): Buffer {
  let out = Buffer.from(bytes);
  for (let n = 1 + random(6); n > 0; n--) {
    const at = random(out.length);
    const length = 1 + random(Math.min(64, out.length - at));
    switch (random(7)) {
      case 0:
        out[at]! ^= 1 << random(8);
        break;
      case 1:
        out[at] = INTERESTING[random(INTERESTING.length)]!;
        break;
      case 2:
        for (let i = at; i < at + length; i++) out[i] = random(256);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at + length), out.subarray(at)]);
        break;
      case 5:
        if (at + 4 <= out.length) out.writeUInt32BE([0, 0xffffff, 0x7fffffff, 0xffffffff][random(4)]!, at);
        break;
      default:
        out = Buffer.from(out.subarray(0, Math.max(1, at)));
    }
    if (out.length === 0) return Buffer.alloc(1);
  }
  return out;
}

it(
  `${SECONDS} s of mutated sessions end their own connections and nothing else`,
  { timeout: (SECONDS + 30) * 1000 },
  async () => {
    const uncaught: unknown[] = [];
    const note = (error: unknown): void => void uncaught.push(error);
    process.on('uncaughtException', note).on('unhandledRejection', note);
    const engine = await FakeEngine.start({
      keep: false,
      dataWanted: true,
      config: { limits: { 'connection-rate': '100000 in 1s' } },
    });
    const live = await RtmpClient.publish(engine.port, 'live');
    const camera = engine.publications[0]!;
    live.send('video', 0, flv.avcHeader(flv.AVC_HIGH));
    let sent = 0;
    const timer = setInterval(
      () => void live.send('video', ++sent * 20, flv.avcFrame(true, 0, flv.nal(Buffer.alloc(500, 0x65)))),
      20,
    );
    const recordings = [0, 1, 2, 3].map(media);
    const begun = prelude();
    const random = generator(SEED);
    let sessions = 0;

    const session = async (): Promise<void> => {
      const seed = random(2 ** 32);
      const own = generator(seed);
      const client = await RtmpClient.open(engine.port);
      try {
        await client.shake();
        if (own(3) === 0) {
          client.raw(mutate(begun, own));
        } else {
          client.raw(begun);
          await client.until(() => client.status !== undefined, 'acceptance');
          client.raw(mutate(recordings[own(recordings.length)]!, own));
        }
        client.socket.end();
        await client.closed;
      } finally {
        client.socket.destroy();
      }
      sessions++;
    };

    try {
      const fuzz = async (seconds: number): Promise<number> => {
        const until = Date.now() + seconds * 1000;
        const rounds = Array.from({ length: AT_ONCE }, async () => {
          while (Date.now() < until) await session();
        });
        await Promise.all(rounds);
        engine.forgetEnded();
        return held();
      };
      // The first third warms up: code is compiled, pools find their size.
      const before = await fuzz(SECONDS / 3);
      const after = await fuzz((SECONDS * 2) / 3);
      clearInterval(timer);
      await eventually(() => camera.items === sent, `all ${sent} frames of the live camera`);
      expect(live.over).toBe(false);
      expect({ uncaught, errors: engine.errors, internal: engine.ended('internal') }).toEqual({
        uncaught: [],
        errors: [],
        internal: 0,
      });
      expect(sessions).toBeGreaterThan(20);

      await live.destroy();
      await eventually(() => engine.publications.every(({ ended }) => ended !== undefined), 'every publication to end');
      expect(process.resourceUsage().maxRSS * 1024).toBeLessThan(800e6);
      const ends = [...engine.counters].filter(([name]) => name.startsWith('rtmp_connections_ended_total '));
      expect(ends.reduce((sum, [, count]) => sum + count, 0)).toBe(sessions + 1);
      const reasons = ends.map(([name, count]) => `${name.split(' ')[1]} ${count}`).join(', ');
      meetBar({
        what: 'hostile RTMP: seeded fuzz',
        bar: '60 s, no crash, memory bounded, live cameras undisturbed',
        measured: `${SECONDS} s, seed ${SEED}: ${sessions} sessions (${reasons}), ${((after - before) / 1e6).toFixed(1)} MB more held, all ${sent} frames of the live camera`,
        pass: camera.items === sent && after - before < 4e6,
      });
    } finally {
      clearInterval(timer);
      await engine.stop();
      process.off('uncaughtException', note).off('unhandledRejection', note);
    }
  },
);

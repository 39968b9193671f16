import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from 'eddy/testing';
import { announceCandidates, announcedAddresses } from '../../../plugins/webrtc/workers/addresses.ts';
import { place } from '../../../plugins/webrtc/workers/placement.ts';
import { WorkerPool } from '../../../plugins/webrtc/workers/pool.ts';
import { asksForKeyFrame, pictureLossIndication } from '../../../plugins/webrtc/workers/rtcp.ts';
import { ntpToEpoch } from '../../../plugins/webrtc/workers/sender-reports.ts';
import type { SfuWorker } from '../../../plugins/webrtc/workers/sfu-worker.ts';

class FakeWorker {
  readonly process = new EventEmitter();
  readonly index: number;
  readonly startedAt: number;
  readonly pid = 1;
  alive = true;
  closed = false;

  constructor(index: number, startedAt: number) {
    this.index = index;
    this.startedAt = startedAt;
  }

  die(): void {
    this.alive = false;
    this.process.emit('died', new Error('killed'));
  }

  async close(): Promise<void> {
    this.alive = false;
    this.closed = true;
  }
}

function makePool(size: number): {
  pool: WorkerPool;
  clock: VirtualClock;
  started: FakeWorker[];
  deaths: string[];
  fail: (error?: Error) => void;
} {
  const clock = new VirtualClock();
  const started: FakeWorker[] = [];
  const deaths: string[] = [];
  let failure: Error | undefined;
  const quiet = (): void => undefined;
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log };
  const pool = new WorkerPool({
    size,
    clock,
    log,
    start: async (index) => {
      if (failure) throw failure;
      const worker = new FakeWorker(index, clock.monotonic());
      started.push(worker);
      return worker as unknown as SfuWorker;
    },
    onDeath: (worker, reason) => deaths.push(`${worker.index} ${reason}`),
  });
  return { pool, clock, started, deaths, fail: (error) => (failure = error) };
}

describe('WorkerPool', () => {
  it('replaces a worker that held at once, one that dies soon after a while, longer each time', async () => {
    const { pool, clock, started, deaths } = makePool(2);
    await pool.start();
    await clock.advance(10_000);
    started[1]!.die();
    await clock.advance(0);
    expect(pool.alive).toHaveLength(2);
    expect(deaths).toEqual(['1 killed']);
    started[2]!.die();
    await clock.advance(70);
    expect(pool.alive).toHaveLength(1);
    await clock.advance(31);
    expect(pool.alive).toHaveLength(2);
    started[3]!.die();
    await clock.advance(101);
    expect(pool.alive).toHaveLength(1);
    await clock.advance(100);
    expect(pool.alive).toHaveLength(2);
    await pool.stop();
    expect(started.filter(({ closed }) => closed)).toHaveLength(2);
  });

  it('lets callers wait for the only worker, for five seconds', async () => {
    const { pool, clock, started, fail } = makePool(1);
    await pool.start();
    started[0]!.die();
    const soon = pool.ready();
    await clock.advance(100);
    expect(await soon).toHaveLength(1);
    fail(new Error('no memory'));
    started[1]!.die();
    const never = expect(pool.ready()).rejects.toMatchObject({ code: 'WEBRTC_WORKERS_DOWN' });
    await clock.advance(5_000);
    await never;
    fail();
    await clock.advance(10_000);
    expect(await pool.ready()).toHaveLength(1);
    started[2]!.die();
    const stopped = expect(pool.ready()).rejects.toMatchObject({ code: 'WEBRTC_WORKERS_DOWN' });
    await pool.stop();
    await stopped;
    await clock.advance(60_000);
    expect(started).toHaveLength(3);
    await expect(pool.ready()).rejects.toMatchObject({ code: 'WEBRTC_WORKERS_DOWN' });
  });

  it('starts none where one cannot start', async () => {
    const { pool, fail } = makePool(2);
    fail(new Error('port taken'));
    await expect(pool.start()).rejects.toThrow('port taken');
    expect(pool.alive).toEqual([]);
  });
});

describe('place', () => {
  const [a, b, c] = [
    { index: 0, load: 9 },
    { index: 1, load: 4 },
    { index: 2, load: 4 },
  ];
  const workers = [a, b, c];

  it.each([
    ['a new camera to the worker with the least load', 'viewer', [], 10, 1],
    ['a publisher to where the camera is, however full', 'publisher', [a], 5, 0],
    ['a viewer to the first router with room', 'viewer', [a, b], 10, 0],
    ['a viewer past a full router', 'viewer', [a, b], 9, 1],
    ['a viewer to a new worker when all its routers are full', 'viewer', [a], 5, 1],
    ['a viewer of a full house to a router that there is', 'viewer', [a, c], 3, 2],
  ] as const)('puts %s', (_what, role, used, full, index) => {
    expect(place({ role, used: used as never, workers, full }).index).toBe(index);
  });
});

describe('addresses', () => {
  const cards = {
    lo: [{ address: '127.0.0.1', family: 'IPv4', internal: true }],
    eth0: [
      { address: '10.0.0.5', family: 'IPv4', internal: false },
      { address: 'fe80::1', family: 'IPv6', internal: false },
      { address: '2001:db8::5', family: 'IPv6', internal: false },
    ],
  };

  it.each([
    ['what is configured', '0.0.0.0', ['203.0.113.1', 'sfu.example'], cards, ['203.0.113.1', 'sfu.example']],
    ['the listen address', '127.0.0.1', [], cards, ['127.0.0.1']],
    ['the network cards for 0.0.0.0', '0.0.0.0', [], cards, ['10.0.0.5']],
    ['both families for [::]', '::', [], cards, ['10.0.0.5', '2001:db8::5']],
    ['loopback on a machine without a network', '0.0.0.0', [], {}, ['127.0.0.1']],
  ])('are %s', (_what, host, configured, interfaces, expected) => {
    expect(announcedAddresses(host, configured, interfaces)).toEqual(expected);
  });

  it('become candidates that differ, earlier ones preferred', () => {
    const bound = [
      {
        foundation: 'udp',
        priority: 1_000_000,
        ip: '0.0.0.0',
        address: '0.0.0.0',
        protocol: 'udp',
        port: 7,
        type: 'host',
      },
    ] as const;
    expect(announceCandidates(bound, ['a', 'b'])).toEqual([
      { foundation: 'udp', priority: 1_000_000, address: 'a', protocol: 'udp', port: 7, type: 'host' },
      { foundation: 'udp1', priority: 999_744, address: 'b', protocol: 'udp', port: 7, type: 'host' },
    ]);
  });
});

describe('rtcp', () => {
  it('finds a key frame request anywhere in a compound, and reads no further than it goes', () => {
    const report = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 1]);
    expect(asksForKeyFrame(report)).toBe(false);
    expect(asksForKeyFrame(Buffer.concat([report, pictureLossIndication(5)]))).toBe(true);
    expect(asksForKeyFrame(Buffer.from([0x84, 206, 0, 0]))).toBe(true);
    expect(asksForKeyFrame(Buffer.from([0x8f, 206, 0, 0]))).toBe(false);
    expect(asksForKeyFrame(Buffer.from([0x80, 201, 0xff, 0xff, 206]))).toBe(false);
    expect(asksForKeyFrame(Buffer.from([0x81, 206]))).toBe(false);
    expect(pictureLossIndication(0x01020304).toString('hex')).toBe('81ce00020000000001020304');
  });

  it('reads NTP time in the eras of 1968 to 2104', () => {
    expect(ntpToEpoch(2_208_988_800, 0x80000000)).toBe(500);
    expect(new Date(ntpToEpoch(0, 0)).toISOString()).toBe('2036-02-07T06:28:16.000Z');
  });
});

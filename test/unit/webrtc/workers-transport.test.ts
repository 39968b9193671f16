import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { DtlsParameters, TransportState } from 'eddy/plugin';
import { VirtualClock } from 'eddy/testing';
import { ClientTransport } from '../../../plugins/webrtc/workers/transport.ts';

/** As much of mediasoup's WebRtcTransport as states and DTLS need. */
class FakeTransport extends EventEmitter {
  readonly id = 't';
  readonly observer = new EventEmitter();
  readonly dtlsParameters = { fingerprints: [] };
  readonly given: unknown[] = [];
  iceState = 'new';
  dtlsState = 'new';
  closed = false;

  async connect(options: { dtlsParameters: unknown }): Promise<void> {
    this.given.push(options.dtlsParameters);
  }

  enter(iceState: string, dtlsState = this.dtlsState): void {
    Object.assign(this, { iceState, dtlsState });
    this.emit('icestatechange', iceState);
    this.emit('dtlsstatechange', dtlsState);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.observer.emit('close');
  }
}

function make(): {
  clock: VirtualClock;
  fake: FakeTransport;
  states: TransportState[];
  transport: ClientTransport;
  router: { counts: { transports: number }; end: string };
  released: () => number;
} {
  const clock = new VirtualClock();
  const fake = new FakeTransport();
  const router = { counts: { transports: 0 }, end: 'closed', worker: { carry: () => () => undefined } };
  let released = 0;
  const transport = new ClientTransport(
    fake as never,
    router as never,
    [],
    {
      clock,
      connectTimeout: 20_000,
      keyFrameInterval: 0,
      most: { incoming: 1, outgoing: 1 },
      log: undefined,
      find: undefined,
      bring: undefined,
    } as never,
    () => void released++,
  );
  const states: TransportState[] = [];
  transport.onState((state) => states.push(state));
  return { clock, fake, states, transport, router, released: () => released };
}

describe('the states of a connection', () => {
  it('ends when nobody connects, and frees its place once', async () => {
    const { clock, states, router, released, transport } = make();
    expect(router.counts.transports).toBe(1);
    await clock.advance(19_999);
    expect(states).toEqual([{ state: 'new' }]);
    await clock.advance(1);
    expect(states.at(-1)).toEqual({ state: 'closed', cause: 'ice' });
    transport.close();
    expect([router.counts.transports, released()]).toEqual([0, 1]);
  });

  it('survives a client that comes back, and ends one that does not', async () => {
    const { clock, fake, states } = make();
    fake.enter('connected', 'connecting');
    fake.enter('completed', 'connected');
    await clock.advance(60_000);
    fake.enter('disconnected');
    await clock.advance(9_000);
    fake.enter('connected');
    await clock.advance(60_000);
    expect(states.map(({ state }) => state)).toEqual(['new', 'connecting', 'connected', 'disconnected', 'connected']);
    fake.enter('disconnected');
    await clock.advance(10_000);
    expect(states.at(-1)).toEqual({ state: 'closed', cause: 'ice' });
  });

  it.each(['closed', 'failed'])('ends with DTLS %s', (dtlsState) => {
    const { fake, states } = make();
    fake.enter('connected', dtlsState);
    expect(states.at(-1)).toEqual({ state: 'closed', cause: 'dtls' });
    fake.enter('disconnected');
    expect(states).toHaveLength(2);
  });

  it('tells the death of its worker from an end of ours', () => {
    const { fake, states, router } = make();
    router.end = 'worker-died';
    fake.close();
    expect(states.at(-1)).toEqual({ state: 'closed', cause: 'worker-died' });
  });
});

describe("a client's side of DTLS", () => {
  const value = Array.from({ length: 32 }, (_, index) => index.toString(16).padStart(2, '0')).join(':');
  const given = async (...fingerprints: DtlsParameters['fingerprints']): Promise<unknown> => {
    const { transport, fake } = make();
    await transport.connect({ role: 'client', fingerprints });
    return fake.given[0];
  };

  it('is handed on as the worker compares it, without algorithms that it does not know', async () => {
    const md5 = { algorithm: 'md5', value: '00' };
    expect(await given({ algorithm: 'SHA-256', value }, md5)).toEqual({
      role: 'client',
      fingerprints: [{ algorithm: 'sha-256', value: value.toUpperCase() }],
    });
  });

  it.each([
    ['no fingerprint', []],
    ['none that is known', [{ algorithm: 'md5', value: '00' }]],
    ['one that is too short', [{ algorithm: 'sha-256', value: value.slice(3) }]],
    ['one that is no digest', [{ algorithm: 'sha-256', value: value.replace('0', 'x') }]],
  ])('is refused with %s', async (_what, fingerprints) => {
    await expect(given(...fingerprints)).rejects.toMatchObject({ code: 'WEBRTC_PARAMETERS_INVALID' });
  });
});

/** events.webhook in the real engine, over real HTTP and a real disk. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance, harness, testPipeline, testPlugin, type TestPipeline } from 'eddy/testing';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/engine/clock.ts';
import type { AnyPlugin, Context } from '../../../core/plugin/index.ts';
import plugin from '../../../plugins/events/webhook/plugin.ts';
import { until } from '../../support/eddy.ts';
import { SECRET, WebhookReceiver } from '../../support/webhook-receiver.ts';

const CONFORMANCE = mkdtempSync(join(tmpdir(), 'eddy-webhook-conformance-'));
afterAll(() => rmSync(CONFORMANCE, { recursive: true, force: true }));

let dir: string;
let receiver: WebhookReceiver;
const running: TestPipeline[] = [];
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'eddy-webhook-'));
  receiver = await new WebhookReceiver().listen();
});
afterEach(async () => {
  for (const pipeline of running.splice(0)) await pipeline.stop();
  await receiver.close();
  rmSync(dir, { recursive: true, force: true });
});

type Tell = (number: number, type?: 'test.told' | 'other.told') => void;

interface Started {
  readonly t: TestPipeline;
  readonly tell: Tell;
  readonly reports: () => string[];
  readonly apply: (config: object) => Promise<unknown>;
}

/** A pipeline whose service "teller" tells numbered events. */
async function start(config: object = {}): Promise<Started> {
  let context!: Context;
  const data = { number: { type: 'number', doc: 'Which.' }, link: { type: 'string', doc: 'Something.' } } as const;
  const events = { 'test.told': { meaning: 'x', data }, 'other.told': { meaning: 'x', data } } as const;
  const teller = testPlugin({ name: 'test.teller', events }, (ctx) => {
    context = ctx;
    return {};
  });
  const full = (more: object): object => ({
    ...{ url: receiver.url, secret: SECRET, events: ['test.*'], outbox: dir, retry: '20ms..100ms', ...config },
    ...more,
  });
  const graph = (more: object) => ({
    services: { hooks: { plugin: plugin as unknown as AnyPlugin, config: full(more) as never }, teller },
  });
  const t = await testPipeline(graph({}), { clock: systemClock });
  running.push(t);
  return {
    t,
    tell: (number, type = 'test.told') =>
      context.events.emit({ type, data: { number, link: 'https://host/?token=abcdef' } }),
    reports: () => t.events.filter(({ type }) => type === 'report').map(({ data }) => String(data?.code)),
    apply: (more) => t.apply(graph(more)),
  };
}

const numbersOf = (): unknown[] => receiver.taken.map(({ body }) => body.data.number);
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
const took = (count: number) => until(`${count} events`, () => receiver.taken.length >= count);

describe('events.webhook', () => {
  for (const check of conformance(plugin, {
    clock: 'real',
    config: {
      url: 'http://127.0.0.1:9/',
      secret: SECRET,
      outbox: CONFORMANCE,
    },
    reconfigureTo: { url: 'http://127.0.0.1:10/', secret: SECRET, outbox: CONFORMANCE },
  }))
    it(check.name, check.run);

  it('sends what was chosen, in order, signed, as the guide describes it, without secrets', async () => {
    const { tell, t } = await start();
    for (const number of numbers(0, 50)) {
      tell(number);
      tell(number, 'other.told');
    }
    await took(50);
    expect(numbersOf()).toEqual(numbers(0, 50));
    expect(receiver.forged).toEqual([]);
    const { id, body, headers } = receiver.taken[0]!;
    expect(id).toMatch(/^evt_[0-9a-f-]{36}$/);
    expect(body).toEqual({
      type: 'test.told',
      at: expect.closeTo(Date.now(), -5),
      pipeline: t.engine.graph!.name,
      stage: 'teller',
      data: { number: 0, link: 'https://host/?token=[redacted]' },
    });
    expect(headers['content-type']).toBe('application/json');
    await until('the meter', async () => (await t.metric('webhook_delivered_total')) === 50);
    expect(await t.metric('webhook_up')).toBe(1);
  });

  it('waits for a receiver that is away, tells of it once, and delivers all in order', async () => {
    const { tell, t, reports } = await start();
    tell(0);
    await took(1);
    await receiver.close();
    for (const number of numbers(1, 100)) tell(number);
    await until('the report', () => reports().includes('events.webhook/DOWN'));
    await until('the meters', async () => (await t.metric('webhook_pending_events')) === 99);
    expect(await t.metric('webhook_oldest_age_seconds')).toBeGreaterThan(0);
    await receiver.listen();
    await took(100);
    expect(numbersOf()).toEqual(numbers(0, 100));
    expect(reports()).toEqual(['events.webhook/DOWN']);
    expect(await t.metric('webhook_failed_total')).toBeGreaterThanOrEqual(3);
  });

  it('tries the same event with the same id and a new time until it is taken; nothing overtakes it', async () => {
    let refusals = 3;
    receiver.answer = () => ({ status: refusals-- > 0 ? 503 : 200 });
    const { tell } = await start();
    for (const number of numbers(0, 5)) tell(number);
    await took(5);
    expect(receiver.received.map(({ body }) => body.data.number)).toEqual([0, 0, 0, ...numbers(0, 5)]);
    expect(new Set(receiver.received.slice(0, 4).map(({ id }) => id)).size).toBe(1);
    expect(new Set(receiver.taken.map(({ id }) => id)).size).toBe(5);
  });

  it('waits as long as Retry-After asks', async () => {
    let first = true;
    const at: number[] = [];
    receiver.answer = () => {
      at.push(performance.now());
      const answer = first ? { status: 429, headers: { 'retry-after': '1' } } : { status: 200 };
      first = false;
      return answer;
    };
    const { tell } = await start();
    tell(0);
    await took(1);
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(990);
  });

  it('gives a receiver its time, and no more', async () => {
    let silent = true;
    receiver.answer = () => (silent ? undefined : { status: 200 });
    const { tell, t } = await start({ timeout: '100ms' });
    tell(0);
    await until('a failure', async () => (await t.metric('webhook_failed_total')) > 0);
    silent = false;
    await took(1);
  });

  it('does not follow redirects', async () => {
    const elsewhere = await new WebhookReceiver().listen();
    receiver.answer = () => ({ status: 307, headers: { location: elsewhere.url } });
    const { tell, t, reports } = await start();
    tell(0);
    await until('the report', () => reports().includes('events.webhook/DOWN'));
    expect(elsewhere.received).toEqual([]);
    expect(t.logs.find(({ code }) => code === 'events.webhook/DOWN')!.msg).toContain('redirects are not followed');
    await elsewhere.close();
  });

  it('ends at 410, and begins again where it is told another address', async () => {
    const other = await new WebhookReceiver().listen();
    receiver.answer = () => ({ status: 410 });
    const { tell, t, reports, apply } = await start();
    tell(0);
    await until('the report', () => reports().includes('events.webhook/GONE'));
    const before = receiver.received.length;
    for (const number of numbers(1, 10)) tell(number);
    await until('the loss', () => reports().includes('events.webhook/EVENTS_LOST'));
    expect(await t.metric('webhook_dropped_total', { reason: 'gone' })).toBe(9);
    expect(receiver.received.length).toBe(before);
    await apply({ url: other.url });
    tell(10);
    await until('the other receiver', () => other.taken.length === 2);
    expect(other.taken.map(({ body }) => body.data.number)).toEqual([0, 10]);
    await other.close();
  });

  it('gives up an event that the receiver calls wrong five times, and tells of it', async () => {
    receiver.answer = ({ body }) => ({ status: body.data.number === 1 ? 422 : 200 });
    const { tell, t, reports } = await start();
    for (const number of numbers(0, 4)) tell(number);
    await took(3);
    expect(numbersOf()).toEqual([0, 2, 3]);
    expect(receiver.received.filter(({ status }) => status === 422)).toHaveLength(5);
    expect(reports()).toContain('events.webhook/EVENTS_LOST');
    expect(t.events).toContainEqual(
      expect.objectContaining({ type: 'events.lost', data: { count: 1, reason: 'refused' } }),
    );
    // What comes afterwards finds a sender that waits for nothing else.
    tell(4);
    await took(4);
  });

  it('takes new secrets without losing an event, and signs with the old ones as well', async () => {
    const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
    const { tell, apply, t } = await start();
    tell(0);
    await took(1);
    await apply({ secret, 'old-secrets': [SECRET] });
    tell(1);
    await took(2);
    expect(receiver.forged).toEqual([]);
    expect(String(receiver.taken[1]!.headers['webhook-signature']).split(' ')).toHaveLength(2);
    expect(t.eventTypes('hooks')).not.toContain('stage.stopped');
    await apply({ secret });
    tell(2);
    await until('a signature that the receiver does not know', () => receiver.forged.length > 0);
  });

  it('keeps what was not delivered over a restart', async () => {
    await receiver.close();
    const first = await start();
    for (const number of numbers(0, 20)) first.tell(number);
    await first.t.stop();
    running.splice(0);
    await receiver.listen();
    await start();
    await took(20);
    expect(numbersOf()).toEqual(numbers(0, 20));
  });

  it('delivers what waits before it stops, where the receiver takes it', async () => {
    receiver.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return { status: 200 };
    };
    const { tell, t } = await start();
    for (const number of numbers(0, 20)) tell(number);
    await t.stop();
    expect(numbersOf()).toEqual(numbers(0, 20));
  });

  it('goes on with a folder that cannot be written, and tells of it', async () => {
    writeFileSync(join(dir, 'hooks'), 'a file where the folder should be');
    const { tell, reports } = await start();
    for (const number of numbers(0, 10)) tell(number);
    await took(10);
    expect(reports()).toEqual(['events.webhook/OUTBOX_DOWN']);
  });

  it('cuts the data of an event that is too large', async () => {
    const h = await harness(plugin, {
      clock: 'real',
      config: { url: receiver.url, secret: SECRET, events: ['report'], outbox: dir },
    });
    h.pipeline.engine.container
      .get('events')
      .emit({ type: 'report', data: { code: 'X', message: 'ü'.repeat(40_000) } });
    await took(1);
    expect(receiver.taken[0]!.body).toMatchObject({ type: 'report', data: {}, cut: true });
    await h.close();
  });

  it('keeps services apart', async () => {
    mkdirSync(join(dir, 'hooks'), { recursive: true });
    const { tell } = await start();
    tell(0);
    await took(1);
    expect(readdirSync(dir)).toEqual(['hooks']);
  });
});

/** events.webhook at work. */
import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { matchesEvent, parseWebhookSecret, type Context, type PluginConfig, type Running } from 'eddy/plugin';
import { eventBody } from '../shared/body.ts';
import { Losses, type LossReason } from '../shared/lost.ts';
import { messageOf } from '../shared/message.ts';
import { parseUrl } from './check.ts';
import { Outbox } from './outbox.ts';
import type { manifest } from './plugin.ts';
import { Sender, type SenderSettings } from './sender.ts';

type Manifest = typeof manifest;
type Config = PluginConfig<Manifest>;

/** How often meters are read, ms. */
const METER_EVERY = 1000;
/** A stop delivers for so long what waits, where the receiver takes it, ms; the rest waits for the next start. */
const STOP_WITHIN = 2000;
/** So many failed attempts in a row are told: one alone is everyday life. */
const DOWN_AFTER = 3;

/** Makes the service. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const { clock, log } = ctx;
  let config = ctx.config;
  const meters = metersOf(ctx);
  const host = (): string => parseUrl(config.url)!.host;
  const losses = new Losses(clock, (count, reason) => {
    ctx.report({ code: 'events.webhook/EVENTS_LOST', message: `${count} events for ${host()} are lost: ${reason}` });
    ctx.events.emit({ type: 'events.lost', data: { count, reason } });
  });
  const lost = (count: number, reason: LossReason): void => {
    meters.dropped.add(count, { reason });
    losses.add(count, reason);
  };
  const outbox = new Outbox({
    dir: join(resolve(ctx.baseDir, config.outbox), ctx.name),
    limit: config['outbox-bytes'],
    fsync: config.fsync,
    clock,
    onDisk: (up, error) => {
      if (up) log.info({}, 'the outbox is written again');
      else
        ctx.report({ code: 'events.webhook/OUTBOX_DOWN', message: `the outbox is not written: ${messageOf(error)}` });
    },
    onDropped: (count) => lost(count, 'full'),
  });
  const sender = new Sender(settingsOf(config), {
    outbox,
    clock,
    onDelivered: () => meters.delivered.add(1),
    onFailed: (reason, failures) => {
      meters.failed.add(1);
      meters.up.set(0);
      log.debug({ reason, failures }, 'an event was not delivered');
      if (failures !== DOWN_AFTER) return;
      const message = `${host()} takes no events: ${reason}; ${outbox.pending} wait`;
      ctx.report({ code: 'events.webhook/DOWN', message });
    },
    onRecovered: () => {
      meters.up.set(1);
      log.info({ waiting: outbox.pending }, `${host()} takes events again; what waited is caught up`);
    },
    onLost: lost,
    onGone: () => {
      meters.up.set(0);
      const message = `${host()} wants no more events (410); ${outbox.pending} wait, and no more are kept`;
      ctx.report({ code: 'events.webhook/GONE', message });
    },
  });

  ctx.events.on((event) => {
    if (!config.events.some((pattern) => matchesEvent(pattern, event.type))) return;
    // Its own losses would fill what has no room.
    if (event.stage === ctx.name && event.type === 'events.lost') return;
    if (sender.gone) return lost(1, 'gone');
    outbox.add({ id: `evt_${randomUUID()}`, at: event.at, body: eventBody(event, ctx.pipeline.name) });
    sender.added();
  });

  return {
    async start() {
      meters.up.set(1);
      const { found, torn } = await outbox.open();
      if (found > 0) log.info({ found, torn }, `${found} events of the last run wait to be delivered`);
      sender.start();
      clock.every(METER_EVERY, () => meters.waiting(outbox, clock.now()));
    },
    async stop() {
      await sender.stop(STOP_WITHIN);
      const unwritten = await outbox.close();
      if (unwritten > 0) lost(unwritten, 'stopped');
    },
    reconfigure(changed: Config) {
      const fixed = ['outbox', 'outbox-bytes', 'fsync'] as const;
      if (fixed.some((key) => changed[key] !== config[key])) return false;
      config = changed;
      sender.configure(settingsOf(changed));
      return true;
    },
  };
}

/** The graph checks have seen to it that url and secrets can be read. */
function settingsOf({ url, secret, 'old-secrets': old, timeout, retry, 'outbox-age': age }: Config): SenderSettings {
  const keys = [secret, ...old].flatMap((each) => {
    const parsed = parseWebhookSecret(each);
    return 'key' in parsed ? [parsed.key] : [];
  });
  return { url: parseUrl(url)!, keys, timeout, retry, age };
}

function metersOf({ metrics }: Context<Manifest>) {
  const pending = metrics.gauge('webhook_pending_events', 'Events that wait to be delivered.');
  const bytes = metrics.gauge('webhook_outbox_bytes', 'Bytes of the outbox.');
  const age = metrics.gauge('webhook_oldest_age_seconds', 'Age of the event that is delivered next; 0 for none.');
  return {
    up: metrics.gauge('webhook_up', '1 where the receiver took the last event, else 0.'),
    delivered: metrics.counter('webhook_delivered_total', 'Events that the receiver took.'),
    failed: metrics.counter('webhook_failed_total', 'Attempts to deliver an event that failed.'),
    dropped: metrics.counter('webhook_dropped_total', 'Events that will not be delivered, by reason.'),
    waiting(outbox: Outbox, now: number): void {
      pending.set(outbox.pending);
      bytes.set(outbox.bytes);
      age.set(outbox.oldestAt === undefined ? 0 : Math.max(0, now - outbox.oldestAt) / 1000);
    },
  };
}

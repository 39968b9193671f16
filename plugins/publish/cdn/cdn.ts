/** Pushes what the publishers of HLS and DASH give into the store. */
import { randomInt } from 'node:crypto';
import type { CameraId, Context, Running } from 'eddy/plugin';
import { Epoch } from './epoch.ts';
import type { manifest } from './plugin.ts';
import { Pusher } from './pusher.ts';
import { sweep } from './sweep.ts';

type Manifest = typeof manifest;

/** How often meters are read, ms. */
const METER_EVERY = 1000;
/** How often it is looked for what is too old: a tenth of "retain", but within these, ms. */
const SWEEP = { min: 60_000, max: 3_600_000 };
/** Losses of one camera are told this often, ms. */
const LOST_EVERY = 10_000;

/** The publisher's code. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const { clock, log, config } = ctx;
  const { store, timeline } = ctx.services;
  const { prefix, memory, writes, retain } = config;
  const meters = metersOf(ctx);
  const writer = randomInt(36 ** 7, 36 ** 8).toString(36);
  let openings = 0;
  const lostAt = new Map<CameraId, number>();
  const pusher = new Pusher({
    ...{ store, clock, prefix, memory, writes },
    read: timeline && ((cameraId, { track, name }) => timeline.read(cameraId, track, name)),
    epoch: (cameraId) => new Epoch(cameraId, { store, clock, prefix, writer: `${writer}${openings++}` }),
    onPushed: (kind, size) => meters.pushed(kind, size),
    onState(up, error) {
      meters.up.set(Number(up));
      if (up) log.info({}, 'the store takes objects again; what waited is caught up');
      else ctx.report({ code: 'publish.cdn/STORE_DOWN', message: `nothing can be pushed: ${messageOf(error)}` });
    },
    onFenced(cameraId) {
      const message = `another writer pushes "${cameraId}" below "${prefix}/" now`;
      ctx.report({ code: 'publish.cdn/FENCED', message, cameraId });
    },
    onLost({ key, cameraId }, error) {
      meters.lost.add(1);
      const now = clock.monotonic();
      if (now - (lostAt.get(cameraId) ?? -Infinity) < LOST_EVERY) return;
      lostAt.set(cameraId, now);
      const why = error === undefined ? 'its bytes are gone' : messageOf(error);
      ctx.report({ code: 'publish.cdn/MEDIA_LOST', message: `"${key}" is not pushed: ${why}`, cameraId });
    },
  });
  let sweeping = false;

  async function clean(): Promise<void> {
    if (sweeping) return;
    sweeping = true;
    try {
      const options = { prefix, before: clock.now() - retain, named: pusher.named() };
      meters.deleted.add(await sweep(store, options));
    } catch (error) {
      log.warn({ err: error }, 'what is too old could not be deleted; tried again later');
    } finally {
      sweeping = false;
    }
  }

  return {
    start() {
      meters.up.set(1);
      clock.every(METER_EVERY, () => meters.waiting(pusher.waiting));
      clock.every(Math.min(SWEEP.max, Math.max(SWEEP.min, retain / 10)), () => void clean());
    },
    flow(flow) {
      const { cameraId } = flow;
      pusher.open(cameraId);
      flow.scope.add(() => pusher.close(cameraId));
      flow.in.objects.onTrack(() => ({ item: (object) => pusher.take(cameraId, object) }));
    },
    drain: (signal) => pusher.drain(signal),
    stop: () => pusher.stop(),
  };
}

function metersOf(ctx: Context<Manifest>) {
  const { metrics } = ctx;
  const pushed = metrics.counter('cdn_pushed_total', 'Objects put into the store: media, and playlists or manifests.');
  const bytes = metrics.counter('cdn_pushed_bytes_total', 'Bytes put into the store.');
  const waiting = metrics.gauge('cdn_waiting_objects', 'Objects that wait to be put into the store.');
  const held = metrics.gauge('cdn_waiting_bytes', 'Bytes of waiting media that are held in memory.');
  const age = metrics.gauge(
    'cdn_waiting_age_seconds',
    'For how long the oldest waiting object has waited; 0 for none.',
  );
  return {
    up: metrics.gauge('cdn_up', '1 where the store takes what it is given, else 0.'),
    lost: metrics.counter('cdn_lost_total', 'Segments that will not be pushed.'),
    deleted: metrics.counter('cdn_deleted_total', 'Objects deleted because of their age.'),
    pushed(kind: 'media' | 'listing', size: number): void {
      pushed.add(1, { kind });
      bytes.add(size, { kind });
    },
    waiting(now: Pusher['waiting']): void {
      waiting.set(now.media, { kind: 'media' });
      waiting.set(now.listings, { kind: 'listing' });
      held.set(now.bytes);
      age.set(now.age / 1000);
    },
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

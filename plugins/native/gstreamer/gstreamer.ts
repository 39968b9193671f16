/** The provider of MediaHosts. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  EddyError,
  siblingModule,
  spawnChild,
  type Child,
  type Context,
  type HostLaunch,
  type Json,
  type MediaHost,
  type ProcessUsage,
  type Running,
} from 'eddy/plugin';
import type { HostMessage, HostRequest } from './control.ts';
import { expandLaunch } from './launch.ts';
import { HEARTBEAT, START_MS } from './limits.ts';
import { GstMediaHost, startError } from './media-host.ts';
import type { manifest } from './plugin.ts';
import type { HostWork } from './shared-host.ts';
import { SharedHosts } from './shared-hosts.ts';

/** The bus poll and a monitor park one thread of libuv's pool each, for good; the file reads of module loading need others. */
const POOL = '5';

/** Makes the service. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const hosts = new Set<MediaHost>();
  const starting = new Set<Promise<unknown>>();
  let stopped = false;
  let elements: Promise<ReadonlySet<string>> | undefined;
  const meters = usageMeters(ctx);
  const niceOf = (spec: HostLaunch): number => Math.min(19, (spec.nice ?? 0) + ctx.config.nice);
  const shared = new SharedHosts({
    clock: ctx.clock,
    niceOf,
    onStart: (host, pid) => ctx.log.debug({ host, pid }, 'host started'),
    onUsage: (host, usage, work) => meters.note(host, usage, work),
    onSlots: (host, taken) => meters.slots(host, taken),
    onEnd: (host, end, labels) => {
      meters.forget(host);
      if (end.cause === 'closed') return ctx.log.debug({ host }, 'shared host ended');
      ctx.log.warn({ host, launches: labels, ...end }, 'a shared host ended; its launches are started anew elsewhere');
      const how = end.signal ?? `code ${end.exitCode}`;
      ctx.report({
        code: 'native.gstreamer/SHARED_HOST_CRASHED',
        message: `the host "${host}" ended (${end.cause}, ${how}) with ${labels.length} launches: ${labels.join(', ')}`,
      });
    },
    onHung: (host, label) => {
      const message = `the launch "${label}" hangs in the host "${host}", which takes no more launches`;
      ctx.report({ code: 'native.gstreamer/HOST_STALLED', message });
    },
  });

  async function launch(spec: HostLaunch): Promise<MediaHost> {
    if (spec.share !== undefined) return shared.launch(spec);
    const start = startHost(spec);
    starting.add(start);
    try {
      return await start;
    } finally {
      starting.delete(start);
    }
  }

  async function startHost(spec: HostLaunch): Promise<MediaHost> {
    if (stopped) throw new EddyError('SERVICE_RESTARTING', `host "${spec.label}": the service has stopped`);
    const expanded = expandLaunch(spec);
    let host: GstMediaHost | undefined;
    let child: Child | undefined;
    try {
      child = await spawnChild({
        label: spec.label,
        entry: siblingModule('./host/host', import.meta.url),
        pipes: expanded.pipes,
        env: { UV_THREADPOOL_SIZE: POOL },
        startTimeout: START_MS,
        heartbeat: HEARTBEAT,
        nice: niceOf(spec),
        onMessage: (message) => host?.onMessage(message as unknown as HostMessage),
        onUsage: (usage) => {
          host?.onUsage(usage);
          meters.note(spec.label, usage, host?.usage);
        },
      });
      // Before the launch runs, so that no message of its elements is lost.
      host = new GstMediaHost(spec, child);
      const request: HostRequest = {
        op: 'launch',
        launch: expanded.describe(child.pipeFds),
        generator: spec.generator ?? null,
        monitor: spec.monitor ?? null,
      };
      await child.request(request as unknown as Json);
      if (stopped) throw new EddyError('SERVICE_RESTARTING', `host "${spec.label}": the service has stopped`);
    } catch (error) {
      const end = await child?.close();
      meters.forget(spec.label);
      throw startError(spec.label, error, end);
    }
    const running = host;
    hosts.add(running);
    ctx.log.debug({ host: spec.label, pid: running.pid }, 'host started');
    void running.ended.then((end) => {
      hosts.delete(running);
      meters.forget(spec.label);
      const failed = end.cause !== 'closed' && end.cause !== 'eos';
      ctx.log[failed ? 'warn' : 'debug']({ host: spec.label, pid: running.pid, ...end }, 'host ended');
    });
    return running;
  }

  async function hasElement(name: string): Promise<boolean> {
    elements ??= listElements();
    // A probe that failed is tried again: the mend may have been made meanwhile.
    elements.catch(() => (elements = undefined));
    return (await elements).has(name);
  }

  return {
    services: { hosts: { launch, hasElement } },
    async stop() {
      stopped = true;
      await Promise.allSettled([...[...hosts].map((host) => host.close()), ...starting, shared.stop()]);
    },
  };
}

/** Every element that this machine has, by one run of gst-inspect: its registry is cached by GStreamer itself. */
async function listElements(): Promise<ReadonlySet<string>> {
  try {
    const { stdout } = await promisify(execFile)('gst-inspect-1.0', [], {
      maxBuffer: 16 * 1024 * 1024,
      timeout: 30_000,
    });
    return new Set([...stdout.matchAll(/^\S+: {2}(\S+): /gm)].map((match) => match[1]!));
  } catch (error) {
    throw new EddyError(
      'native.gstreamer/GSTREAMER_MISSING',
      `gst-inspect-1.0 cannot be run: ${(error as Error).message}`,
      {
        kind: 'resource',
        cause: error,
      },
    );
  }
}

/** Of each host; that of a launch that has one for itself is named by its stage, camera and track. */
function usageMeters(ctx: Context<typeof manifest>): {
  note(host: string, usage: ProcessUsage, work: HostWork | undefined): void;
  slots(host: string, taken: number): void;
  forget(host: string): void;
} {
  const { metrics } = ctx;
  const cpu = metrics.counter('host_cpu_seconds_total', 'Processor time used by a media host.');
  const rss = metrics.gauge('host_resident_bytes', 'Resident memory of a media host.');
  const slots = metrics.gauge('host_slots_used', 'Launches that run side by side in a shared media host.');
  const framesIn = metrics.counter('host_frames_in_total', 'Frames that went into a media host.');
  const framesOut = metrics.counter('host_frames_out_total', 'Frames that came out of a media host.');
  const speed = metrics.gauge(
    'host_speed',
    'Seconds of media that a host gives a second; of several launches, the slowest.',
  );
  const latency = metrics.gauge(
    'host_latency_seconds',
    'From a frame into a host to what was made of it; of several launches, the latest.',
  );
  return {
    note(host, usage, work) {
      cpu.follow(usage.cpuSeconds, { host });
      rss.set(usage.rssBytes, { host });
      if (!work) return;
      framesIn.follow(work.framesIn, { host });
      framesOut.follow(work.framesOut, { host });
      if (work.speed !== undefined) speed.set(work.speed, { host });
      if (work.latency !== undefined) latency.set(work.latency / 1000, { host });
    },
    slots: (host, taken) => slots.set(taken, { host }),
    forget(host) {
      for (const meter of [cpu, rss, slots, framesIn, framesOut, speed, latency]) meter.remove({ host });
    },
  };
}

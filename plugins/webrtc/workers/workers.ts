/** The provider of RtpRouters. */
import { availableParallelism } from 'node:os';
import {
  EddyError,
  type Context,
  type RouterStatus,
  type RtpCapabilities,
  type RtpRouters,
  type Running,
} from 'eddy/plugin';
import { announceCandidates, announcedAddresses } from './addresses.ts';
import { findWorkerBinary } from './binary.ts';
import { MEDIA_CODECS } from './codecs.ts';
import { failure } from './failure.ts';
import { openFeed } from './feed.ts';
import { LayerDemand } from './layer-demand.ts';
import { meterSfu } from './meters.ts';
import { Pipes } from './pipes.ts';
import type { manifest } from './plugin.ts';
import { WorkerPool } from './pool.ts';
import { Routers } from './routers.ts';
import { SfuWorker, type Mediasoup } from './sfu-worker.ts';
import { streamStats } from './stream-stats.ts';
import { openTap } from './tap.ts';
import { ClientTransport, type TransportHost } from './transport.ts';

/** Makes the service. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  let sfu: { readonly service: RtpRouters; stop(): Promise<void> } | undefined;
  const running = (): RtpRouters => {
    if (sfu) return sfu.service;
    throw new EddyError('SERVICE_RESTARTING', `the SFU of "${ctx.name}" does not run`);
  };
  return {
    services: {
      routers: {
        capabilities: async () => running().capabilities(),
        iceServers: async () => running().iceServers(),
        connect: async (...args) => running().connect(...args),
        tap: async (...args) => running().tap(...args),
        feed: async (...args) => running().feed(...args),
        stats: async (...args) => running().stats(...args),
        describe: async () => running().describe(),
      },
    },
    async start() {
      sfu = await startSfu(ctx);
    },
    async stop() {
      const ending = sfu;
      sfu = undefined;
      await ending?.stop();
    },
  };
}

async function startSfu(
  ctx: Context<typeof manifest>,
): Promise<{ readonly service: RtpRouters; stop(): Promise<void> }> {
  const { config, clock, log } = ctx;
  const binary = await findWorkerBinary({
    configured: config['worker-bin'],
    baseDir: ctx.baseDir,
    env: process.env,
  });
  const mediasoup: Mediasoup = await import('mediasoup');
  // One pair of listeners a process, so of several engines in one the last hears for all; the text names the worker's pid.
  mediasoup.setLogEventListeners({
    onerror: (source, text, error) => log.warn({ source, ...(error ? { err: error } : {}) }, `mediasoup: ${text}`),
  });
  const { host, port } = config.listen;
  const pool: WorkerPool = new WorkerPool({
    size: config.workers === 'auto' ? availableParallelism() : config.workers,
    start: (index) => SfuWorker.start(index, { mediasoup, binary, host, port }, clock.monotonic()),
    clock,
    log,
    onDeath(worker, reason) {
      routers.forget(worker);
      meters.death();
      ctx.report({ code: 'WEBRTC_WORKER_DIED', message: `SFU worker ${worker.index} died: ${reason}` });
    },
  });
  const routers = new Routers(pool, config['viewers-per-worker']);
  await pool.start();
  const meters = meterSfu(ctx, pool, routers);
  const addresses = announcedAddresses(host, config.announce);
  const keyFrameInterval = config['keyframe-interval'];
  const pipes = new Pipes(keyFrameInterval);
  const demand = new LayerDemand();
  const transportHost: TransportHost = {
    log,
    clock,
    find: (handle) => routers.find(handle),
    bring: (producer, from, to) => pipes.bring(producer, from, to),
    demand,
    keyFrameInterval,
    connectTimeout: config['consent-timeout'],
    most: { incoming: config['max-incoming'], outgoing: config['max-outgoing'] },
  };

  const service: RtpRouters = {
    capabilities: async () =>
      mediasoup.ortc.generateRouterRtpCapabilities([...MEDIA_CODECS]) as unknown as RtpCapabilities,
    iceServers: async () =>
      config['ice-servers'].map(({ urls, username, credential }) => ({
        urls,
        ...(username === undefined ? {} : { username }),
        ...(credential === undefined ? {} : { credential }),
      })),

    async connect(cameraId, { role = 'viewer', tcp = true } = {}) {
      const { router, release } = await routers.lease(cameraId, role);
      let opened: ClientTransport | undefined;
      try {
        const transport = await router.router.createWebRtcTransport({
          webRtcServer: router.worker.server,
          enableUdp: true,
          enableTcp: tcp && config.tcp,
          preferUdp: true,
          iceConsentTimeout: Math.ceil(config['consent-timeout'] / 1000),
          initialAvailableOutgoingBitrate: Math.min(FIRST_ESTIMATE, config['max-outgoing']),
        });
        const candidates = announceCandidates(transport.iceCandidates, addresses);
        opened = new ClientTransport(transport, router, candidates, transportHost, release);
        await opened.limit(transportHost.most);
        return opened;
      } catch (error) {
        opened?.close();
        release();
        if (!router.worker.alive)
          throw new EddyError('WEBRTC_WORKERS_DOWN', 'the SFU worker died meanwhile', { cause: error });
        throw failure(error, 'open a connection', false);
      }
    },

    async tap(handle) {
      const { producer, ...lease } = await routers.leaseOf(handle);
      return openTap(lease, producer, demand, log);
    },

    async feed(cameraId, kind, rtpParameters) {
      const lease = await routers.lease(cameraId, 'publisher');
      return openFeed(lease, { kind, rtpParameters, keyFrameInterval }, demand, log);
    },

    async stats(handle) {
      const { producer } = routers.find(handle);
      try {
        return (await producer.getStats()).filter((stat) => stat.type === 'inbound-rtp').map(streamStats);
      } catch (error) {
        throw new EddyError('WEBRTC_HANDLE_GONE', `the stream ${handle.producerId} has ended`, { cause: error });
      }
    },

    describe: async () =>
      [...routers.all()]
        .filter((router) => router.opened)
        .map((router): RouterStatus => ({
          routerId: router.id,
          cameraId: router.cameraId,
          worker: router.worker.index,
          pid: router.worker.pid,
          ...router.counts,
        })),
  };

  return {
    service,
    async stop() {
      meters.stop();
      routers.close();
      await pool.stop();
    },
  };
}

/** Where the bandwidth estimate of a viewer begins: enough for a first picture of the middle layer. Bits a second. */
const FIRST_ESTIMATE = 1_000_000;

/** http.server at work: the route table lives as long as the service; listeners under it may be replaced. */
import {
  addressRule,
  CertificateFiles,
  EddyError,
  type Context,
  type HttpServer,
  type PluginConfig,
  type Running,
} from 'eddy/plugin';
import { CorsPolicy } from './cors.ts';
import { Dispatcher, type DispatchOptions } from './dispatch.ts';
import { Guard } from './guard.ts';
import { Listener, type Limits } from './listener.ts';
import type { manifest } from './plugin.ts';
import { clientAddress } from './proxies.ts';
import { RouteTable } from './routes.ts';
import { securityHeaders } from './security-headers.ts';

type Config = PluginConfig<typeof manifest>;

/** How long open requests may go on when a changed configuration moves the listener, ms. */
const MOVE_DEADLINE = 30_000;

/** Makes the service. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const routes = new RouteTable();
  let config = ctx.config;
  const dispatcher = new Dispatcher(routes, ctx.log, dispatchOptions(ctx, config));
  let listener: Listener | undefined;
  /** Listeners that a changed configuration left behind, until their last request is answered. */
  const leaving = new Set<Promise<void>>();
  const end = new AbortController();

  let stopFollowing: (() => void) | undefined;

  async function listen(by: Config): Promise<Listener> {
    const files = by.tls && new CertificateFiles(by.tls, ctx);
    const tls = await files?.read().catch((cause: Error) => {
      throw new EddyError('HTTP_TLS_INVALID', `This server cannot speak TLS: ${cause.message}.`, { cause });
    });
    const next = new Listener({ ...by.listen, tls, limits: limitsOf(by), handle: dispatcher.handle });
    await next.listen();
    stopFollowing?.();
    stopFollowing = files?.follow((certificate) => next.renew(certificate));
    next.onError((error) => ctx.fail(error));
    ctx.log.info({ urls: next.urls() }, `listening on ${next.urls()[0]}`);
    return next;
  }

  function leave(old: Listener): void {
    const closing = old.close(AbortSignal.any([end.signal, AbortSignal.timeout(MOVE_DEADLINE)]));
    leaving.add(closing);
    void closing.finally(() => leaving.delete(closing));
  }

  const service: HttpServer = {
    route: (route) => routes.add(route),
    routes: () => routes.list(),
    get urls() {
      return listener?.urls() ?? [];
    },
  };

  return {
    services: { http: service },

    async start() {
      listener = await listen(config);
      meter(ctx, dispatcher, () => listener?.connections ?? 0);
    },

    async drain(signal) {
      await listener?.close(AbortSignal.any([end.signal, signal]));
    },

    async stop() {
      end.abort();
      stopFollowing?.();
      await listener?.close(end.signal);
      listener = undefined;
      await Promise.all(leaving);
    },

    async reconfigure(changed: Config) {
      Object.assign(dispatcher.options, dispatchOptions(ctx, changed));
      const old = listener;
      if (old !== undefined && JSON.stringify(listening(changed)) !== JSON.stringify(listening(config))) {
        // On the same port the old one has to go first; routes stay mounted either way.
        const samePort = changed.listen.port === old.port || changed.listen.port === config.listen.port;
        if (samePort) leave(old);
        listener = await listen(changed);
        if (!samePort) leave(old);
      }
      config = changed;
      return true;
    },
  };
}

function dispatchOptions({ clock }: Pick<Context, 'clock'>, config: Config): DispatchOptions {
  const { rate, refusals } = config;
  return {
    cors: new CorsPolicy(config.cors),
    addressOf: clientAddress(config.proxies),
    isProxy: addressRule(config.proxies, 'proxies'),
    guard: new Guard({ clock, rate, refusals, unlimited: unlimitedOf(config) }),
    security: securityHeaders(config.tls),
  };
}

/** A proxy that does not tell its clients brings all of them. */
const unlimitedOf = ({ unlimited, proxies }: Config): ((address: string) => boolean) =>
  addressRule([...unlimited, ...proxies], 'unlimited');

/** The part of the configuration that needs a new listener. */
const listening = (config: Config): unknown => [
  config.listen,
  config.tls && [config.tls.cert, config.tls.key],
  config.unlimited,
  config.proxies,
  limitsOf(config),
];

const limitsOf = (config: Config): Limits => ({
  maxConnections: config['max-connections'],
  connectionsPerAddress: config['connections-per-address'],
  unlimited: unlimitedOf(config),
  requestTimeout: config['request-timeout'],
  idleTimeout: config['idle-timeout'],
  stallTimeout: config['stall-timeout'],
});

/** Counts are kept as plain numbers where requests are answered, and brought to the meters once a second. */
function meter(ctx: Context<typeof manifest>, { tally }: Dispatcher, connections: () => number): void {
  const requests = ctx.metrics.counter('http_requests_total', 'Requests answered.');
  const failed = ctx.metrics.counter('http_requests_failed_total', 'Requests answered with a status of 500 or above.');
  const limited = ctx.metrics.counter('http_requests_limited_total', 'Requests answered 429 for their number.');
  const open = ctx.metrics.gauge('http_connections', 'Open connections.');
  let seen = { ...tally };
  const cancel = ctx.clock.every(1000, () => {
    requests.add(tally.requests - seen.requests);
    failed.add(tally.failed - seen.failed);
    limited.add(tally.limited - seen.limited);
    open.set(connections());
    seen = { ...tally };
  });
  ctx.scope.add(cancel);
}

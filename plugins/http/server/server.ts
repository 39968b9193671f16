/** http.server at work: the route table lives as long as the service; listeners under it may be replaced. */
import type { Context, HttpServer, PluginConfig, Running } from 'eddy/plugin';
import { certificateState, readCertificate } from './certificate.ts';
import { CorsPolicy } from './cors.ts';
import { Dispatcher, type DispatchOptions } from './dispatch.ts';
import { Listener, type Limits } from './listener.ts';
import type { manifest } from './plugin.ts';
import { clientAddress } from './proxies.ts';
import { RouteTable } from './routes.ts';

type Config = PluginConfig<typeof manifest>;

/** How long open requests may go on when a changed configuration moves the listener, ms. */
const MOVE_DEADLINE = 30_000;
/** How often the files of the certificate are looked at, ms: they are renewed weeks before they expire. */
const CERTIFICATE_INTERVAL = 10_000;

/** Makes the service. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const routes = new RouteTable();
  let config = ctx.config;
  const dispatcher = new Dispatcher(routes, ctx.log, dispatchOptions(config));
  let listener: Listener | undefined;
  /** Listeners that a changed configuration left behind, until their last request is answered. */
  const leaving = new Set<Promise<void>>();
  const end = new AbortController();

  /** The files of the certificate that is served, as they were when it was read. */
  let served: string | undefined;

  async function listen(by: Config): Promise<Listener> {
    served = by.tls && (await certificateState(by.tls, ctx.baseDir));
    const next = new Listener({
      ...by.listen,
      tls: by.tls && (await readCertificate(by.tls, ctx.baseDir)),
      limits: limitsOf(by),
      handle: dispatcher.handle,
    });
    await next.listen();
    next.onError((error) => ctx.fail(error));
    ctx.log.info({ urls: next.urls() }, `listening on ${next.urls()[0]}`);
    return next;
  }

  async function renewCertificate(): Promise<void> {
    const { tls } = config;
    const now = tls && (await certificateState(tls, ctx.baseDir));
    if (!tls || now === undefined || now === served || config.tls !== tls) return;
    served = now;
    try {
      listener?.renew(await readCertificate(tls, ctx.baseDir));
      ctx.log.info({ cert: tls.cert }, 'the certificate was renewed');
    } catch (error) {
      // Half of the pair may still be on its way: its coming is the next change.
      ctx.log.warn(
        { err: error, code: 'HTTP_TLS_INVALID' },
        'the renewed certificate is of no use yet; the old one stays',
      );
    }
  }

  function leave(old: Listener): void {
    const closing = old.close(AbortSignal.any([end.signal, AbortSignal.timeout(MOVE_DEADLINE)]));
    leaving.add(closing);
    void closing.finally(() => leaving.delete(closing));
  }

  const service: HttpServer = {
    route: (route) => routes.add(route),
    get urls() {
      return listener?.urls() ?? [];
    },
  };

  return {
    services: { http: service },

    async start() {
      listener = await listen(config);
      meter(ctx, dispatcher, () => listener?.connections ?? 0);
      ctx.clock.every(CERTIFICATE_INTERVAL, () => void renewCertificate());
    },

    async drain(signal) {
      await listener?.close(AbortSignal.any([end.signal, signal]));
    },

    async stop() {
      end.abort();
      await listener?.close(end.signal);
      listener = undefined;
      await Promise.all(leaving);
    },

    async reconfigure(changed: Config) {
      Object.assign(dispatcher.options, dispatchOptions(changed));
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

const dispatchOptions = (config: Config): DispatchOptions => ({
  cors: new CorsPolicy(config.cors),
  addressOf: clientAddress(config.proxies),
});

/** The part of the configuration that needs a new listener. */
const listening = (config: Config): unknown => [config.listen, config.tls, limitsOf(config)];

const limitsOf = (config: Config): Limits => ({
  maxConnections: config['max-connections'],
  requestTimeout: config['request-timeout'],
  idleTimeout: config['idle-timeout'],
  stallTimeout: config['stall-timeout'],
});

/** Counts are kept as plain numbers where requests are answered, and brought to the meters once a second. */
function meter(ctx: Context<typeof manifest>, { tally }: Dispatcher, connections: () => number): void {
  const requests = ctx.metrics.counter('http_requests_total', 'Requests answered.');
  const failed = ctx.metrics.counter('http_requests_failed_total', 'Requests answered with a status of 500 or above.');
  const open = ctx.metrics.gauge('http_connections', 'Open connections.');
  let seen = { ...tally };
  const cancel = ctx.clock.every(1000, () => {
    requests.add(tally.requests - seen.requests);
    failed.add(tally.failed - seen.failed);
    open.set(connections());
    seen = { ...tally };
  });
  ctx.scope.add(cancel);
}

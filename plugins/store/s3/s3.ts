/** The service `store.s3`. */
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { EddyError, type Context, type PluginConfig, type Running } from 'eddy/plugin';
import type { manifest } from './plugin.ts';
import { S3Store } from './s3-store.ts';

/** To find out that nobody answers takes no longer than this, in ms. */
const CONNECT_MS = 3000;

/** Makes the store. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const { bucket, prefix, checksum, encryption, concurrency, ...config } = ctx.config;
  const store = new S3Store({
    client: clientConfig(ctx.config),
    bucket,
    prefix,
    checksum,
    encryption: encryption === 'none' ? undefined : { algorithm: encryption, key: config['kms-key'] },
    partSize: config['part-size'],
    concurrency,
  });
  return {
    services: { store },
    async start() {
      try {
        await store.probe(ctx.scope.signal);
      } catch (error) {
        // A store that is away for now keeps no camera from being seen; a wrong key or bucket is told at once.
        if (!(error instanceof EddyError) || error.code !== 'STORE_UNREACHABLE') throw error;
        ctx.report({ code: 'store.s3/NOT_REACHED', message: error.message });
      }
    },
    stop: () => store.close(),
  };
}

function clientConfig(config: PluginConfig<typeof manifest>): S3ClientConfig {
  const { region, endpoint, credentials, timeout, attempts, concurrency } = config;
  return {
    region,
    forcePathStyle: config['path-style'],
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials && {
      credentials: {
        accessKeyId: credentials['access-key'],
        secretAccessKey: credentials['secret-key'],
        ...(credentials['session-token'] === undefined ? {} : { sessionToken: credentials['session-token'] }),
      },
    }),
    // "standard" pauses at random up to a bound that doubles each time, and stops to retry where most requests fail.
    retryMode: 'standard',
    maxAttempts: attempts,
    requestHandler: {
      connectionTimeout: Math.min(CONNECT_MS, timeout),
      requestTimeout: timeout,
      throwOnRequestTimeout: true,
      socketTimeout: timeout,
      httpAgent: { keepAlive: true, maxSockets: concurrency },
      httpsAgent: { keepAlive: true, maxSockets: concurrency },
    },
  };
}

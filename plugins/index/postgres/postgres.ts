/** The stage `index.postgres`: is fed segments, and answers for them. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EddyError, type Context, type Running } from 'eddy/plugin';
import { handleOf, indexFlows } from '../shared/stage.ts';
import { parseAddress, type Address } from './address.ts';
import type { manifest } from './plugin.ts';
import { PostgresIndex } from './postgres-index.ts';

/** What passes by itself: an outage keeps no camera from being seen. A wrong password or schema is told at once. */
const PASSING: readonly string[] = ['INDEX_UNREACHABLE', 'INDEX_FULL'];

/** Makes the index. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const { url, ca, schema, tls, connections, timeout, 'connect-timeout': connectTimeout } = ctx.config;
  let index: PostgresIndex | undefined;
  const service = handleOf(() => index);
  return {
    services: { index: service },
    async start() {
      const certificates = ca === undefined ? {} : { ca: await certificatesOf(resolve(ctx.baseDir, ca)) };
      index = new PostgresIndex({
        ...{ address: addressOf(url), schema, tls, connections, connectTimeout, timeout, ...certificates },
        sleep: (ms, signal) => ctx.clock.sleep(ms, signal),
        onLost: ({ message }) => ctx.report({ code: 'index.postgres/NOT_REACHED', message }),
        onBack: () => ctx.log.info({}, 'the database of the segment index answers again'),
        onWatcherError: (error) => ctx.log.error({ error }, 'a watcher of the segment index failed'),
      });
      const opening = index;
      await opening.start().catch(async (error: EddyError) => {
        if (PASSING.includes(error.code)) return;
        await opening.close();
        throw error;
      });
    },
    flow: indexFlows(ctx, service, 'index.postgres/BEHIND'),
    async stop() {
      const closing = index;
      index = undefined;
      await closing?.close();
    },
  };
}

/** The check of the manifest has read it before; where the engine was given a configuration unchecked, this tells. */
function addressOf(url: string): Address {
  const parsed = parseAddress(url);
  if ('address' in parsed) return parsed.address;
  throw new EddyError('CONFIG_VALUE_INVALID', `the address of the database cannot be read: ${parsed.error}`);
}

async function certificatesOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new EddyError('CONFIG_VALUE_INVALID', `"ca" cannot be read: ${(error as Error).message}`);
  }
}

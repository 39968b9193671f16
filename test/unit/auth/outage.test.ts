/** What becomes of those who are in when the one who let them in cannot be asked: in a real engine, with real servers. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Context, Session } from '../../../core/plugin/index.ts';
import { scriptedSource, testPipeline, testPlugin, type ScriptedSource, type TestPipeline } from 'eddy/testing';
import jwt from '../../../plugins/auth/jwt/plugin.ts';
import webhook from '../../../plugins/auth/webhook/plugin.ts';
import { meetBar } from '../../bar.ts';
import { startJsonServer, type JsonServer } from '../../support/json-server.ts';
import { claims, makeKey, sign } from './jwt-kit.ts';

let server: JsonServer;
let pipeline: TestPipeline;
beforeEach(async () => {
  server = await startJsonServer(() => undefined);
});
afterEach(async () => {
  await pipeline.stop();
  await server.close();
});

/** A pipeline with a camera on the air and this authorizer; `open` lets a viewer in. */
async function start(
  auth: { plugin: typeof jwt | typeof webhook; config: Record<string, unknown> },
  publisher: string,
) {
  const source: ScriptedSource<{ video: 'frames' }> = scriptedSource({ video: 'frames' });
  let gateway!: Context;
  const whep = testPlugin({ name: 'test.gateway' }, (ctx) => {
    gateway = ctx;
    return {};
  });
  pipeline = await testPipeline({ services: { auth }, stages: { source: source.plugin, whep } });
  const publication = await source.publish('door1', { credentials: { token: publisher } });
  const open = (token: string): Promise<Session> => {
    const peer = { address: '192.0.2.7', protocol: 'whep' };
    return gateway.sessions.open({ cameraId: 'door1', action: 'watch', credentials: { token }, peer });
  };
  return { publication, open };
}

const codeOf = (signal: AbortSignal): string | undefined => (signal.reason as { code?: string } | undefined)?.code;

it('a webhook that is down, slow or tells nonsense lets nobody in; who is in goes on or ends, by policy', async () => {
  const yes = () => ({ allowed: true, subject: 'ada', ttl: '10s' });
  const troubles: readonly [string, () => unknown][] = [
    ['down', () => server.down()],
    ['slow', () => (server.answer = () => undefined)],
    ['garbage', () => (server.answer = () => ({ allowed: 'yes' }))],
  ];
  const outcomes: string[] = [];
  for (const policy of ['keep', 'end'] as const) {
    for (const [name, begin] of troubles) {
      server.answer = yes;
      const config = { url: server.url, timeout: '200ms', retries: 0, 'on-outage': policy };
      const { publication, open } = await start({ plugin: webhook, config }, 'encoder');
      const session = await open('viewer');
      await begin();
      await expect(open('another'), name).rejects.toMatchObject({ code: 'AUTH_UNAVAILABLE' });
      await pipeline.advance(10_000);
      if (policy === 'end') {
        await vi.waitFor(() => expect(codeOf(session.signal)).toBe('WATCH_REFUSED'));
        await vi.waitFor(() => expect(publication.signal.aborted).toBe(true));
      } else {
        await new Promise((resolve) => setTimeout(resolve, 300));
        expect(session.signal.aborted || publication.signal.aborted, name).toBe(false);
      }
      outcomes.push(`${name}: ${policy}`);
      await pipeline.stop();
      if (name === 'down') await server.up();
    }
  }
  meetBar({
    what: 'webhook down, slow, garbage',
    bar: 'fails closed for new sessions; existing ones go on or end by policy',
    measured: `new ones refused in each case, existing ones as they should in ${outcomes.length} of 6 (${outcomes.join(', ')})`,
    pass: outcomes.length === 6,
  });
});

it('a webhook that refuses later ends who is in', async () => {
  server.answer = () => ({ allowed: true, subject: 'ada', ttl: '10s' });
  const { publication, open } = await start({ plugin: webhook, config: { url: server.url } }, 'encoder');
  const session = await open('viewer');
  server.answer = ({ body }) => (body.includes('"publish"') ? { allowed: true, subject: 'ada' } : { allowed: false });
  await pipeline.advance(10_000);
  await vi.waitFor(() => expect(codeOf(session.signal)).toBe('WATCH_REFUSED'));
  expect(publication.signal.aborted).toBe(false);
});

it('a key set that cannot be fetched keeps who is in, and lets in by the keys of before', async () => {
  const [first, second] = [makeKey('first'), makeKey('second')];
  server.answer = () => ({ keys: [first.jwk] });
  // In the pipeline's time, which a test moves; tokens are signed by its clock.
  const token = async (key: typeof first, seconds: number): Promise<string> => {
    return sign(key, claims({ exp: Math.floor(pipeline.clock.now() / 1000) + seconds, jti: `${Math.random()}`, eddy }));
  };
  const eddy = { cameras: ['*'], actions: ['publish', 'watch'] };
  const config = { jwks: server.url, refresh: '1m', recheck: '1m', keep: '2h' };
  const now = Math.floor((await testClock()) / 1000);
  const publisher = await sign(first, claims({ exp: now + 600, eddy }));
  const { publication, open } = await start({ plugin: jwt, config }, publisher);
  const session = await open(await token(first, 86_400));
  await server.down();
  for (let minutes = 0; minutes < 60; minutes += 10) {
    await pipeline.advance(600_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const later = await open(await token(first, 600));
  const unknown = await open(await token(second, 600)).catch((error: { code: string }) => error.code);
  const kept = !session.signal.aborted && !later.signal.aborted && !publication.signal.aborted;
  meetBar({
    what: 'JWKS outage of an hour, token of the publisher expired meanwhile',
    bar: 'valid sessions stay alive, unknown keys are refused',
    measured: `${kept ? 'viewer and publisher stay, a new viewer is let in' : 'somebody was ended'}; unknown key: ${String(unknown)}`,
    pass: kept && unknown === 'AUTH_UNAVAILABLE',
  });
  // The key is withdrawn: who came by it goes, within the recheck.
  await server.up();
  server.answer = () => ({ keys: [second.jwk] });
  await vi.waitFor(async () => {
    await pipeline.advance(60_000);
    expect(codeOf(session.signal)).toBe('WATCH_REFUSED');
  });
  expect(publication.signal.aborted).toBe(false);
});

/** Where virtual time begins. */
async function testClock(): Promise<number> {
  const probe = await testPipeline({ stages: { source: scriptedSource({ video: 'frames' }).plugin } });
  const now = probe.clock.now();
  await probe.stop();
  return now;
}

import { afterEach, describe, expect, it } from 'vitest';
import { FakeAuthorizer, scriptedSource, serviceOf, testPipeline, type TestPipeline } from 'eddy/testing';
import { Authorizer, defineManifest, several, type Decision, type Grant } from '../../../core/plugin/index.ts';
import all from '../../../plugins/auth/all/plugin.ts';
import any from '../../../plugins/auth/any/plugin.ts';
import { commonRanges } from '../../../plugins/auth/all/common-ranges.ts';
import { access } from '../../contract/authorizer.ts';

const open: TestPipeline[] = [];
afterEach(async () => {
  for (const pipeline of open.splice(0)) await pipeline.stop();
});

/** A pipeline whose authorizer `auth` joins two that the test holds. */
async function start(plugin: typeof any | typeof all, order = ['first', 'second']) {
  const [first, second] = [new FakeAuthorizer(), new FakeAuthorizer()];
  const source = scriptedSource({ video: 'frames' });
  const pipeline = await testPipeline({
    services: {
      // Before and behind it in the file: what counts is who asks whom.
      first: serviceOf(Authorizer, first),
      auth: { plugin, config: { of: order } },
      second: serviceOf(Authorizer, second),
    },
    stages: { source: source.plugin },
  });
  open.push(pipeline);
  const auth = pipeline.service(Authorizer, 'auth');
  const ask = () => auth.authorize(access('watch', 'door1', {}));
  return { first, second, source, pipeline, auth, ask };
}

const grant = (more: Partial<Grant>): ((_: unknown) => Decision) => {
  return () => ({ allowed: true, subject: 'anonymous', ...more });
};

describe('a pipeline with several authorizers', () => {
  it('asks the one that asks the others', async () => {
    const { first, second, source } = await start(any);
    first.refuse();
    const publication = await source.publish('door1', { credentials: { user: 'ada' } });
    expect(first.asked.length).toBe(1);
    expect(second.asked.length).toBe(1);
    publication.end();
    second.refuse({ message: 'not you' });
    await expect(source.publish('door1')).rejects.toMatchObject({ code: 'PUBLISH_REFUSED' });
  });

  it('ends who is revoked by any of them', async () => {
    const { second, source } = await start(any, ['second', 'first']);
    const publication = await source.publish('door1', { credentials: { user: 'ada' } });
    second.revoke('bob');
    expect(publication.signal.aborted).toBe(false);
    second.revoke('ada');
    expect(publication.signal.aborted).toBe(true);
  });
});

it('a need for several is refused in a manifest without the option that names them', () => {
  const manifest = { name: 'test.several', version: '1.0.0', api: 1, summary: 'A test.' };
  expect(() => defineManifest({ ...manifest, needs: { of: several(Authorizer) } })).toThrow('config option "of"');
});

describe('auth.any', () => {
  it('takes the first that lets in, and asks no further', async () => {
    const { first, second, ask } = await start(any);
    expect(await ask()).toMatchObject({ allowed: true });
    expect(second.asked).toEqual([]);
    first.refuse();
    expect(await ask()).toMatchObject({ allowed: true });
    expect(second.asked.length).toBe(1);
  });

  it('gives the refusal that says most', async () => {
    const { first, second, ask } = await start(any);
    first.refuse({ reason: 'unauthenticated', message: 'who are you?' });
    second.refuse({ reason: 'forbidden', message: 'not here' });
    expect(await ask()).toEqual({ allowed: false, reason: 'forbidden', message: 'not here' });
    second.allow();
    second.refuse({ reason: 'unauthenticated', message: 'no key' });
    expect(await ask()).toMatchObject({ reason: 'unauthenticated', message: 'who are you? no key' });
    second.allow();
    second.refuse({ reason: 'unauthenticated', message: 'who are you?' });
    expect(await ask()).toMatchObject({ message: 'who are you?' });
  });

  it('cannot tell where one of them cannot, unless another lets in', async () => {
    const { first, second, ask } = await start(any);
    first.fail(new Error('down'));
    expect(await ask()).toMatchObject({ allowed: true });
    second.refuse();
    await expect(ask()).rejects.toThrow('down');
  });
});

describe('auth.all', () => {
  it('lets in whom each lets in, and gives the first refusal', async () => {
    const { first, second, ask } = await start(all);
    expect(await ask()).toMatchObject({ allowed: true });
    second.refuse({ message: 'not here' });
    expect(await ask()).toMatchObject({ allowed: false, message: 'not here' });
    first.refuse({ message: 'nowhere' });
    expect(await ask()).toMatchObject({ message: 'nowhere' });
    expect(second.asked.length).toBe(2);
  });

  it('cannot tell where one of them cannot', async () => {
    const { second, ask } = await start(all);
    second.fail(new Error('down'));
    await expect(ask()).rejects.toThrow('down');
  });

  it('grants the tightest of each', async () => {
    const { first, second, ask } = await start(all);
    const decide = (authorizer: FakeAuthorizer, more: Partial<Grant>) =>
      void (authorizer.authorize = async () => grant(more)(undefined));
    decide(first, {
      actions: ['watch', 'rewind', 'admin'],
      rewind: 1000,
      maxLines: 720,
      expiresAt: 5000,
      recheck: 60,
      origins: ['https://a.example', 'https://b.example'],
      addresses: ['10.0.0.0/8', '192.0.2.7'],
    });
    decide(second, {
      subject: 'ada',
      actions: ['watch', 'rewind', 'publish'],
      rewind: 2000,
      maxBitrate: 1_000_000,
      sessions: 2,
      expiresAt: 4000,
      recheck: 90,
      origins: ['https://b.example', 'https://c.example'],
      addresses: ['10.1.0.0/16', '172.16.0.0/12'],
      role: 'read-only',
      onOutage: 'end',
    });
    expect(await ask()).toEqual({
      allowed: true,
      subject: 'ada',
      actions: ['watch', 'rewind'],
      rewind: 1000,
      maxLines: 720,
      maxBitrate: 1_000_000,
      sessions: 2,
      expiresAt: 4000,
      recheck: 60,
      origins: ['https://b.example'],
      addresses: ['10.1.0.0/16'],
      role: 'read-only',
      onOutage: 'end',
    });
    decide(second, { addresses: ['172.16.0.0/12'] });
    expect(await ask()).toMatchObject({ allowed: false, reason: 'forbidden' });
    decide(second, {});
    expect(await ask()).toMatchObject({ subject: 'anonymous', actions: ['watch'] });
  });

  it('ends who is revoked under whichever of their names', async () => {
    const { first, second, auth, ask } = await start(all);
    first.authorize = async () => grant({ subject: 'ada' })(undefined);
    second.authorize = async () => grant({ subject: 'account-17' })(undefined);
    await ask();
    const revoked: string[] = [];
    const stop = auth.onRevoked!(({ subject }) => revoked.push(subject));
    second.revoke('account-17');
    expect(revoked).toEqual(['account-17', 'ada']);
    stop();
    second.revoke('account-17');
    expect(revoked.length).toBe(2);
    // The engine itself listens on.
    expect(second.listeners).toBe(1);
  });
});

it('addresses have in common what lies in both', () => {
  expect(commonRanges(['10.0.0.0/8'], ['10.2.0.0/16', '11.0.0.1'])).toEqual(['10.2.0.0/16']);
  expect(commonRanges(['2001:db8:1::/48'], ['2001:db8::/32'])).toEqual(['2001:db8:1::/48']);
  expect(commonRanges(['0.0.0.0/0'], ['::/0'])).toEqual([]);
  expect(commonRanges(['192.0.2.7'], ['192.0.2.7/32'])).toEqual(['192.0.2.7/32']);
  expect(commonRanges(['10.0.0.0/8', '192.0.2.0/24'], ['192.0.2.7', '10.0.0.0/8'])).toEqual([
    '10.0.0.0/8',
    '192.0.2.7',
  ]);
});

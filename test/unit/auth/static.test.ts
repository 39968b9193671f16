import { describe, expect, it } from 'vitest';
import { argon2id } from 'hash-wasm';
import { parseFields, type Credentials } from '../../../core/plugin/index.ts';
import plugin, { manifest } from '../../../plugins/auth/static/plugin.ts';
import { create } from '../../../plugins/auth/static/static.ts';
import { Users } from '../../../plugins/auth/static/users.ts';
import { problemsOf, startAuthorizer, stopping } from './kit.ts';

const [GATE, HALL, BOSS] = ['gate-0123456789abcdef', 'hall-0123456789abcdef', 'boss-0123456789abcdef'];
const gate = { token: GATE, subject: 'gate', cameras: ['acme.*'], actions: ['publish'] };
const hall = {
  token: HALL,
  subject: 'hall',
  cameras: ['acme.door1', 'zoo'],
  actions: ['watch', 'rewind'],
  rewind: '2h',
};
const boss = { token: BOSS, subject: 'boss', actions: ['admin'] };

/** As cheap as argon2 gets: what is tested is not how long it takes. */
const hashOf = (password: string): Promise<string> =>
  argon2id({
    password,
    salt: 'some salt of ours',
    parallelism: 1,
    iterations: 1,
    memorySize: 64,
    hashLength: 32,
    outputType: 'encoded',
  });

const start = stopping((written: Readonly<Record<string, unknown>>) => startAuthorizer(plugin, create, written));
const problems = (written: Readonly<Record<string, unknown>>) =>
  problemsOf(manifest, written).map(({ code, message }) => ({ code, message }));

describe('keys', () => {
  it('grants each key its cameras and actions, and no more', async () => {
    const { ask } = await start({ keys: [gate, hall, boss] });
    const grant = { allowed: true, subject: 'gate', actions: ['publish'] };
    expect(await ask('publish', 'acme.door9', { token: GATE })).toEqual(grant);
    expect(await ask('publish', 'acme', { token: GATE })).toMatchObject({ reason: 'forbidden' });
    expect(await ask('watch', 'acme.door9', { token: GATE })).toMatchObject({
      reason: 'forbidden',
      message: 'This key does not let you watch; it is good for: publish.',
    });
    expect(await ask('rewind', 'zoo', { token: HALL })).toEqual({
      allowed: true,
      subject: 'hall',
      actions: ['watch', 'rewind'],
      rewind: 7_200_000,
    });
    expect(await ask('rewind', 'zoo2', { token: HALL })).toMatchObject({ reason: 'forbidden' });
    expect(await ask('admin', undefined, { token: BOSS })).toMatchObject({ allowed: true, subject: 'boss' });
    expect(await ask('admin', undefined, { token: HALL })).toMatchObject({ reason: 'forbidden' });
  });

  it('tells every limit in the words of the contract', async () => {
    const { ask } = await start({
      keys: [
        {
          ...hall,
          'max-bitrate': '4Mbps',
          'max-lines': '720p',
          sessions: 2,
          origins: ['https://example.org'],
          addresses: ['10.0.0.0/8', '2001:db8::1'],
          role: 'read-only',
          until: '2999-01-01T00:00:00Z',
        },
      ],
    });
    expect(await ask('watch', 'zoo', { token: HALL })).toEqual({
      allowed: true,
      subject: 'hall',
      actions: ['watch', 'rewind'],
      rewind: 7_200_000,
      maxBitrate: 4_000_000,
      maxLines: 720,
      sessions: 2,
      origins: ['https://example.org'],
      addresses: ['10.0.0.0/8', '2001:db8::1'],
      role: 'read-only',
      expiresAt: Date.UTC(2999, 0, 1),
    });
  });

  it('is good from a moment until a moment', async () => {
    const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
    const { ask, pass } = await start({ keys: [{ ...gate, from: at(60_000), until: at(600_000) }] });
    const publish = () => ask('publish', 'acme.x', { token: GATE });
    expect(await publish()).toMatchObject({
      reason: 'unauthenticated',
      message: expect.stringContaining('not good yet'),
    });
    pass(120_000);
    expect(await publish()).toMatchObject({ allowed: true });
    pass(700_000);
    expect(await publish()).toMatchObject({ message: 'This key expired 4 min ago.' });
  });

  it('takes a key as the password of Basic authentication', async () => {
    const { ask } = await start({ keys: [gate] });
    expect(await ask('publish', 'acme.x', { user: 'any', password: GATE })).toMatchObject({ allowed: true });
  });

  it('opens to anyone what it is told to, also to holders of other keys', async () => {
    const { ask, running } = await start({ keys: [gate], anonymous: { actions: ['watch'], cameras: ['public.*'] } });
    expect(await ask('watch', 'public.sea')).toMatchObject({ allowed: true, subject: 'anonymous' });
    expect(await ask('watch', 'public.sea', { token: GATE })).toMatchObject({ allowed: true, subject: 'gate' });
    expect(await ask('watch', 'acme.door1')).toMatchObject({ reason: 'unauthenticated' });
    expect(await ask('publish', 'public.sea')).toMatchObject({ reason: 'unauthenticated' });
    expect(running.services.auth.open).toBe(false);
  });

  it('refuses keys that cannot be meant, naming the holder and not the key', async () => {
    for (const keys of [[gate, { ...hall, token: GATE }], [{ ...gate, token: '' }]]) {
      const error = await start({ keys }).catch((thrown: unknown) => thrown as Error & { code: string });
      expect(error).toMatchObject({ code: 'auth.static/KEY_INVALID', kind: 'config' });
      expect((error as Error).message).not.toContain(GATE);
    }
  });

  it('refuses values that cannot be meant, at their place', () => {
    for (const [wrong, said] of [
      [{ cameras: ['acme/*'] }, 'no camera pattern'],
      [{ cameras: ['*.door'] }, 'no camera pattern'],
      [{ origins: ['example.org'] }, 'no origin'],
      [{ origins: ['https://example.org/'] }, 'no origin'],
      [{ addresses: ['10.0.0.0/33'] }, 'no address'],
      [{ addresses: ['10.0.0'] }, 'no address'],
      [{ addresses: ['::1::'] }, 'no address'],
      [{ until: '2027-01-01' }, 'no moment'],
    ] as const) {
      expect(parseFields(manifest.config, { keys: [{ ...gate, ...wrong }] })).toMatchObject({
        error: expect.stringContaining(said),
      });
    }
  });

  it('warns of keys that can be guessed', async () => {
    const { engine } = await start({ keys: [{ ...gate, token: 'short' }, hall] });
    expect(engine.reports).toMatchObject([
      { code: 'auth.static/KEY_WEAK', message: expect.stringContaining('"gate"') },
    ]);
    expect(engine.reports[0]!.message).not.toContain('short');
  });
});

describe('users', () => {
  const ada = async (password = 'correct horse') => ({
    user: 'ada',
    password: await hashOf(password),
    cameras: ['acme.*'],
    actions: ['watch'],
  });

  it('lets in by name and password, and by nothing less', async () => {
    const { ask } = await start({ users: [await ada()] });
    const log = (credentials: Credentials) => ask('watch', 'acme.door1', credentials);
    expect(await log({ user: 'ada', password: 'correct horse' })).toMatchObject({ allowed: true, subject: 'ada' });
    // The second time it is remembered.
    expect(await log({ user: 'ada', password: 'correct horse' })).toMatchObject({ allowed: true });
    for (const wrong of [
      { user: 'ada', password: 'wrong' },
      { user: 'ada', password: 'wrong' },
      { user: 'ada', password: '' },
      { user: 'ADA', password: 'correct horse' },
      { user: 'bob', password: 'correct horse' },
      { user: 'ada', password: 'x'.repeat(100_000) },
      { token: 'correct horse' },
      { token: (await ada()).password },
      { user: '__proto__', password: 'correct horse' },
    ]) {
      expect(await log(wrong)).toMatchObject({ allowed: false, reason: 'unauthenticated' });
    }
    expect(await ask('publish', 'acme.door1', { user: 'ada', password: 'correct horse' })).toMatchObject({
      reason: 'forbidden',
      message: 'This account does not let you publish; it is good for: watch.',
    });
  });

  it('computes as much for users who do not exist, and never lets one in', async () => {
    const asked: string[] = [];
    const verify = async (_password: string, hash: string): Promise<boolean> => asked.push(hash) > 0;
    const parsed = parseFields(manifest.config, { users: [await ada()] });
    const users = new Users('value' in parsed ? parsed.value.users : [], verify, 60_000);
    expect(await users.find('bob', 'a', Date.now)).toBeUndefined();
    expect(await users.find('ada', 'a', Date.now)).toMatchObject({ user: 'ada' });
    const costs = (hash: string): string[] => hash.split('$').slice(0, 5);
    expect(costs(asked[0]!)).toEqual(costs(asked[1]!));
    expect(asked[0]).not.toBe(asked[1]);
  });

  it('refuses to tell where too many passwords wait, and goes on after that', async () => {
    const { ask } = await start({ users: [await ada()] });
    const flood = Array.from({ length: 200 }, (_, n) =>
      ask('watch', 'acme.door1', { user: 'ada', password: `guess ${n}` }).then(
        () => 'answered',
        (error: { code: string }) => error.code,
      ),
    );
    const answers = new Set(await Promise.all(flood));
    expect(answers).toEqual(new Set(['answered', 'auth.static/PASSWORDS_BUSY']));
    expect(await ask('watch', 'acme.door1', { user: 'ada', password: 'correct horse' })).toMatchObject({
      allowed: true,
    });
  });

  it('tells who is waiting that it stops', async () => {
    const { ask, running } = await start({ users: [await ada()] });
    const asked = ask('watch', 'acme.door1', { user: 'ada', password: 'guess' });
    const outcome = asked.catch((error: Error) => error.message);
    await running.stop?.();
    expect(await outcome).toContain('stopping');
  });

  it('finds what is wrong with hashes without showing them', async () => {
    const written = await ada();
    expect(problems({ users: [written] })).toEqual([
      { code: 'PASSWORD_HASH_WEAK', message: '"ada": its argon2 hash is cheap (m=64,t=1)' },
    ]);
    for (const password of ['correct horse', '$2b$10$abcdefghijklmnopqrstuv', '$argon2id$v=19$m=64,t=1,p=1$x$y']) {
      const [found] = problems({ users: [{ ...written, password }] });
      expect(found).toMatchObject({ code: 'PASSWORD_NOT_HASHED' });
      expect(found!.message).not.toContain(password);
    }
    const dear = written.password.replace('m=64', 'm=9999999');
    expect(problems({ users: [{ ...written, password: dear }] })[0]!.message).toContain('costs too much');
    expect(problems({ users: [written, written] }).map(({ code }) => code)).toContain('USER_TWICE');
    expect(problems({})).toMatchObject([{ code: 'NOBODY' }]);
  });
});

it('takes a changed configuration in place and tells whose rights are less', async () => {
  const user = { user: 'ada', password: await hashOf('a'), actions: ['watch'] };
  const { running, ask } = await start({ keys: [gate, hall, boss], users: [user] });
  const revoked: string[] = [];
  const stop = running.services.auth.onRevoked!(({ subject }) => revoked.push(subject));
  const change = async (written: Readonly<Record<string, unknown>>) => {
    const parsed = parseFields(manifest.config, written);
    if ('error' in parsed) throw new Error(parsed.error);
    revoked.length = 0;
    expect(await running.reconfigure?.(parsed.value as never)).toBe(true);
    return [...revoked];
  };
  const more = { ...gate, actions: ['publish', 'watch'] };
  expect(await change({ keys: [more, { ...hall, rewind: '1h' }], users: [user] })).toEqual(['hall', 'boss']);
  expect(await ask('watch', 'acme.x', { token: GATE })).toMatchObject({ allowed: true });
  expect(await ask('admin', undefined, { token: BOSS })).toMatchObject({ reason: 'unauthenticated' });
  const tighter = [
    { sessions: 3 },
    { sessions: 2 },
    { 'max-lines': 720 },
    { origins: ['https://example.org'] },
    { role: 'read-only' },
  ];
  for (const limit of tighter) expect(await change({ keys: [{ ...more, ...limit }] })).toContain('gate');
  expect(await change({ keys: [more], users: [user] })).toEqual([]);
  expect(await change({ keys: [more], users: [{ ...user, password: await hashOf('b') }] })).toEqual(['ada']);
  stop();
  await change({ keys: [] });
  expect(revoked).toEqual([]);
});

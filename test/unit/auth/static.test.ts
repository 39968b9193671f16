import { expect, it } from 'vitest';
import { parseFields, type Action, type Context, type Credentials } from '../../../core/plugin/index.ts';
import plugin, { manifest } from '../../../plugins/auth/static/plugin.ts';
import { create } from '../../../plugins/auth/static/static.ts';
import { access } from '../../contract/authorizer.ts';
import { fakeContext } from '../http/fake-context.ts';

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

async function start(written: Readonly<Record<string, unknown>>) {
  const { ctx, engine } = fakeContext<Context<typeof manifest>>(plugin, written);
  const running = create(ctx);
  await running.start?.();
  const ask = (action: Action, camera: string | undefined, credentials: Credentials = {}) =>
    running.services.auth.authorize(access(action, camera, credentials));
  return { running, engine, ask };
}

it('grants each key its cameras and actions, and no more', async () => {
  const { ask } = await start({ keys: [gate, hall, boss] });
  expect(await ask('publish', 'acme.door9', { token: GATE })).toEqual({ allowed: true, subject: 'gate' });
  expect(await ask('publish', 'acme', { token: GATE })).toMatchObject({ reason: 'forbidden' });
  expect(await ask('watch', 'acme.door9', { token: GATE })).toMatchObject({ reason: 'forbidden' });
  expect(await ask('rewind', 'zoo', { token: HALL })).toEqual({ allowed: true, subject: 'hall', rewind: 7_200_000 });
  expect(await ask('rewind', 'zoo2', { token: HALL })).toMatchObject({ reason: 'forbidden' });
  expect(await ask('admin', undefined, { token: BOSS })).toEqual({ allowed: true, subject: 'boss' });
  expect(await ask('admin', undefined, { token: HALL })).toMatchObject({ reason: 'forbidden' });
});

it('takes a key as the password of Basic authentication', async () => {
  const { ask } = await start({ keys: [gate] });
  expect(await ask('publish', 'acme.x', { user: 'any', password: GATE })).toMatchObject({ allowed: true });
});

it('opens to anyone what it is told to, also to holders of other keys', async () => {
  const { ask, running } = await start({ keys: [gate], anonymous: { actions: ['watch'], cameras: ['public.*'] } });
  expect(await ask('watch', 'public.sea')).toEqual({ allowed: true, subject: 'anonymous' });
  expect(await ask('watch', 'public.sea', { token: GATE })).toEqual({ allowed: true, subject: 'gate' });
  expect(await ask('watch', 'acme.door1')).toMatchObject({ reason: 'unauthenticated' });
  expect(await ask('publish', 'public.sea')).toMatchObject({ reason: 'unauthenticated' });
  expect(running.services.auth.open).toBe(false);
});

it('refuses keys that cannot be meant, naming the holder and not the key', async () => {
  for (const keys of [
    [{ ...gate, cameras: ['acme/*'] }],
    [{ ...gate, cameras: ['*.door'] }],
    [gate, { ...hall, token: GATE }],
    [{ ...gate, token: '' }],
  ]) {
    const error = await start({ keys }).catch((thrown: unknown) => thrown as Error & { code: string });
    expect(error).toMatchObject({ code: 'auth.static/KEY_INVALID', kind: 'config' });
    expect((error as Error).message).not.toContain(GATE);
  }
});

it('warns of keys that can be guessed', async () => {
  const { engine } = await start({ keys: [{ ...gate, token: 'short' }, hall] });
  expect(engine.reports).toMatchObject([{ code: 'auth.static/KEY_WEAK', message: expect.stringContaining('"gate"') }]);
  expect(engine.reports[0]!.message).not.toContain('short');
});

it('takes changed keys in place and tells whose rights are less', async () => {
  const { running, ask } = await start({ keys: [gate, hall, boss] });
  const revoked: string[] = [];
  const stop = running.services.auth.onRevoked!(({ subject }) => revoked.push(subject));
  const change = async (keys: unknown[]) => {
    const parsed = parseFields(manifest.config, { keys });
    if ('error' in parsed) throw new Error(parsed.error);
    expect(await running.reconfigure?.(parsed.value as never)).toBe(true);
  };
  await change([
    { ...gate, actions: ['publish', 'watch'] },
    { ...hall, rewind: '1h' },
  ]);
  expect(revoked).toEqual(['hall', 'boss']);
  expect(await ask('watch', 'acme.x', { token: GATE })).toMatchObject({ allowed: true });
  expect(await ask('admin', undefined, { token: BOSS })).toMatchObject({ reason: 'unauthenticated' });
  stop();
  await change([]);
  expect(revoked).toEqual(['hall', 'boss']);
});

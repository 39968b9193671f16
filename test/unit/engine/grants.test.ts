import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Grant, Peer, Session } from '../../../core/plugin/index.ts';
import { gateway } from './gateway.ts';

const MINUTE = 60_000;
const peer = (more: Partial<Peer> = {}): Peer => ({ address: '10.0.0.9', protocol: 'hls', ...more });
const codeOf = (session: Session): string | undefined => (session.signal.reason as { code?: string } | undefined)?.code;

/** A gateway whose authorizer grants this to everybody who brings a token. */
async function granting(grant: Partial<Grant>, options: Parameters<typeof gateway>[1] = {}) {
  const given: { grant: Partial<Grant>; error: Error | undefined; refuse: boolean } = {
    grant,
    error: undefined,
    refuse: false,
  };
  const g = await gateway(({ action }) => {
    if (action === 'publish') return { allowed: true, subject: 'cam' };
    if (given.error) throw given.error;
    if (given.refuse) return { allowed: false, reason: 'forbidden', message: 'no more' };
    return { allowed: true, subject: 'ann', ...given.grant };
  }, options);
  await g.source.publish('cam1');
  const viewed = () => g.asked.filter(({ action }) => action !== 'publish').length;
  return { ...g, given, viewed };
}

describe('a grant', () => {
  it('reaches back so far, and no further', async () => {
    const { t, open, whep } = await granting({ actions: ['watch', 'rewind'], rewind: 30 * MINUTE });
    const ago = (ms: number) => t.clock.now() - ms;
    await expect(open({ action: 'rewind', from: ago(31 * MINUTE) })).rejects.toMatchObject({
      code: 'REWIND_TOO_DEEP',
      details: { earliest: ago(30 * MINUTE) },
      message: expect.stringContaining(new Date(ago(30 * MINUTE)).toISOString()),
    });
    const session = await open({ action: 'rewind', from: ago(30 * MINUTE) });
    const asked = { credentials: {}, peer: peer() };
    expect(session.earliest).toBe(ago(30 * MINUTE));
    expect(() => session.admit({ action: 'rewind', from: ago(40 * MINUTE) }, asked)).toThrow('no further');
    expect(session.admit({ action: 'rewind', from: ago(MINUTE) }, asked)).toBeUndefined();
    // What lies within the reach now does not for ever.
    const then = ago(29 * MINUTE);
    await t.advance(5 * MINUTE);
    expect(() => session.admit({ action: 'rewind', from: then }, asked)).toThrow('no further');
    const check = {
      cameraId: 'cam1',
      action: 'rewind',
      from: 'earliest',
      credentials: { token: 'x' },
      peer: peer(),
    } as const;
    expect((await whep().sessions.check(check)).earliest).toBe(ago(30 * MINUTE));
    await t.stop();
  });

  it('of other actions too is not asked about again; one that does not tell is', async () => {
    const { t, open, given, viewed } = await granting({ actions: ['rewind'] });
    const session = await open();
    expect(viewed()).toBe(1);
    const asked = { credentials: { token: 'secret' }, peer: peer() };
    expect(session.admit({ action: 'rewind', from: 'earliest' }, asked)).toBeUndefined();
    expect(viewed()).toBe(1);
    await session.admit({ action: 'export', from: 'earliest' }, asked);
    expect(viewed()).toBe(2);
    given.refuse = true;
    const other = await granting({});
    const alone = await other.open();
    other.given.refuse = true;
    await expect(alone.admit({ action: 'rewind', from: 'earliest' }, asked)).rejects.toMatchObject({
      message: 'no more',
    });
    await other.t.stop();
    await t.stop();
  });

  it('for some pages and addresses is for no others, whenever they ask', async () => {
    const { t, open } = await granting({ origins: ['https://a.example'], addresses: ['10.0.0.0/8', '2001:db8::1'] });
    const refused = { code: 'WATCH_REFUSED', details: { reason: 'forbidden' } };
    await expect(open({ peer: peer({ address: '192.0.2.1' }) })).rejects.toMatchObject(refused);
    await expect(open({ peer: peer({ origin: 'https://b.example' }) })).rejects.toMatchObject(refused);
    await open({ peer: peer({ address: '2001:db8::1' }) });
    await open({ peer: peer({ address: '::ffff:10.9.9.9', origin: 'https://a.example' }) });
    const session = await open();
    const elsewhere = { credentials: {}, peer: peer({ address: '192.0.2.1' }) };
    expect(() => session.admit({ action: 'watch' }, elsewhere)).toThrow('not for your address');
    await t.stop();
  });

  it('allows so many sessions at once, over all cameras', async () => {
    const { t, open, source } = await granting({ sessions: 2 });
    await source.publish('cam2');
    const first = await open();
    await open({ cameraId: 'cam2' });
    await expect(open()).rejects.toMatchObject({ code: 'SESSIONS_TOO_MANY', details: { limit: 2 } });
    first.end();
    await open();
    await t.stop();
  });

  it('gives the place of the oldest session to a new one where the pipeline says so', async () => {
    const { t, open } = await granting({ sessions: 1 }, { sessions: { atLimit: 'end-oldest' } });
    const first = await open();
    const sealed = first.seal();
    const second = await open();
    expect(codeOf(first)).toBe('SESSION_ENDED');
    expect(second.signal.aborted).toBe(false);
    // The one that had to go does not come back by what it carries.
    await expect(open({ credentials: { session: sealed } })).rejects.toMatchObject({
      message: 'this session was ended',
    });
    await t.stop();
  });

  it('is asked about again as often as it says, and ends with the answer', async () => {
    const { t, open, given, viewed } = await granting({ recheck: MINUTE, rewind: 10 * MINUTE, actions: ['rewind'] });
    const session = await open();
    given.grant = { ...given.grant, rewind: 5 * MINUTE };
    await t.advance(MINUTE);
    expect(viewed()).toBe(2);
    expect(session.earliest).toBe(t.clock.now() - 5 * MINUTE);
    given.error = new Error('down');
    await t.advance(10 * MINUTE);
    expect(session.signal.aborted).toBe(false);
    given.error = undefined;
    given.refuse = true;
    await t.advance(MINUTE);
    expect(codeOf(session)).toBe('WATCH_REFUSED');
    const before = viewed();
    await t.advance(10 * MINUTE);
    expect(viewed()).toBe(before);
    await t.stop();
  });

  it('that is given anew with another end ends then', async () => {
    const { t, open, given } = await granting({ recheck: MINUTE });
    const now = t.clock.now();
    given.grant = { recheck: MINUTE, expiresAt: now + 10 * MINUTE };
    const [longer, shorter] = [await open(), await open()];
    given.grant = { recheck: 100 * MINUTE, expiresAt: now + 3 * MINUTE };
    await t.advance(3 * MINUTE);
    expect([longer, shorter].map(codeOf)).toEqual(['WATCH_REFUSED', 'WATCH_REFUSED']);
    given.grant = { recheck: MINUTE, expiresAt: t.clock.now() + 2 * MINUTE };
    const session = await open();
    given.grant = { recheck: 100 * MINUTE, expiresAt: t.clock.now() + 30 * MINUTE };
    await t.advance(29 * MINUTE);
    expect(session.signal.aborted).toBe(false);
    await t.advance(MINUTE);
    expect(codeOf(session)).toBe('WATCH_REFUSED');
    await t.stop();
  });

  it('ends where the authorizer is away when it is asked again, if it says so', async () => {
    const { t, open, given } = await granting({ recheck: MINUTE, onOutage: 'end' });
    const session = await open();
    given.error = new Error('down');
    await t.advance(MINUTE);
    expect(codeOf(session)).toBe('WATCH_REFUSED');
    await t.stop();
  });

  it('of a publisher is asked about again too, and its expiry ends no publication', async () => {
    let refuse = false;
    let expiresAt = 0;
    const { t, source } = await gateway(() =>
      refuse
        ? { allowed: false, reason: 'forbidden', message: 'no more' }
        : { allowed: true, subject: 'cam', recheck: MINUTE, expiresAt },
    );
    expiresAt = t.clock.now() + 10 * MINUTE;
    const publication = await source.publish('cam1');
    await t.advance(9 * MINUTE);
    expect(publication.signal.aborted).toBe(false);
    refuse = true;
    await t.advance(MINUTE);
    expect(publication.signal.reason).toMatchObject({ code: 'PUBLISH_REFUSED', message: 'no more' });
    await t.stop();
  });
});

describe('a sealed session', () => {
  it('is taken up again without a word to the authorizer', async () => {
    const { t, open, viewed } = await granting({ actions: ['rewind'], rewind: 30 * MINUTE, maxLines: 720 });
    const session = await open();
    const sealed = session.seal();
    expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toMatch(/ann|cam1/);
    session.end();
    const again = await open({ credentials: { session: sealed } });
    expect(again).toMatchObject({ id: session.id, userId: 'ann', maxLines: 720 });
    expect(again.earliest).toBe(t.clock.now() - 30 * MINUTE);
    expect(viewed()).toBe(1);
    // Another gateway takes it up while this one has it: two sessions.
    expect((await open({ credentials: { session: sealed } })).id).not.toBe(session.id);
    await t.stop();
  });

  it('is good for its camera, its actions and its time alone, and for nothing that was changed', async () => {
    const { t, open, source, whep } = await granting({});
    await source.publish('cam2');
    const session = await open();
    const sealed = session.seal();
    const credentials = { session: sealed };
    await expect(open({ cameraId: 'cam2', credentials })).rejects.toMatchObject({ details: { reason: 'forbidden' } });
    const guest = { allowed: true, subject: 'guest', actions: ['watch'], expiresAt: t.clock.now() + MINUTE } as const;
    const invited = { session: whep().sessions.invite('cam1' as never, guest) };
    expect((await open({ credentials: invited })).userId).toBe('guest');
    await expect(open({ action: 'rewind', from: 'earliest', credentials: invited })).rejects.toMatchObject({
      message: 'this session does not let you rewind; begin anew with your token',
    });
    for (let at = 0; at < sealed.length; at += 7) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      const changed = sealed.slice(0, at) + other + sealed.slice(at + 1);
      await expect(open({ credentials: { session: changed } })).rejects.toMatchObject({ code: 'WATCH_REFUSED' });
    }
    for (const text of ['', 'x', '..', 'A'.repeat(10_000), sealed.slice(0, -1), `${sealed}A`])
      await expect(open({ credentials: { session: text } })).rejects.toMatchObject({ code: 'WATCH_REFUSED' });
    // As long as it is open it does not end by what it is carried in.
    await t.advance(12 * 3_600_000 + 1);
    (await open({ credentials })).end();
    session.end();
    await expect(open({ credentials })).rejects.toMatchObject({ details: { reason: 'unauthenticated' } });
    await t.stop();
  });

  it('is asked about again by the token that it was begun with, however long it was silent', async () => {
    const { t, open, given, viewed } = await granting({ recheck: MINUTE });
    const session = await open();
    const credentials = { session: session.seal() };
    await t.advance(3 * MINUTE);
    // Another gateway, while it is open: no question more than those of every minute.
    expect(viewed()).toBe(4);
    (await open({ credentials })).end();
    expect(viewed()).toBe(4);
    session.end();
    await t.advance(60 * MINUTE);
    expect(viewed()).toBe(4);
    const again = await open({ credentials });
    expect([again.id, viewed()]).toEqual([session.id, 5]);
    await t.advance(MINUTE);
    expect(viewed()).toBe(6);
    again.end();
    given.refuse = true;
    await expect(open({ credentials })).rejects.toMatchObject({ message: 'no more' });
    await t.stop();
  });

  it('that is to be asked about again lasts no longer than one answer where the token was forgotten', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'eddy-data-'));
    const first = await granting({ recheck: 2 * MINUTE }, { dataDir });
    const credentials = { session: (await first.open()).seal() };
    await first.t.stop();
    const second = await granting({}, { dataDir });
    await second.t.advance(MINUTE);
    const taken = await second.open({ credentials });
    await second.t.advance(MINUTE);
    expect(codeOf(taken)).toBe('WATCH_REFUSED');
    await expect(second.open({ credentials })).rejects.toMatchObject({ details: { reason: 'unauthenticated' } });
    await second.t.stop();
  });

  it('lasts no longer than its grant', async () => {
    const { t, open, given } = await granting({});
    given.grant = { expiresAt: t.clock.now() + MINUTE };
    const short = (await open()).seal();
    await t.advance(MINUTE + 1);
    await expect(open({ credentials: { session: short } })).rejects.toMatchObject({ code: 'WATCH_REFUSED' });
    await t.stop();
  });

  it('is void once an operator ended it, or its user was revoked, also after a restart', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'eddy-data-'));
    const first = await granting({}, { dataDir });
    const [ended, kept] = [await first.open(), await first.open()];
    const sealed = [ended, kept].map((session) => session.seal());
    expect(first.whep().sessions.end(ended.id)).toBe(true);
    await first.t.stop();
    expect(readdirSync(dataDir).sort()).toEqual(['revocations.json', 'session.key']);
    for (const file of readdirSync(dataDir)) expect(statSync(join(dataDir, file)).mode & 0o077).toBe(0);

    const second = await granting({}, { dataDir });
    const again = (index: number) => second.open({ credentials: { session: sealed[index] } });
    await expect(again(0)).rejects.toMatchObject({ message: 'this session was ended' });
    const session = await again(1);
    await second.whep().sessions.revoke('ann', MINUTE);
    expect(codeOf(session)).toBe('WATCH_REFUSED');
    await expect(again(1)).rejects.toMatchObject({ message: 'this session was ended' });
    await expect(second.open()).rejects.toMatchObject({ message: 'the rights of this user were revoked' });
    await second.t.advance(MINUTE);
    await second.open();
    await second.t.stop();
    writeFileSync(join(dataDir, 'revocations.json'), '{"users": [');
    await expect(granting({}, { dataDir })).rejects.toMatchObject({ code: 'REVOCATIONS_UNREADABLE' });
  });

  it('of a user from whom something was taken is void, and a new one is to be had', async () => {
    const { t, open, revoke } = await granting({});
    const sealed = (await open()).seal();
    await t.advance(1);
    revoke('ann');
    await expect(open({ credentials: { session: sealed } })).rejects.toMatchObject({ code: 'WATCH_REFUSED' });
    await t.advance(1);
    const fresh = (await open()).seal();
    await open({ credentials: { session: fresh } });
    await t.stop();
  });

  it('of a link stays ended for as long as the link is good', async () => {
    const { t, open, whep, revoke } = await granting({});
    const invite = (subject: string) => {
      const grant = { allowed: true, subject, expiresAt: t.clock.now() + 100 * 24 * 3_600_000 } as const;
      return { session: whep().sessions.invite('cam1' as never, { ...grant, actions: ['watch'] }) };
    };
    const [ended, voided] = [invite('guest'), invite('other')];
    whep().sessions.end((await open({ credentials: ended })).id);
    await t.advance(1);
    revoke('other');
    await t.advance(24 * 3_600_000);
    // Another revocation is when those of old are forgotten.
    await whep().sessions.revoke('nobody', 1);
    for (const credentials of [ended, voided])
      await expect(open({ credentials })).rejects.toMatchObject({ message: 'this session was ended' });
    await t.stop();
  });

  it('cannot be made by who knows that a crash left the key empty', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'eddy-data-'));
    const keys = [];
    for (const left of [undefined, '', 'cut']) {
      if (left !== undefined) writeFileSync(join(dataDir, 'session.key'), left, { mode: 0o644 });
      const { t } = await granting({}, { dataDir });
      await t.stop();
      keys.push(readFileSync(join(dataDir, 'session.key'), 'utf8'));
      expect(statSync(join(dataDir, 'session.key')).mode & 0o077).toBe(0);
    }
    expect(new Set(keys).size).toBe(3);
    expect(keys.map((key) => key.trim().length)).toEqual([43, 43, 43]);
  });

  it('opens with the key of the pipeline on every machine that has it', async () => {
    const sessions = { key: 'the same thirty-two characters everywhere' };
    const [a, b, c] = [await granting({}, { sessions }), await granting({}, { sessions }), await granting({})];
    const session = (await a.open()).seal();
    expect((await b.open({ credentials: { session } })).userId).toBe('ann');
    await expect(c.open({ credentials: { session } })).rejects.toMatchObject({
      details: { reason: 'unauthenticated' },
    });
    for (const { t } of [a, b, c]) await t.stop();
  });
});

describe('administration', () => {
  it('by who may look changes nothing, and is told to the audit', async () => {
    const { t, given, whep } = await granting({ role: 'read-only' });
    const ask = (change: boolean, quiet = false) =>
      whep().sessions.administer({ credentials: { token: 't' }, peer: peer(), what: 'DELETE /x', change, quiet });
    expect(await ask(false)).toEqual({ userId: 'ann' });
    await expect(ask(true)).rejects.toMatchObject({ code: 'WATCH_REFUSED', details: { reason: 'forbidden' } });
    given.grant = {};
    expect(await ask(true)).toEqual({ userId: 'ann' });
    given.refuse = true;
    await expect(ask(false, true)).rejects.toMatchObject({ code: 'WATCH_REFUSED' });
    const told = t.events.filter(({ type }) => type.startsWith('admin.'));
    expect(told.map(({ type, data }) => [type, data!.what, data!.change, data!.userId])).toEqual([
      ['admin.refused', 'DELETE /x', true, undefined],
      ['admin.allowed', 'DELETE /x', true, 'ann'],
    ]);
    await t.stop();
  });
});

import { describe, expect, it } from 'vitest';
import type { Decision } from '../../../core/plugin/index.ts';
import { gateway } from './gateway.ts';

const codeOf = (signal: AbortSignal): string | undefined => (signal.reason as { code?: string } | undefined)?.code;

describe('a session', () => {
  it('is asked for, shown while it lasts, and ends once', async () => {
    const { t, source, open, asked } = await gateway();
    await source.publish('cam1');
    const session = await open();
    expect(asked.at(-1)).toEqual({
      action: 'watch',
      cameraId: 'cam1',
      credentials: { token: 'secret' },
      peer: { address: '10.0.0.9', protocol: 'whep' },
    });
    session.update({ layer: 2 });
    session.update({ bitrate: 5 });
    const list = t.engine.container.get('sessions').list();
    expect(list).toMatchObject([{ userId: 'ann', mode: 'live', stage: 'whep', state: { layer: 2, bitrate: 5 } }]);
    expect(JSON.stringify(list)).not.toContain('secret');
    session.end();
    session.end();
    expect(t.engine.container.get('sessions').list()).toEqual([]);
    expect(t.eventTypes('cam1').filter((type) => type.startsWith('session'))).toEqual([
      'session.started',
      'session.ended',
    ]);
    await t.stop();
  });

  it('is refused with the reason, before anyone learns which cameras exist', async () => {
    const { t, source, open } = await gateway(({ action }) =>
      action === 'publish'
        ? { allowed: true, subject: 'cam' }
        : { allowed: false, reason: 'forbidden', message: 'not for you' },
    );
    await source.publish('cam1');
    const refusal = { code: 'WATCH_REFUSED', message: 'not for you', details: { reason: 'forbidden' } };
    await expect(open()).rejects.toMatchObject(refusal);
    await expect(open({ cameraId: 'nobody' })).rejects.toMatchObject(refusal);
    await t.stop();
  });

  it('of no camera, or of one that never published, is refused', async () => {
    const { t, open } = await gateway();
    await expect(open({ cameraId: 'a/b' })).rejects.toMatchObject({ code: 'CAMERA_ID_INVALID' });
    await expect(open()).rejects.toMatchObject({ code: 'CAMERA_UNKNOWN' });
    await t.stop();
  });

  it('is not given while the authorizer cannot tell', async () => {
    const { t, source, open } = await gateway(({ action }) => {
      if (action === 'publish') return { allowed: true, subject: 'cam' };
      throw new Error('the endpoint is down');
    });
    await source.publish('cam1');
    await expect(open()).rejects.toMatchObject({ code: 'AUTH_UNAVAILABLE' });
    await t.stop();
  });

  it('ends when its grant expires, and is not given for one that has', async () => {
    let expiresAt = 0;
    const { t, source, open } = await gateway(() => ({
      allowed: true,
      subject: 'ann',
      ...(expiresAt && { expiresAt }),
    }));
    await source.publish('cam1');
    expiresAt = t.clock.now() + 60_000;
    const session = await open();
    await t.advance(59_999);
    expect(session.signal.aborted).toBe(false);
    await t.advance(1);
    expect([codeOf(session.signal), t.engine.container.get('sessions').list()]).toEqual(['WATCH_REFUSED', []]);
    await expect(open()).rejects.toMatchObject({ code: 'WATCH_REFUSED', message: expect.stringMatching('expired') });
    await t.stop();
    expect(t.time.timers()).toEqual([]);
  });

  it('outlasts a timer that cannot hold its expiry, and a wall clock that steps back', async () => {
    const month = 30 * 24 * 3_600_000;
    const { t, source, open } = await gateway(() => ({
      allowed: true,
      subject: 'ann',
      expiresAt: t.clock.now() + month,
    }));
    const publication = source.publish('cam1');
    await publication;
    const session = await open();
    await t.advance(2_147_483_647);
    expect(session.signal.aborted).toBe(false);
    t.time.step(-60_000);
    await t.advance(month - 2_147_483_647);
    expect(session.signal.aborted).toBe(false);
    await t.advance(60_000);
    expect(session.signal.aborted).toBe(true);
    await t.stop();
  });

  it('ends by its id, once, and tells why', async () => {
    const { source, open, whep } = await gateway();
    await source.publish('cam1');
    const session = await open();
    expect(whep().sessions.end('nobody')).toBe(false);
    expect(whep().sessions.end(session.id)).toBe(true);
    expect(codeOf(session.signal)).toBe('SESSION_ENDED');
    expect(whep().sessions.list()).toEqual([]);
    expect(whep().sessions.end(session.id)).toBe(false);
  });

  it('ends when its subject is revoked, and so does a publication; others go on', async () => {
    const { t, source, open, revoke, listeners } = await gateway((request) => ({
      allowed: true,
      subject: request.credentials.user ?? 'nobody',
    }));
    const bad = await source.publish('cam1', { credentials: { user: 'bob' } });
    const good = await source.publish('cam2', { credentials: { user: 'eve' } });
    const [bob, eve] = [await open({ credentials: { user: 'bob' } }), await open({ credentials: { user: 'eve' } })];
    revoke('bob');
    expect([codeOf(bob.signal), codeOf(bad.signal)]).toEqual(['WATCH_REFUSED', 'PUBLISH_REFUSED']);
    expect([eve.signal.aborted, good.signal.aborted]).toEqual([false, false]);
    await t.stop();
    expect(listeners.size).toBe(0);
  });

  it('ends with its gateway, and with the pipeline', async () => {
    const { t, source, open, whep } = await gateway();
    await source.publish('cam1');
    const first = await open();
    whep().fail(new Error('gone'));
    await t.advance(0);
    expect(first.signal.aborted).toBe(true);
    await t.advance(1000);
    const second = await open();
    await t.stop();
    expect(codeOf(second.signal)).toBe('GATE_CLOSED');
    await expect(open()).rejects.toMatchObject({ code: 'GATE_CLOSED' });
  });

  it('needs a right to administer of its own', async () => {
    const { t, whep } = await gateway(({ action }) =>
      action === 'admin'
        ? { allowed: false, reason: 'unauthenticated', message: 'who are you?' }
        : { allowed: true, subject: 'ann' },
    );
    const peer = { address: '::1', protocol: 'api' };
    const asked = { credentials: {}, peer, what: 'GET /x', change: false };
    await expect(whep().sessions.administer(asked)).rejects.toMatchObject({
      code: 'WATCH_REFUSED',
      message: 'who are you?',
    });
    await t.stop();
  });
});

describe('a publisher', () => {
  it('is refused by the authorizer before anything is opened for it', async () => {
    const { t, source } = await gateway(() => ({ allowed: false, reason: 'unauthenticated', message: 'no token' }));
    await expect(source.publish('cam1')).rejects.toMatchObject({ code: 'PUBLISH_REFUSED', message: 'no token' });
    expect(t.camera('cam1')).toBeUndefined();
    expect(t.eventTypes('cam1')).toEqual(['publish.refused']);
    await t.stop();
  });

  it('waits for a slow authorizer, and is told where the gate closed meanwhile', async () => {
    let answer!: (decision: Decision) => void;
    const { t, source } = await gateway(() => new Promise((resolve) => (answer = resolve)));
    const publishing = source.publish('cam1');
    const refused = expect(publishing).rejects.toMatchObject({ code: 'GATE_CLOSED' });
    const stopped = t.stop();
    answer({ allowed: true, subject: 'late' });
    await refused;
    await stopped;
  });
});

/** What every provider of Authorizer must do. Call it from a test file with a way to start one. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccessRequest, Action, Authorizer, Credentials } from '../../core/contracts/index.ts';
import { parseCameraId, type CameraId } from '../../core/model/index.ts';

/** A started authorizer: who may do what, for the suite to try. */
export interface StartedAuthorizer {
  readonly authorizer: Authorizer;
  /** Credentials that grant `publish` on the camera `acme.door1`, and nothing on `other.door1`. */
  readonly publisher: Credentials;
  stop(): Promise<void>;
}

/** A question to an authorizer. */
export function access(action: Action, cameraId: string | undefined, credentials: Credentials): AccessRequest {
  const camera = cameraId === undefined ? {} : { cameraId: parseCameraId(cameraId) as CameraId };
  return { action, ...camera, credentials, peer: { address: '127.0.0.1', protocol: 'internal' } };
}

/** The suite. */
export function authorizerContract(name: string, start: () => Promise<StartedAuthorizer>): void {
  describe(`${name} keeps the contract Authorizer`, () => {
    let started: StartedAuthorizer;
    beforeEach(async () => {
      started = await start();
    });
    afterEach(() => started.stop());
    const ask = (action: Action, camera: string | undefined, credentials: Credentials) =>
      started.authorizer.authorize(access(action, camera, credentials));

    it('lets in who may, and says who it is', async () => {
      const decision = await ask('publish', 'acme.door1', started.publisher);
      expect(decision).toMatchObject({ allowed: true, subject: expect.stringMatching(/./) });
    });

    it('gives the same answer to the same question', async () => {
      const answers = await Promise.all([1, 2, 3].map(() => ask('publish', 'acme.door1', started.publisher)));
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[2]).toEqual(answers[0]);
    });

    it('refuses by an answer, not by an error, whatever is brought', async () => {
      const brought: Credentials[] = [
        {},
        { token: '' },
        { token: 'no such token' },
        { token: '\u0000' },
        { token: 'x'.repeat(100_000) },
        { user: 'root', password: '' },
      ];
      for (const credentials of brought) {
        const decision = await ask('publish', 'acme.door1', credentials);
        if (started.authorizer.open) expect(decision.allowed).toBe(true);
        else expect(decision).toMatchObject({ allowed: false, reason: 'unauthenticated' });
      }
    });

    it('says "forbidden" to known credentials that do not suffice, without repeating them', async () => {
      for (const [action, camera] of [
        ['publish', 'other.door1'],
        ['admin', undefined],
      ] as const) {
        const decision = await ask(action, camera, started.publisher);
        if (started.authorizer.open) expect(decision.allowed).toBe(true);
        else {
          expect(decision).toMatchObject({ allowed: false, reason: 'forbidden', message: expect.stringMatching(/./) });
          expect(JSON.stringify(decision)).not.toContain(started.publisher.token ?? started.publisher.password);
        }
      }
    });
  });
}

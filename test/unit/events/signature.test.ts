import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../../plugins/events/webhook/post.ts';
import { parseWebhookSecret, signedWebhookHeaders } from '../../../core/plugin/webhook-signature.ts';

const keyOf = (secret: string): Buffer => {
  const parsed = parseWebhookSecret(secret);
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed.key;
};

describe('signatures', () => {
  it('are those of the Standard Webhooks', () => {
    // From the test suite of its reference libraries.
    const key = keyOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const headers = signedWebhookHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330_999, '{"test": 2432232314}', [key]);
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('are made with every secret, so that a receiver with any of them verifies', () => {
    const secrets = [1, 2, 3].map((fill) => `whsec_${Buffer.alloc(32, fill).toString('base64')}`);
    const body = '{"type":"camera.live","data":{"name":"Tür 1"}}';
    const headers = signedWebhookHeaders('evt_1', Date.now(), body, secrets.slice(0, 2).map(keyOf));
    for (const secret of secrets.slice(0, 2))
      expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(secrets[2]!).verify(body, headers)).toThrow();
    expect(() => new Webhook(secrets[0]!).verify(body.replace('live', 'away'), headers)).toThrow();
  });

  it.each([
    ['', 'is empty'],
    ['whsec_', 'is empty'],
    ['correct horse battery staple', 'is not "whsec_" and base64'],
    [`whsec_${Buffer.alloc(23).toString('base64')}`, 'holds 23 bytes, and at least 24 are needed'],
    [`whsec_${Buffer.alloc(65).toString('base64')}`, 'holds 65 bytes, and at most 64 are allowed'],
  ])('are not made with %j', (secret, error) => expect(parseWebhookSecret(secret)).toEqual({ error }));

  it('take a secret without its prefix', () =>
    expect(keyOf(Buffer.alloc(24, 7).toString('base64'))).toEqual(Buffer.alloc(24, 7)));
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    [undefined, 0],
    ['7', 7000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['soon', 0],
    ['-5', 0],
  ])('%j asks for %i ms', (written, ms) => expect(retryAfterMs(written, now)).toBe(ms));
});

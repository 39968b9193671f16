/** Signatures of webhooks, by the Standard Webhooks specification 1.0.0 (https://www.standardwebhooks.com), symmetric: `v1`. */
import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** "Signing secret: random, at least 24 bytes (192 bits, 512 maximum)", section "Signature scheme". */
const KEY_BYTES = { min: 24, max: 64 };

/** The key in a secret (`whsec_` and base64, the prefix may be missing), or what is wrong with it, without its value. */
export function parseWebhookSecret(secret: string): { readonly key: Buffer } | { readonly error: string } {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret;
  if (text === '') return { error: 'is empty' };
  if (!BASE64.test(text)) return { error: 'is not "whsec_" and base64' };
  const key = Buffer.from(text, 'base64');
  const { min, max } = KEY_BYTES;
  if (key.byteLength < min) return { error: `holds ${key.byteLength} bytes, and at least ${min} are needed` };
  if (key.byteLength > max) return { error: `holds ${key.byteLength} bytes, and at most ${max} are allowed` };
  return { key };
}

/**
 * The headers of one attempt: the body is signed with every key, so that a receiver may still verify by an old secret
 * ("Webhook headers", on rotation). `now` is the time of the attempt, epoch ms: receivers refuse old ones as replays.
 */
export function signedWebhookHeaders(
  id: string,
  now: number,
  body: string,
  keys: readonly Buffer[],
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const timestamp = Math.floor(now / 1000).toString();
  const sign = (key: Buffer): string =>
    `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': keys.map(sign).join(' ') };
}

/** Names for secrets in memory: what a cache or keyring knows of them must tell nothing to who reads a dump. */
import { createHmac, randomBytes } from 'node:crypto';

/** One a process, so that two keyrings can be compared; it leaves with the process. */
const salt = randomBytes(32);

/** A keyed digest of these parts; parts cannot run into each other. */
export function digestOf(...parts: readonly string[]): Buffer {
  const hmac = createHmac('sha256', salt);
  for (const part of parts) hmac.update(`${Buffer.byteLength(part)}:`).update(part);
  return hmac.digest();
}

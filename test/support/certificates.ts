/** Certificates as tests need them, by the openssl of this machine. */
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Writes a self-signed certificate for a name, and its key; valid for localhost and 127.0.0.1, for so many days. */
export function certify(name: string, cert: string, key: string, days = 1): void {
  // prettier-ignore
  const how = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', String(days),
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', [...how, '-subj', `/CN=${name}`, '-keyout', key, '-out', cert], { stdio: 'ignore' });
}

/** What Chromium takes for `--ignore-certificate-errors-spki-list`: it trusts this key and no other. */
export function spkiOf(cert: string): string {
  const { publicKey } = new X509Certificate(readFileSync(cert));
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

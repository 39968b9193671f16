/** The certificate of a server that speaks TLS: two files that others renew while it serves. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Context } from './context.ts';

/** A certificate with its chain and its key, as PEM: whole, and made for each other. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** When it expires, epoch ms. */
  readonly expiresAt: number;
}

/** What it needs of a plugin's context. */
export type CertificateContext = Pick<Context, 'baseDir' | 'clock' | 'log' | 'metrics'>;

/** How often the files are looked at, ms. A change is taken at the second look that sees it: within 10 s. */
const LOOK_INTERVAL = 4_000;

/**
 * The two files. They are looked at now and then, since watching breaks where tools renew by moving a link; what is half written, or of which only one
 * half has come, is never served.
 */
export class CertificateFiles {
  readonly #files: { readonly cert: string; readonly key: string };
  readonly #ctx: CertificateContext;
  /** The files as they were when they were last read. */
  #read: string | undefined;

  constructor(files: { readonly cert: string; readonly key: string }, ctx: CertificateContext) {
    this.#files = files;
    this.#ctx = ctx;
  }

  /** Reads both; rejects as {@link readCertificate}. */
  async read(): Promise<Certificate> {
    const { baseDir, clock, log, metrics } = this.#ctx;
    this.#read = await this.#state();
    const certificate = await readCertificate(this.#files, baseDir);
    if (certificate.expiresAt < clock.now()) {
      const expired = new Date(certificate.expiresAt).toISOString();
      log.warn({ cert: this.#files.cert, expired }, 'the certificate has expired; clients will refuse it');
    }
    metrics
      .gauge('tls_certificate_expires_timestamp_seconds', 'When the certificate that is served expires.')
      .set(certificate.expiresAt / 1000);
    return certificate;
  }

  /** Calls back with each renewed pair, until the scope ends or the returned function is called. */
  follow(use: (certificate: Certificate) => void): () => void {
    const { clock, log } = this.#ctx;
    let seen = this.#read;
    let looking = false;
    const look = async (): Promise<void> => {
      const now = await this.#state();
      // Twice the same: nobody is writing any more.
      const settled = now !== undefined && now === seen;
      seen = now;
      if (!settled || now === this.#read) return;
      try {
        const certificate = await this.read();
        use(certificate);
        log.info(
          { cert: this.#files.cert, expires: new Date(certificate.expiresAt).toISOString() },
          'the certificate was renewed',
        );
      } catch (error) {
        log.warn({ err: error }, 'the renewed certificate is of no use yet; the old one stays');
      }
    };
    return clock.every(LOOK_INTERVAL, () => {
      if (looking) return;
      looking = true;
      void look().finally(() => (looking = false));
    });
  }

  /** Changes when one of the files is written, replaced or made readable; undefined while one is missing. */
  async #state(): Promise<string | undefined> {
    try {
      const { baseDir } = this.#ctx;
      const states = await Promise.all(
        [this.#files.cert, this.#files.key].map((file) => stat(resolve(baseDir, file), { bigint: true })),
      );
      return states.map(({ ino, mtimeNs, ctimeNs, size }) => `${ino} ${mtimeNs} ${ctimeNs} ${size}`).join(', ');
    } catch {
      return undefined;
    }
  }
}

/** Reads a certificate with its chain and its key. Rejects with an Error whose message says which of the two is of no use, and why. */
export async function readCertificate(
  files: { readonly cert: string; readonly key: string },
  baseDir: string,
): Promise<Certificate> {
  const read = async (file: string, what: string): Promise<Buffer> => {
    try {
      return await readFile(resolve(baseDir, file));
    } catch (cause) {
      throw new Error(`the ${what} ${file} cannot be read: ${(cause as Error).message}`, { cause });
    }
  };
  return pairOf(await read(files.cert, 'certificate'), await read(files.key, 'key'), files);
}

const BLOCK = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** Throws where a part of the chain is not whole, or the key is of another certificate. */
function pairOf(cert: Buffer, key: Buffer, names: { readonly cert: string; readonly key: string }): Certificate {
  const attempt = <T>(what: string, make: () => T): T => {
    try {
      return make();
    } catch (cause) {
      throw new Error(`${what}: ${(cause as Error).message}`, { cause });
    }
  };
  const text = cert.toString('latin1');
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0 || blocks.length !== text.split('-----BEGIN ').length - 1) {
    throw new Error(`${names.cert} holds no whole chain of certificates in PEM`);
  }
  const [leaf] = attempt(`${names.cert} is no certificate`, () => blocks.map((block) => new X509Certificate(block)));
  const secret = attempt(`${names.key} is no private key in PEM`, () => createPrivateKey(key));
  if (!leaf!.checkPrivateKey(secret)) throw new Error(`the key ${names.key} does not belong to ${names.cert}`);
  attempt(`TLS does not take ${names.cert}`, () => createSecureContext({ cert, key }));
  return { cert, key, expiresAt: Date.parse(leaf!.validTo) };
}

/** The certificate and key of TLS: files that others renew while the server runs. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EddyError } from 'eddy/plugin';

/** The files, as the configuration names them. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** PEM texts. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Reads both. Rejects with HTTP_TLS_INVALID. */
export async function readCertificate(files: CertificateFiles, baseDir: string): Promise<Certificate> {
  const read = async (file: string, what: string): Promise<Buffer> => {
    try {
      return await readFile(resolve(baseDir, file));
    } catch (error) {
      const message = `The ${what} ${file} cannot be read: ${(error as Error).message}.`;
      throw new EddyError('HTTP_TLS_INVALID', message, { cause: error });
    }
  };
  return { cert: await read(files.cert, 'certificate'), key: await read(files.key, 'key') };
}

/**
 * What changes when one of the files is written or replaced; undefined while one is missing. Looked at now and then:
 * watching breaks where tools renew by moving a link.
 */
export async function certificateState(files: CertificateFiles, baseDir: string): Promise<string | undefined> {
  try {
    const states = await Promise.all([files.cert, files.key].map((file) => stat(resolve(baseDir, file))));
    return states.map(({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`).join(', ');
  } catch {
    return undefined;
  }
}

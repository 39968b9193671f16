import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { CertificateFiles, type Certificate, type CertificateContext } from '../../../core/plugin/index.ts';
import { certify } from '../../support/certificates.ts';

let folder: string;
let look: () => void;
let said: string[];
let expires: number;
let now = Date.now();
const taken: Certificate[] = [];

const at = (name: string): string => join(folder, name);
function context(): CertificateContext {
  const add = (_fields: object, message: string): void => void said.push(message);
  return {
    baseDir: folder,
    clock: {
      now: () => now,
      every: (_ms: number, callback: () => void) => ((look = callback), () => (look = () => {})),
    },
    log: { info: add, warn: add },
    metrics: { gauge: () => ({ set: (value: number) => void (expires = value), remove() {} }) },
  } as unknown as CertificateContext;
}
/** Two looks, which is what a change that is whole takes. */
async function looks(count = 2): Promise<void> {
  for (let i = 0; i < count; i++) {
    look();
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
async function follow(): Promise<CertificateFiles> {
  const files = new CertificateFiles({ cert: 'cert.pem', key: 'key.pem' }, context());
  await files.read();
  files.follow((certificate) => taken.push(certificate));
  return files;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eddy-certificate-'));
  said = [];
  now = Date.now();
  taken.length = 0;
  certify('first', at('cert.pem'), at('key.pem'));
  certify('second', at('cert2.pem'), at('key2.pem'));
});

it('says which file is of no use, and why', async () => {
  const read = (cert: string, key: string): Promise<unknown> => new CertificateFiles({ cert, key }, context()).read();
  await expect(read('no.pem', 'key.pem')).rejects.toThrow(/^the certificate no.pem cannot be read: ENOENT/);
  await expect(read('cert.pem', 'key2.pem')).rejects.toThrow('the key key2.pem does not belong to cert.pem');
  await expect(read('key.pem', 'key.pem')).rejects.toThrow('key.pem holds no whole chain');
  await expect(read('cert.pem', 'cert.pem')).rejects.toThrow('cert.pem is no private key');
  writeFileSync(at('cut.pem'), readFileSync(at('cert.pem')).subarray(0, -40));
  await expect(read('cut.pem', 'key.pem')).rejects.toThrow('cut.pem holds no whole chain');
  // A chain of which the second certificate is half written.
  writeFileSync(at('chain.pem'), Buffer.concat([readFileSync(at('cert.pem')), readFileSync(at('cut.pem'))]));
  await expect(read('chain.pem', 'key.pem')).rejects.toThrow('chain.pem holds no whole chain');
  await expect(read('cert.pem', 'key.pem')).resolves.toBeDefined();
  expect(expires).toBeGreaterThan(Date.now() / 1000 + 3600);
  expect(said).toEqual([]);
  now += 2 * 86_400_000;
  await read('cert.pem', 'key.pem');
  expect(said).toEqual(['the certificate has expired; clients will refuse it']);
});

it('takes a pair when it is whole and nobody writes any more, and tells once what is of no use', async () => {
  await follow();
  await looks();
  expect(taken).toEqual([]);
  renameSync(at('cert2.pem'), at('cert.pem'));
  await looks(4);
  expect(taken).toEqual([]);
  expect(said).toEqual(['the renewed certificate is of no use yet; the old one stays']);
  renameSync(at('key2.pem'), at('key.pem'));
  await looks(1);
  expect(taken).toEqual([]);
  // Somebody writes still: a comment behind the key.
  appendFileSync(at('key.pem'), '\n# moved\n');
  await looks(1);
  expect(taken).toEqual([]);
  await looks(1);
  await expect.poll(() => taken.map(({ cert }) => String(cert))).toEqual([readFileSync(at('cert.pem'), 'utf8')]);
  await looks();
  expect(taken).toHaveLength(1);
});

it('follows a link that moves, and a file that goes and comes back', async () => {
  for (const name of ['cert', 'key']) {
    renameSync(at(`${name}.pem`), at(`${name}1.pem`));
    symlinkSync(at(`${name}1.pem`), at(`${name}.pem`));
  }
  await follow();
  for (const name of ['cert', 'key']) {
    symlinkSync(at(`${name}2.pem`), at(`${name}.new`));
    renameSync(at(`${name}.new`), at(`${name}.pem`));
  }
  await looks();
  await expect.poll(() => [taken.length, said]).toEqual([1, ['the certificate was renewed']]);
  rmSync(at('key.pem'));
  await looks();
  certify('third', at('cert3.pem'), at('key3.pem'));
  renameSync(at('key3.pem'), at('key.pem'));
  renameSync(at('cert3.pem'), at('cert.pem'));
  chmodSync(at('key.pem'), 0o600);
  await looks();
  await expect.poll(() => taken.length).toBe(2);
});

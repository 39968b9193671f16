/**
 * A real S3 server (Ceph's RADOS gateway) on loopback, which checks signatures and checksums. Its packages are fetched
 * by apt into the user's cache the first time (120 MB, 20 s) and nothing is installed; its data is in memory.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A running server with an empty bucket. */
export interface S3Server {
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  stop(): Promise<void>;
}

/** Why the server cannot run on this machine, or undefined. */
export function whyNoS3Server(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the S3 server is for Linux on x64';
  const missing = ['apt-get', 'dpkg-deb', 'curl', 'flock', 'setsid'].filter(
    (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0,
  );
  return missing.length > 0 ? `the S3 server needs ${missing.join(', ')}` : undefined;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a server of its own for the caller. */
export async function startS3Server(): Promise<S3Server> {
  const home = await mkdtemp(join(tmpdir(), 'eddy-s3-'));
  const [port, monitor] = [await freePort(), await freePort()];
  const env = {
    ...process.env,
    PATH: `${join(process.execPath, '..')}:${process.env.PATH}`,
    S3_RUN: join(home, 'run'),
    S3_PORT: String(port),
    S3_MON_PORT: String(monitor),
    S3_KEY: 'test',
    S3_SECRET: 'testsecret',
    S3_BUCKET: 'test',
  };
  const script = (name: string) => run('bash', [join(import.meta.dirname, name)], { env });
  try {
    await script('up.sh');
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: 'test',
    credentials: { accessKeyId: 'test', secretAccessKey: 'testsecret' },
    stop: async () => {
      await script('down.sh');
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Runs a pipeline as a user does: the launcher, a file, a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get as httpsGet } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** A running pipeline. */
export interface RunningEddy {
  readonly pid: number;
  /** Where it answers; `https:` where the pipeline has TLS. */
  readonly http: string;
  /** `rtmp://127.0.0.1:port/live` */
  readonly rtmp: string;
  /** `rtmps://127.0.0.1:port/live` */
  readonly rtmps: string;
  /** The folder with the pipeline file and the control socket. */
  readonly folder: string;
  readonly exit: Promise<number | null>;
  /** Log lines so far, parsed. */
  log(): Record<string, unknown>[];
  stderr(): string;
  json<T>(path: string): Promise<T>;
  /** Changes the pipeline file and applies it. */
  apply(yaml: string): Promise<{ readonly code: number; readonly out: string }>;
  /** SIGTERM, and SIGKILL where it does not end; settles with the exit code. Safe to repeat. */
  stop(): Promise<number | null>;
}

/** Child processes of a process, by pid, with their command lines. */
export async function childrenOf(pid: number): Promise<{ readonly pid: number; readonly command: string }[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const pids = text.trim().split(/\s+/).filter(Boolean).map(Number);
  const found = await Promise.all(
    pids.map(async (child) => {
      const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
      return { pid: child, command: command.replaceAll('\0', ' ').trim() };
    }),
  );
  return found.filter((child) => child.command !== '');
}

/** True while the process is there and no zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && !/^\d+ \(.*\) Z/.test(stat);
}

/** Waits until something is there: asks again every `every` ms, at most `timeout` ms, and says what it waited for. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { timeout = 15_000, every = 50 } = {},
): Promise<T> {
  const end = performance.now() + timeout;
  for (;;) {
    const found = await ask();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited ${timeout} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

/** Asks http: or https:, whoever signed the certificate. */
async function getAny(url: string): Promise<{ status: number; body: string }> {
  if (url.startsWith('http:')) {
    const answer = await fetch(url);
    return { status: answer.status, body: await answer.text() };
  }
  return new Promise((resolve, reject) => {
    const request = httpsGet(url, { rejectUnauthorized: false, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => void (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body })).on('error', reject);
    });
    request.on('error', reject);
  });
}

/** Options of {@link startEddy}. */
export interface StartOptions {
  /** The `eddy` to run; default: this checkout's. */
  readonly launcher?: string;
  /** Where it runs and the pipeline is written; default: a folder of its own, which goes with it. */
  readonly folder?: string;
  /** A command in front of it, with its arguments: it must become the launcher, or pass signals on. */
  readonly under?: readonly string[];
  /** Its HTTP server speaks TLS, with whatever certificate. */
  readonly tls?: boolean;
}

/** Starts a pipeline; `HTTP`, `RTMP` and `RTMPS` in the text stand for free addresses. Settles when it is ready. */
export async function startEddy(yaml: string, options: StartOptions = {}): Promise<RunningEddy> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'eddy-run-')));
  const launcher = options.launcher ?? join(root, 'scripts/eddy.mjs');
  const file = join(folder, 'pipeline.yaml');
  const http = `127.0.0.1:${await freePort()}`;
  const rtmp = `127.0.0.1:${await freePort()}`;
  const rtmps = `127.0.0.1:${await freePort()}`;
  const fill = (text: string): string =>
    text.replaceAll('HTTP', http).replaceAll('RTMPS', rtmps).replaceAll('RTMP', rtmp);
  const base = `${options.tls === true ? 'https' : 'http'}://${http}`;
  await writeFile(file, fill(yaml));
  const eddy = (args: readonly string[], under: readonly string[] = []): ChildProcess => {
    const [command = '', ...rest] = [...under, process.execPath, launcher, ...args];
    return spawn(command, rest, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const child = eddy(['run', file, '--log-format', 'json'], options.under);
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => void (stderr += text));
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  let stopped: Promise<number | null> | undefined;
  const running: RunningEddy = {
    pid: child.pid!,
    http: base,
    rtmp: `rtmp://${rtmp}/live`,
    rtmps: `rtmps://${rtmps}/live`,
    folder,
    exit,
    stderr: () => stderr,
    log: () =>
      stderr
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    json: async <T>(path: string) => JSON.parse((await getAny(base + path)).body) as T,
    async apply(text) {
      await writeFile(file, fill(text));
      const apply = eddy(['apply', file]);
      let out = '';
      for (const stream of [apply.stdout!, apply.stderr!])
        stream.setEncoding('utf8').on('data', (part: string) => void (out += part));
      const code = await new Promise<number>((resolve) => apply.once('close', (code) => resolve(code ?? -1)));
      return { code, out };
    },
    stop: () =>
      (stopped ??= (async () => {
        child.kill('SIGTERM');
        const insist = setTimeout(() => child.kill('SIGKILL'), 20_000);
        const code = await exit;
        clearTimeout(insist);
        if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
        return code;
      })()),
  };
  try {
    await until(`${file} to be ready`, async () => {
      if (child.exitCode !== null) throw new Error(`eddy ended with ${child.exitCode}:\n${stderr}`);
      return (await getAny(`${base}/readyz`).catch(() => undefined))?.status === 200;
    });
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running;
}

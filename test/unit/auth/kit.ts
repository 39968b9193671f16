/** An authorizer of ours by itself, for its tests: all of it real but the clock. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  parseFields,
  type Action,
  type AnyPlugin,
  type Authorizer,
  type ConfigProblem,
  type Context,
  type Credentials,
  type Fields,
  type Peer,
} from '../../../core/plugin/index.ts';
import { access } from '../../contract/authorizer.ts';
import { certify } from '../../support/certificates.ts';
import { startJsonServer, type Answerer, type JsonServer } from '../../support/json-server.ts';
import { fakeContext } from '../http/fake-context.ts';

/** What the engine holds of an authorizer. */
interface Runs<Config> {
  readonly services: { readonly auth: Authorizer };
  start?(): unknown;
  stop?(): unknown;
  reconfigure?(config: Config): unknown;
}

/** Starts one with these options, as written in YAML; the test holds its clock. */
export async function startAuthorizer<M, R extends Runs<never>>(
  plugin: AnyPlugin & { readonly manifest: M },
  create: (ctx: Context<M>) => R,
  written: Readonly<Record<string, unknown>> = {},
) {
  const { ctx, engine } = fakeContext<Context<M>>(plugin, written);
  let passed = 0;
  const { now, monotonic } = { now: Date.now, monotonic: () => performance.now() };
  Object.assign(ctx.clock, { now: () => now() + passed, monotonic: () => monotonic() + passed });
  const running = create(ctx);
  const stop = async (): Promise<void> => {
    await running.stop?.();
    await engine.close();
    rmSync(ctx.baseDir, { recursive: true, force: true });
  };
  try {
    await running.start?.();
  } catch (error) {
    await stop();
    throw error;
  }
  const { auth } = running.services;
  return {
    running,
    engine,
    auth,
    stop,
    /** Moves its clock on. */
    pass: (ms: number) => void (passed += ms),
    ask: (action: Action, camera: string | undefined, credentials: Credentials = {}, peer: Partial<Peer> = {}) => {
      const question = access(action, camera, credentials);
      return auth.authorize({ ...question, peer: { ...question.peer, ...peer } });
    },
  };
}

/** The same, stopped once the test is over. */
export function stopping<A extends readonly unknown[], S extends { stop(): Promise<void> }>(
  start: (...args: A) => Promise<S>,
): (...args: A) => Promise<S> {
  return async (...args) => {
    const started = await start(...args);
    onTestFinished(() => started.stop());
    return started;
  };
}

/** What the manifest finds wrong with options. */
export function problemsOf(
  manifest: { readonly config: Fields; readonly check?: (config: never) => readonly ConfigProblem[] },
  written: Readonly<Record<string, unknown>>,
): readonly ConfigProblem[] {
  const parsed = parseFields(manifest.config, written);
  if ('error' in parsed) throw new Error(parsed.error);
  return manifest.check!(parsed.value as never);
}

/** A folder for a test's files. */
export const makeFolder = (): string => mkdtempSync(`${tmpdir()}/eddy-auth-`);

/** An HTTPS server until the test is over, and the file of its certificate, which nobody trusts unasked. */
export async function startTlsServer(answer: Answerer): Promise<{ readonly tls: JsonServer; readonly ca: string }> {
  const folder = makeFolder();
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [ca, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  certify('auth', ca, key);
  const tls = await startJsonServer(answer, { key: readFileSync(key, 'utf8'), cert: readFileSync(ca, 'utf8') });
  onTestFinished(tls.close);
  return { tls, ca };
}

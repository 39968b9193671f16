/** A disposable child process: started, watched, metered, ended, with nothing left behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { EddyError } from '../errors/index.ts';
import { nodeOptionsFor, siblingModule } from './entry.ts';
import { LastLines } from './last-lines.ts';
import type { Json, ToChild, ToParent, WireError } from './protocol.ts';
import { readUsage, type ProcessUsage } from './usage.ts';
import { Watchdog } from './watchdog.ts';

/** What to start. */
export interface ChildSpec {
  /** Stage and camera, for logs and `ps`. */
  readonly label: string;
  /** URL of a module that exports `main(parent)` (a `ChildModule`); see {@link siblingModule}. */
  readonly entry: string;
  /** Handed to `main`; small plain data. */
  readonly args?: Json;
  /** Names of media pipes: byte streams both ways, with back-pressure. */
  readonly pipes?: readonly string[];
  /** Added to the parent's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** 0-19: higher yields the processor to others. */
  readonly nice?: number;
  /** Distance of heartbeats, and the silence after which the child is killed, in ms. Default 1000 and 4000. */
  readonly heartbeat?: { readonly interval: number; readonly timeout: number };
  /** How long `main` may take, in ms. Default 15 000. */
  readonly startTimeout?: number;
  /** Distance of the readings of CPU and memory, in ms. Default 5000. */
  readonly meterInterval?: number;
  readonly onMessage?: (body: Json) => void;
  readonly onUsage?: (usage: ProcessUsage) => void;
}

/** How a child ended. */
export interface ChildEnd {
  /** `closed` by us; `exited` by itself with code 0; `crashed`; `stalled`: it was killed for its silence. */
  readonly cause: 'closed' | 'exited' | 'crashed' | 'stalled';
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines that it printed. */
  readonly lines: readonly string[];
}

/** A refusal by the child of one request. */
export class ChildRefusal extends Error {
  override readonly name = 'ChildRefusal';
  readonly code: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(error: WireError) {
    super(error.message);
    this.code = error.code;
    this.details = error.details ?? {};
  }
}

/** A running child. */
export interface Child {
  readonly pid: number;
  /** The child's descriptors of its media pipes, by name: what a command line for native code names. */
  readonly pipeFds: Readonly<Record<string, number>>;
  /** The parent's end of a media pipe. */
  pipe(name: string): Socket;
  send(body: Json): void;
  /** Asks and waits; rejects with {@link ChildRefusal}, or PROCESS_DIED where the child ends first. */
  request(body: Json): Promise<Json>;
  /** The last reading; undefined before the first and where the system cannot tell. */
  readonly usage: ProcessUsage | undefined;
  /** Settles when the child and its pipes have ended; never rejects. */
  readonly ended: Promise<ChildEnd>;
  /** Asks for a gentle end and kills at the deadline (ms; 0, the default, kills at once). Safe to repeat. */
  close(deadline?: number): Promise<ChildEnd>;
  /** Kills it because it stopped doing its work: `ended` then says `stalled`. */
  killStalled(): void;
}

/** Descriptors 0-2 are the standard ones, 3 is the control channel. */
const FIRST_PIPE = 4;
/** What a dead child has left in its pipes is still read, but not by a reader that has stopped reading. */
const DRAIN_MS = 2000;
/** The kernel kills the child when the parent has died, even where the child is stopped or stuck in native code. */
const DEATH_GUARD = '/usr/bin/setpriv';

/** Starts a child. Settles when its `main` has; rejects with PROCESS_SPAWN_FAILED. */
export async function spawnChild(spec: ChildSpec): Promise<Child> {
  const child = new NodeChild(spec);
  try {
    await child.started;
  } catch (error) {
    await child.close();
    throw error;
  }
  return child;
}

interface Pending {
  readonly resolve: (value: Json) => void;
  readonly reject: (error: Error) => void;
}

class NodeChild implements Child {
  readonly started: Promise<void>;
  readonly ended: Promise<ChildEnd>;
  readonly pipeFds: Readonly<Record<string, number>>;
  readonly #spec: ChildSpec;
  readonly #process: ChildProcess;
  readonly #lines = new LastLines();
  readonly #pending = new Map<number, Pending>();
  #watchdog: Watchdog | undefined;
  #meter: NodeJS.Timeout | undefined;
  #intent: 'closed' | 'stalled' | undefined;
  #usage: ProcessUsage | undefined;
  #nextId = 1;
  #onStarted: (error?: EddyError) => void = () => undefined;
  readonly #onGentleEnd: (() => void)[] = [];
  #exited = false;

  constructor(spec: ChildSpec) {
    this.#spec = spec;
    this.pipeFds = Object.fromEntries((spec.pipes ?? []).map((name, i) => [name, FIRST_PIPE + i]));
    this.#process = this.#spawn();
    this.started = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#onStarted(this.#spawnFailed(`it was not ready within ${spec.startTimeout ?? 15_000} ms`));
      }, spec.startTimeout ?? 15_000);
      this.#onStarted = (error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      };
    });
    this.ended = new Promise((resolve) => {
      this.#watchEnd(resolve);
    });
    this.#process.on('message', (message) => this.#onMessage(message as ToParent));
    for (const output of [this.#process.stdout!, this.#process.stderr!]) {
      output.setEncoding('utf8').on('data', (piece: string) => this.#lines.push(piece));
    }
    // A pipe of a child that died reports EPIPE or ECONNRESET; the end itself is told by `ended`.
    for (const name of spec.pipes ?? []) this.pipe(name).on('error', () => undefined);
    this.#say({
      kind: 'init',
      label: spec.label,
      entry: spec.entry,
      args: spec.args ?? null,
      pipes: this.pipeFds,
      nice: spec.nice ?? 0,
      beat: spec.heartbeat?.interval ?? 1000,
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get usage(): ProcessUsage | undefined {
    return this.#usage;
  }

  pipe(name: string): Socket {
    const index = (this.#spec.pipes ?? []).indexOf(name);
    if (index < 0) throw new TypeError(`this child has no pipe "${name}"`);
    return this.#process.stdio[FIRST_PIPE + index] as Socket;
  }

  send(body: Json): void {
    this.#say({ kind: 'message', body });
  }

  request(body: Json): Promise<Json> {
    if (this.#exited) return Promise.reject(this.#died());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#say({ kind: 'request', id, body });
    });
  }

  async close(deadline = 0): Promise<ChildEnd> {
    if (!this.#exited) this.#intent ??= 'closed';
    if (deadline > 0 && !this.#exited) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline);
        this.#onGentleEnd.push(() => {
          clearTimeout(timer);
          resolve();
        });
        this.#say({ kind: 'close' });
      });
    }
    this.#process.kill('SIGKILL');
    return this.ended;
  }

  killStalled(): void {
    if (this.#exited) return;
    this.#intent ??= 'stalled';
    this.#process.kill('SIGKILL');
  }

  #spawn(): ChildProcess {
    const spec = this.#spec;
    const main = siblingModule('./child-main', import.meta.url);
    const guarded = existsSync(DEATH_GUARD);
    const node = [...nodeOptionsFor(main), fileURLToPath(main), spec.label];
    const [file, args] = guarded
      ? [DEATH_GUARD, ['--pdeathsig', 'KILL', '--', process.execPath, ...node]]
      : [process.execPath, node];
    const env: NodeJS.ProcessEnv = { ...process.env, ...spec.env };
    // Options of a debugger or a test runner are the parent's, not the child's.
    delete env.NODE_OPTIONS;
    return spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...(spec.pipes ?? []).map(() => 'pipe' as const)],
      env,
    });
  }

  #say(message: ToChild): void {
    // The callback takes the error of a channel that has just closed, which would be thrown otherwise.
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  #onMessage(message: ToParent): void {
    this.#watchdog?.touch();
    switch (message.kind) {
      case 'beat':
        return;
      case 'ready':
        return this.#onReady();
      case 'failed':
        return this.#onStarted(this.#spawnFailed(message.error.message, message.error));
      case 'answer':
        this.#pending.get(message.id)?.resolve(message.value);
        return void this.#pending.delete(message.id);
      case 'refusal':
        this.#pending.get(message.id)?.reject(new ChildRefusal(message.error));
        return void this.#pending.delete(message.id);
      case 'message':
        return this.#spec.onMessage?.(message.body);
      case 'closed':
        return this.#gentlyEnded();
    }
  }

  #onReady(): void {
    // Not before: while it starts, a child may load native code for seconds without a beat.
    this.#watchdog = new Watchdog(this.#spec.heartbeat?.timeout ?? 4000, () => this.killStalled());
    const read = (): void => {
      const usage = readUsage(this.pid);
      if (!usage) return;
      this.#usage = usage;
      this.#spec.onUsage?.(usage);
    };
    read();
    this.#meter = setInterval(read, this.#spec.meterInterval ?? 5000).unref();
    this.#onStarted();
  }

  #gentlyEnded(): void {
    for (const tell of this.#onGentleEnd.splice(0)) tell();
  }

  #watchEnd(resolve: (end: ChildEnd) => void): void {
    let drain: NodeJS.Timeout | undefined;
    const finish = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(drain);
      this.#release();
      const cause = this.#intent ?? (exitCode === 0 ? 'exited' : 'crashed');
      resolve({ cause, exitCode, signal, lines: this.#lines.lines });
    };
    this.#process.once('error', (error) => {
      this.#onStarted(this.#spawnFailed(error.message));
      if (this.#process.pid === undefined) finish(null, null);
    });
    this.#process.once('exit', (exitCode, signal) => {
      this.#exited = true;
      this.#gentlyEnded();
      this.#onStarted(
        this.#spawnFailed(`it ended ${signal ? `by ${signal}` : `with code ${exitCode}`} while it started`),
      );
      for (const { reject } of this.#pending.values()) reject(this.#died());
      this.#pending.clear();
      this.#watchdog?.stop();
      clearInterval(this.#meter);
      drain = setTimeout(() => finish(exitCode, signal), DRAIN_MS);
    });
    this.#process.once('close', finish);
  }

  /** No handle is left after this. */
  #release(): void {
    this.#exited = true;
    this.#watchdog?.stop();
    clearInterval(this.#meter);
    for (const stream of this.#process.stdio) stream?.destroy();
    if (this.#process.connected) this.#process.disconnect();
  }

  #spawnFailed(why: string, error?: WireError): EddyError {
    const lines = this.#lines.lines;
    const said = lines.length > 0 ? `; it said: ${lines.slice(-3).join(' | ')}` : '';
    const details = { label: this.#spec.label, lines, ...(error?.code && { reason: error.code }) };
    return new EddyError(
      'PROCESS_SPAWN_FAILED',
      `the child process "${this.#spec.label}" did not start: ${why}${said}`,
      {
        details,
      },
    );
  }

  #died(): EddyError {
    const lines = this.#lines.lines;
    const details = { label: this.#spec.label, pid: this.pid, lines };
    return new EddyError('PROCESS_DIED', `the child process "${this.#spec.label}" (pid ${this.pid}) has ended`, {
      details,
    });
  }
}

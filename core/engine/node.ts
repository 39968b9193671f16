/** A stage or service that runs: its code, its scope and its state. */
import { asEddyError } from '../errors/index.ts';
import type { CheckedNode } from '../graph/checked.ts';
import type { Context, Flow, FlowHandlers, Running } from '../plugin/index.ts';
import { Lifecycle, type Reached } from './lifecycle.ts';
import { DisposableScope } from './scope.ts';

/** The plugin's face without its types: hooks are optional whatever the manifest says. */
interface AnyRunning {
  readonly services?: Readonly<Record<string, object>>;
  start?(): void | Promise<void>;
  open?(): void | Promise<void>;
  close?(): void | Promise<void>;
  flow?(flow: Flow): FlowHandlers | void | Promise<FlowHandlers | void>;
  drain?(signal: AbortSignal): void | Promise<void>;
  stop?(): void | Promise<void>;
  reconfigure?(config: unknown): boolean | Promise<boolean>;
}

/** See the file's head. One instance a start: a restart makes a new one. */
export class RunningNode {
  readonly scope: DisposableScope;
  readonly lifecycle: Lifecycle;
  #spec: CheckedNode;
  #running: AnyRunning | undefined;
  #stopping: Promise<void> | undefined;
  #open = false;

  constructor(spec: CheckedNode, onState: (state: Reached) => void, onError: (error: unknown) => void) {
    this.#spec = spec;
    this.scope = new DisposableScope(onError);
    this.lifecycle = new Lifecycle(onState);
  }

  get spec(): CheckedNode {
    return this.#spec;
  }

  get name(): string {
    return this.#spec.name;
  }

  get hasFlow(): boolean {
    return this.#running?.flow !== undefined;
  }

  get services(): Readonly<Record<string, object>> {
    return this.#running?.services ?? {};
  }

  /** Loads the plugin's code, creates and starts it. Rejects with SERVICE_START_FAILED or STAGE_START_FAILED. */
  async start(context: Context): Promise<void> {
    this.lifecycle.to('starting');
    try {
      const module = await this.#spec.plugin.load();
      this.#running = (await (module.create as (context: Context) => unknown)(context)) as Running & AnyRunning;
      await this.#running.start?.();
    } catch (error) {
      this.lifecycle.to('failed');
      await this.stop();
      throw asEddyError(error, this.#spec.kind === 'service' ? 'SERVICE_START_FAILED' : 'STAGE_START_FAILED');
    }
    this.lifecycle.to('running');
  }

  async open(): Promise<void> {
    this.#open = true;
    await this.#running?.open?.();
  }

  /** Only what was opened is closed, and once. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#running?.close?.();
  }

  async drain(signal: AbortSignal): Promise<void> {
    await this.#running?.drain?.(signal);
  }

  startFlow(flow: Flow): FlowHandlers | void | Promise<FlowHandlers | void> {
    return this.#running?.flow?.(flow);
  }

  /** Offers a changed configuration; true where the plugin took it in place. */
  async reconfigure(spec: CheckedNode): Promise<boolean> {
    if (!(await this.#running?.reconfigure?.(spec.config))) return false;
    this.#spec = spec;
    return true;
  }

  /** Takes a spec whose configuration is the same but whose supervision, log level or place differs. */
  respec(spec: CheckedNode): void {
    this.#spec = spec;
  }

  /** Safe to repeat, legal before start. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    try {
      await this.#running?.stop?.();
    } finally {
      await this.scope.close();
      if (!this.lifecycle.is('failed')) this.lifecycle.to('stopped');
    }
  }
}

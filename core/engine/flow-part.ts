/** A stage's part of one camera's flow: its ports, its scope, and its restarts. Its failure touches no neighbour. */
import { asEddyError, EddyError } from '../errors/index.ts';
import type { CameraId } from '../model/index.ts';
import type { Clock, Flow as PluginFlow, FlowHandlers, Logger, Report } from '../plugin/index.ts';
import { InputPort, OutputPort } from './ports.ts';
import type { RunningNode } from './node.ts';
import { RestartRule } from './restart-rule.ts';
import { DisposableScope } from './scope.ts';

/** What a part tells its flow. */
export interface FlowPartHooks {
  outputChanged(part: FlowPart, port: OutputPort): void;
  demandChanged(): void;
  /** The part has failed and closed itself; links into it must go. */
  closed(part: FlowPart): void;
  /** The part is open again. */
  reopened(part: FlowPart): void;
  /** False where it was told before. */
  report(report: Omit<Report, 'cameraId'>, stage: string): boolean;
}

/** See the file's head. */
export class FlowPart {
  readonly stage: string;
  readonly node: RunningNode;
  readonly cameraId: CameraId;
  readonly inputs = new Map<string, InputPort>();
  readonly outputs = new Map<string, OutputPort>();
  readonly #clock: Clock;
  readonly #hooks: FlowPartHooks;
  readonly #log: Logger;
  readonly #restartRule: RestartRule;
  #scope: DisposableScope | undefined;
  #handlers: FlowHandlers | void = undefined;
  #started: Promise<void> = Promise.resolve();
  #drained: Promise<void> | undefined;
  #closed = false;
  #cancelRestart: (() => void) | undefined;

  constructor(node: RunningNode, cameraId: CameraId, clock: Clock, log: Logger, hooks: FlowPartHooks) {
    this.stage = node.name;
    this.node = node;
    this.cameraId = cameraId;
    this.#clock = clock;
    this.#hooks = hooks;
    this.#log = log.child({ stage: node.name });
    this.#restartRule = new RestartRule(clock);
  }

  /** True while tracks may be attached. */
  get isOpen(): boolean {
    return this.#scope !== undefined && !this.#closed;
  }

  open(): void {
    if (this.#closed || this.#scope) return;
    const scope = new DisposableScope((error) => this.#log.warn({ err: error }, 'closing a flow part threw'));
    this.#scope = scope;
    const manifest = this.node.spec.plugin.manifest;
    for (const [name, pad] of Object.entries(manifest.inputs)) {
      this.inputs.set(name, new InputPort(pad, () => this.#hooks.demandChanged()));
    }
    for (const [name, pad] of Object.entries(manifest.outputs)) {
      const port: OutputPort = new OutputPort(pad, this.#clock, {
        changed: () => this.#hooks.outputChanged(this, port),
        failed: (error) => this.#failed(scope, error),
      });
      this.outputs.set(name, port);
    }
    const flow: PluginFlow = {
      cameraId: this.cameraId,
      in: Object.fromEntries(this.inputs),
      out: Object.fromEntries(this.outputs),
      log: this.#log,
      scope,
      report: (report) => {
        if (this.#hooks.report(report, this.stage)) this.#log.warn({ code: report.code }, report.message);
      },
      fail: (error) => this.#failed(scope, error),
    };
    this.#started = this.#start(scope, flow);
  }

  /** True once it drains for good: no link is made into it any more. */
  get leaving(): boolean {
    return this.#drained !== undefined;
  }

  /**
   * Nothing new will come: waits for what is on its way in, lets the stage pass on what it has, and ends the tracks that
   * it left open, so that those behind it can drain in turn. Once, however often it is asked.
   */
  drain(arrived: () => Promise<void>, signal: AbortSignal): Promise<void> {
    return (this.#drained ??= this.#drain(arrived, signal));
  }

  async #drain(arrived: () => Promise<void>, signal: AbortSignal): Promise<void> {
    await this.#started;
    await arrived();
    const handlers = this.#handlers;
    if (handlers?.drain && !signal.aborted) await handlers.drain(signal);
    const open = [...this.outputs.values()].flatMap((port) => [...port.tracks]);
    if (open.length === 0) return;
    this.#log.debug({ unended: open.map((track) => track.id) }, `${this.stage} left tracks open after its drain`);
    for (const track of open) track.end('stopped');
  }

  /** Closes for good. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRestart?.();
    await this.#shut('stopped');
  }

  /** An error of a reader, or of the stage's own code for this camera. */
  fail(error: unknown): void {
    if (this.#scope) this.#failed(this.#scope, error);
  }

  async #start(scope: DisposableScope, flow: PluginFlow): Promise<void> {
    try {
      const handlers = await this.node.startFlow(flow);
      if (this.#scope === scope) this.#handlers = handlers;
    } catch (error) {
      this.#failed(scope, error);
    }
  }

  #failed(scope: DisposableScope, error: unknown): void {
    if (this.#closed || this.#scope !== scope) return;
    const eddy = asEddyError(error, 'FLOW_FAILED');
    this.#log.error({ err: error, code: eddy.code }, `this camera's part of ${this.stage} failed: ${eddy.message}`);
    this.#hooks.report({ code: eddy.code, message: eddy.message }, this.stage);
    void this.#shut('failed');
    this.#hooks.closed(this);
    const wait = this.#restartRule.next(this.node.spec.supervise);
    if (wait === undefined) {
      const gaveUp = new EddyError('STAGE_GAVE_UP', `${this.stage} failed too often for this camera and stays closed`);
      this.#log.error({ code: gaveUp.code }, gaveUp.message);
      this.#hooks.report({ code: gaveUp.code, message: gaveUp.message }, this.stage);
      return;
    }
    this.#cancelRestart = this.#clock.after(wait, () => {
      if (this.#closed) return;
      this.open();
      this.#hooks.reopened(this);
    });
  }

  async #shut(cause: 'stopped' | 'failed'): Promise<void> {
    const scope = this.#scope;
    this.#scope = undefined;
    this.#handlers = undefined;
    const outputs = [...this.outputs.values()];
    this.inputs.clear();
    this.outputs.clear();
    for (const port of outputs) port.close(cause);
    await scope?.close();
  }
}

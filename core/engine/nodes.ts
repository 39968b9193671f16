/** The nodes of a running pipeline: their starts and stops, their services, their failures and restarts. */
import type { Authorizer } from '../contracts/index.ts';
import { Authorizer as AuthorizerContract } from '../contracts/index.ts';
import { asEddyError, EddyError } from '../errors/index.ts';
import { authorizersOf } from '../graph/authorizers.ts';
import type { CheckedNode } from '../graph/checked.ts';
import type { Container } from './container.ts';
import { nodeContext, type ContextHost } from './node-context.ts';
import { RunningNode } from './node.ts';
import { RestartRule } from './restart-rule.ts';
import { beforeDeadline } from './scope.ts';
import { ServiceSlot } from './services.ts';

/** What the nodes need of their pipeline. */
export interface NodesHost extends Omit<ContextHost, 'fail' | 'container'> {
  /** Work that must not meet an `apply` half-way. */
  serial<T>(work: () => Promise<T>): Promise<T>;
  /** True once the pipeline drains: nothing is started any more. */
  ending(): boolean;
  /** False for a node that runs on demand and that nobody uses now. */
  wanted(name: string): boolean;
  /** The set of running nodes changed: flows are brought in line. */
  changed(): void;
  /** Makes the node's work visible: opens its gate. */
  open(names: readonly string[]): Promise<void>;
  onFatal(error: EddyError): void;
}

/** See the file's head. */
export class Nodes {
  readonly #container: Container;
  readonly #host: NodesHost;
  readonly #nodes = new Map<string, RunningNode>();
  readonly #slots = new Map<string, ServiceSlot[]>();
  readonly #specs = new Map<string, CheckedNode>();
  readonly #restartRules = new Map<string, RestartRule>();
  readonly #restarts = new Map<string, () => void>();
  readonly #gaveUp = new Set<string>();

  constructor(container: Container, host: NodesHost) {
    this.#container = container;
    this.#host = host;
  }

  /** Reserves the places of a graph's services, so that handles may be given before their providers run. */
  prepare(specs: readonly CheckedNode[]): void {
    this.#specs.clear();
    for (const spec of specs) {
      this.#specs.set(spec.name, spec);
      const contracts = Object.values(spec.plugin.manifest.provides);
      // Another plugin under this name keeps the handles of the contracts that both provide.
      const kept = (slot: ServiceSlot): boolean => contracts.some((contract) => contract.token === slot.contract.token);
      const slots = (this.#slots.get(spec.name) ?? []).filter(kept);
      for (const contract of contracts) {
        if (slots.some((slot) => slot.contract.token === contract.token)) continue;
        const slot = new ServiceSlot(contract, spec.name, (error) =>
          this.#container
            .get('log')
            .error({ err: error, stage: spec.name }, `${spec.name} did not take what was registered with it before`),
        );
        slots.push(slot);
        this.#container.service(slot);
      }
      this.#slots.set(spec.name, slots);
    }
  }

  /** The node, while it runs. */
  running(name: string): RunningNode | undefined {
    const node = this.#nodes.get(name);
    return node?.lifecycle.is('running', 'degraded') ? node : undefined;
  }

  /** What the API shows of a node's state. */
  stateOf(name: string): string {
    const state = this.#nodes.get(name)?.lifecycle.state;
    if (state !== undefined) return state;
    if (this.#gaveUp.has(name)) return 'failed';
    return this.#host.wanted(name) ? 'starting' : 'idle';
  }

  /** True for a node that runs, starts, waits for its restart or has given up. */
  up(name: string): boolean {
    return this.#nodes.has(name) || this.failed(name);
  }

  gaveUp(name: string): boolean {
    return this.#gaveUp.has(name);
  }

  /** True for a node that failed and waits for its restart, or is no longer restarted. */
  failed(name: string): boolean {
    return this.#restarts.has(name) || this.#gaveUp.has(name);
  }

  respec(spec: CheckedNode): void {
    this.#nodes.get(spec.name)?.respec(spec);
  }

  /** Offers a changed configuration to a running node; true where it took it in place. */
  async reconfigure(spec: CheckedNode): Promise<boolean> {
    try {
      return (await this.running(spec.name)?.reconfigure(spec)) ?? false;
    } catch (error) {
      const fields = { err: error, stage: spec.name };
      this.#container.get('log').warn(fields, `${spec.name} did not take its new configuration and is replaced`);
      return false;
    }
  }

  /** The authorizer that no other one asks. */
  authorizer(specs: readonly CheckedNode[]): Authorizer | undefined {
    const [root] = authorizersOf(specs).roots;
    return root && this.#container.handle(AuthorizerContract, root.name);
  }

  /** Creates and starts a node and provides its services. Rejects with the reason why it did not start. */
  async start(spec: CheckedNode): Promise<void> {
    if (this.#host.ending()) throw new EddyError('GATE_CLOSED', 'stopped while starting');
    const log = this.#container.get('log');
    const node = new RunningNode(
      spec,
      (state) => this.#container.get('events').emit({ type: `stage.${state}`, stage: spec.name }),
      (error) => log.warn({ err: error, stage: spec.name }, 'closing threw'),
    );
    this.#nodes.set(spec.name, node);
    this.#gaveUp.delete(spec.name);
    const clock = this.#container.get('clock');
    const began = clock.monotonic();
    const context = nodeContext(node, {
      ...this.#host,
      container: this.#container,
      fail: (failed, error) => this.#failed(failed, error),
    });
    await node.start(context);
    for (const slot of this.#slots.get(spec.name) ?? []) {
      const provided = Object.entries(spec.plugin.manifest.provides).find(
        ([, contract]) => contract.token === slot.contract.token,
      );
      const service = provided && node.services[provided[0]];
      if (!service)
        throw new EddyError(
          'SERVICE_START_FAILED',
          `${spec.name} does not provide "${provided?.[0] ?? slot.contract.name}"`,
        );
      slot.provide(service);
    }
    log.debug({ stage: spec.name, ms: Math.round(clock.monotonic() - began) }, 'started');
  }

  /**
   * Stops nodes in the given order; with `drain`, after their publications have ended and what they hold has been passed
   * on, in `order` and within `ms`. Returns those that did not drain in time.
   */
  async stop(
    names: readonly string[],
    drain?: { readonly order: readonly string[]; readonly ms: number },
  ): Promise<string[]> {
    for (const name of names) {
      this.#restarts.get(name)?.();
      this.#restarts.delete(name);
      this.#gaveUp.delete(name);
      this.#restartRules.delete(name);
    }
    await this.each(names, 'closing', (node) => node.close());
    const reasonOf = (name: string): EddyError => new EddyError('GATE_CLOSED', `"${name}" is being stopped`);
    for (const name of names) this.#container.get('cameras').endOf(name, 'stopped', reasonOf(name));
    const blocked = drain ? await this.#drainAll(drain.order, drain.ms) : [];
    for (const name of names) {
      const node = this.#nodes.get(name);
      if (node) await this.#remove(node, reasonOf(name));
    }
    return blocked;
  }

  async #drainAll(order: readonly string[], ms: number): Promise<string[]> {
    const timeout = new AbortController();
    const cancel = this.#container.get('clock').after(ms, () => timeout.abort());
    const blocked: string[] = [];
    for (const name of order) {
      const flows = await this.#container.get('cameras').drainStage(name, timeout.signal);
      if (!(await this.drain(name, timeout.signal)) || !flows) blocked.push(name);
    }
    cancel();
    return blocked;
  }

  /** Gives up every start that is under way: its scope closes, and what waits in it rejects. */
  abandonStarts(): void {
    const reason = new EddyError('GATE_CLOSED', 'stopped while starting');
    for (const node of this.#nodes.values()) if (node.lifecycle.is('starting')) void node.scope.close(reason);
  }

  /** Cancels every restart that is due; used when the pipeline ends. */
  cancelRestarts(): void {
    for (const cancel of this.#restarts.values()) cancel();
    this.#restarts.clear();
  }

  /** True where the node drained before the signal. */
  async drain(name: string, signal: AbortSignal): Promise<boolean> {
    const node = this.#nodes.get(name);
    if (!node) return true;
    return beforeDeadline(
      this.#attempt(name, 'draining', () => node.drain(signal)),
      signal,
    );
  }

  /** Does something with each node, one after the other; what throws is logged and holds nobody up. */
  async each(names: readonly string[], doing: string, work: (node: RunningNode) => Promise<void>): Promise<void> {
    for (const name of names) {
      const node = this.#nodes.get(name);
      if (node) await this.#attempt(name, doing, () => work(node));
    }
  }

  /** Takes a node out of the pipeline: its services, flows and sessions go with it. */
  async #remove(node: RunningNode, reason: EddyError): Promise<void> {
    const { name } = node;
    for (const slot of this.#slots.get(name) ?? []) slot.withdraw();
    this.#nodes.delete(name);
    this.#host.changed();
    this.#container.get('sessions').endWhere((session) => session.stage === name, reason);
    await this.#attempt(name, 'stopping', () => node.stop());
  }

  /** A node cannot go on: it alone is stopped, and started again by its supervision rule. */
  #failed(node: RunningNode, error: unknown): void {
    if (this.#nodes.get(node.name) !== node || !node.lifecycle.to('failed')) return;
    const eddy = asEddyError(error, 'STAGE_FAILED');
    const fields = { err: error, code: eddy.code, stage: node.name };
    this.#container.get('log').error(fields, `${node.name} failed: ${eddy.message}`);
    void this.#host.serial(async () => {
      if (this.#nodes.get(node.name) !== node || this.#host.ending()) return;
      const reason = new EddyError('STAGE_FAILED', `"${node.name}" failed`, { cause: error });
      this.#container.get('cameras').endOf(node.name, 'failed', reason);
      await this.#remove(node, reason);
      this.#scheduleRestart(node.name);
      this.#host.changed();
    });
  }

  #scheduleRestart(name: string): void {
    const spec = this.#specs.get(name);
    if (!spec) return;
    let rule = this.#restartRules.get(name);
    if (!rule) this.#restartRules.set(name, (rule = new RestartRule(this.#container.get('clock'))));
    const wait = rule.next(spec.supervise);
    if (wait !== undefined) {
      const restart = (): void => void this.#host.serial(() => this.bringUp(name));
      this.#restarts.set(name, this.#container.get('clock').after(wait, restart));
      return;
    }
    const gaveUp = new EddyError('STAGE_GAVE_UP', `"${name}" failed too often and is no longer restarted`);
    this.#container.get('log').error({ code: gaveUp.code, stage: name }, gaveUp.message);
    this.#gaveUp.add(name);
    if (spec.supervise.then === 'stop') this.#host.onFatal(gaveUp);
  }

  /** Starts and opens a node of the running graph; one that does not come up is tried again by its supervision rule. */
  async bringUp(name: string): Promise<void> {
    this.#restarts.delete(name);
    const spec = this.#specs.get(name);
    if (!spec || this.#host.ending() || this.#nodes.has(name) || !this.#host.wanted(name)) return;
    try {
      await this.start(spec);
      await this.#host.open([name]);
    } catch (error) {
      this.#nodes.delete(name);
      this.#container.get('log').error({ err: error, stage: name }, `${name} did not come up`);
      this.#scheduleRestart(name);
    }
    this.#host.changed();
  }

  async #attempt(stage: string, doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#container.get('log').error({ err: error, stage }, `${doing} ${stage} threw`);
    }
  }
}

/**
 * A running pipeline. There is one way to change it, `apply`: start is apply from empty, stop is apply to empty.
 */
import type { Authorizer } from '../contracts/index.ts';
import { Authorizer as AuthorizerContract } from '../contracts/index.ts';
import { asEddyError, EddyError } from '../errors/index.ts';
import type { CheckedGraph, CheckedNode } from '../graph/checked.ts';
import { createEvents } from '../observe/index.ts';
import type { PipelineView, Report } from '../plugin/index.ts';
import { Backoff } from './backoff.ts';
import { CameraRegistry } from './cameras.ts';
import type { Container } from './container.ts';
import { Lifecycle, type State } from './lifecycle.ts';
import { nodeContext } from './node-context.ts';
import { RunningNode } from './node.ts';
import { dataOrder, planApply, type ApplyPlan } from './plan.ts';
import { ServiceSlot } from './services.ts';
import { SessionRegistry } from './sessions.ts';
import { LinkMeters } from './view.ts';

/** How an `apply` ended. */
export interface Applied {
  readonly plan: ApplyPlan;
  /** Stages that did not finish draining before the deadline. */
  readonly blocked: readonly string[];
}

/** Called when the pipeline cannot go on by its own rules (`supervise: { then: stop }`). */
export type OnFatal = (error: EddyError) => void;

/** See the file's head. */
export class Pipeline {
  readonly container: Container;
  readonly view: PipelineView;
  readonly #lifecycle: Lifecycle;
  readonly #onFatal: OnFatal;
  readonly #nodes = new Map<string, RunningNode>();
  readonly #slots = new Map<string, ServiceSlot[]>();
  readonly #backoffs = new Map<string, Backoff>();
  readonly #restarts = new Map<string, () => void>();
  readonly #gaveUp = new Set<string>();
  readonly #meters = new LinkMeters();
  readonly #forgetMeters: () => void;
  #graph: CheckedGraph | undefined;
  #order: readonly string[] = [];
  #gate = false;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(root: Container, onFatal: OnFatal) {
    this.#onFatal = onFatal;
    this.container = root.child();
    const clock = root.get('clock');
    const log = root.get('log');
    this.container
      .component('events', () =>
        createEvents({
          now: () => clock.now(),
          onListenerError: (error) => log.error({ err: error }, 'an event listener threw'),
        }),
      )
      .component('cameras', (container) => {
        const events = container.get('events');
        return new CameraRegistry({
          clock,
          log,
          events,
          links: () => this.#graph?.links ?? [],
          stages: () => this.#order.flatMap((name) => this.#running(name) ?? []),
          meter: (link, cameraId) => this.#meters.of(link, cameraId),
          report: (report, stage) => this.#report(report, stage),
          settings: () => this.#graph!.cameras,
          authorizer: () => this.#authorizer(),
          gateOpen: () => this.#gate,
        });
      })
      .component('sessions', (container) => {
        const cameras = container.get('cameras');
        const events = container.get('events');
        const knows = (cameraId: Parameters<CameraRegistry['get']>[0]): boolean => cameras.get(cameraId) !== undefined;
        return new SessionRegistry({
          clock,
          events,
          knows,
          authorizer: () => this.#authorizer(),
          gateOpen: () => this.#gate,
        });
      });
    this.#lifecycle = new Lifecycle((state, from) => {
      log.info({ state, from }, `pipeline ${state}`);
      this.container.get('events').emit({ type: `pipeline.${state}` });
    });
    this.#forgetMeters = this.#meters.expose(root.get('metrics'), () => clock.monotonic());
    this.view = {
      name: '',
      state: () => this.#lifecycle.state,
      snapshot: () => this.#snapshot(),
      metrics: () => root.get('metrics').text(),
      ready: () => this.#ready(),
    };
  }

  get state(): State {
    return this.#lifecycle.state;
  }

  get graph(): CheckedGraph | undefined {
    return this.#graph;
  }

  /**
   * Brings the running pipeline to this graph. What is equal keeps running; a node that does not start rolls all back
   * and rejects with its error. One apply at a time: a second one waits.
   */
  apply(graph: CheckedGraph): Promise<Applied> {
    return this.#serial(() => this.#apply(graph));
  }

  /** Closes the gate, drains in data order within the graph's deadline, stops in reverse. Idempotent, legal before start. */
  stop(deadline?: AbortSignal): Promise<{ readonly blocked: readonly string[] }> {
    // The gate closes at once, even while an apply is under way.
    this.#gate = false;
    return this.#serial(() => this.#stop(deadline));
  }

  #serial<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#queue.then(work, work);
    this.#queue = next.catch(() => {});
    return next;
  }

  async #apply(graph: CheckedGraph): Promise<Applied> {
    if (this.#lifecycle.is('draining', 'stopped')) throw new EddyError('GATE_CLOSED', 'the pipeline has been stopped');
    const before = this.#graph;
    const plan = planApply(before, graph);
    const first = before === undefined;
    if (first) this.#lifecycle.to('starting');
    const specs = new Map(graph.nodes.map((node) => [node.name, node]));
    const changed = new Set(plan.replace);
    for (const name of plan.change) {
      if (!(await this.#running(name)?.reconfigure(specs.get(name)!))) changed.add(name);
    }
    for (const name of plan.keep) this.#nodes.get(name)?.respec(specs.get(name)!);
    const stopping = (before?.nodes ?? [])
      .map((node) => node.name)
      .filter((name) => plan.remove.includes(name) || changed.has(name));
    const blocked = await this.#stopNodes(stopping.reverse(), before?.drain ?? 0);
    this.#use(graph);
    const starting = graph.nodes.filter((node) => plan.add.includes(node.name) || changed.has(node.name));
    try {
      await this.#startNodes(starting);
    } catch (error) {
      await this.#rollBack(before, starting, stopping);
      throw error;
    }
    for (const name of plan.remove) this.#slots.delete(name);
    this.#gate = true;
    if (first) this.#lifecycle.to('running');
    await this.#openNodes(starting.map((node) => node.name));
    this.container.get('cameras').sync();
    this.#judge();
    return { plan, blocked };
  }

  async #rollBack(
    before: CheckedGraph | undefined,
    started: readonly CheckedNode[],
    stopped: readonly string[],
  ): Promise<void> {
    await this.#stopNodes(started.map((node) => node.name).reverse(), 0);
    if (!before) {
      this.#lifecycle.to('failed');
      return;
    }
    this.#use(before);
    const again = before.nodes.filter((node) => stopped.includes(node.name));
    try {
      await this.#startNodes(again);
      await this.#openNodes(again.map((node) => node.name));
    } catch (error) {
      this.container.get('log').error({ err: error }, 'rolling back to the graph before did not bring every node up');
    }
    this.container.get('cameras').sync();
    this.#judge();
  }

  async #stop(deadline: AbortSignal | undefined): Promise<{ readonly blocked: readonly string[] }> {
    if (this.#lifecycle.is('stopped')) return { blocked: [] };
    this.#lifecycle.to('draining');
    const clock = this.container.get('clock');
    const timeout = new AbortController();
    const cancel = clock.after(this.#graph?.drain ?? 0, () => timeout.abort());
    const signal = deadline ? AbortSignal.any([timeout.signal, deadline]) : timeout.signal;
    for (const cancelRestart of this.#restarts.values()) cancelRestart();
    this.#restarts.clear();
    const names = (this.#graph?.nodes ?? []).map((node) => node.name);
    try {
      await this.#each(names, 'closing', (node) => node.close());
      const blocked = new Set(await this.container.get('cameras').stop(signal));
      for (const name of [...this.#order, ...names.filter((name) => !this.#order.includes(name))]) {
        if (!(await this.#drainNode(name, signal))) blocked.add(name);
      }
      const reason = new EddyError('GATE_CLOSED', 'the pipeline is stopping');
      this.container.get('sessions').endWhere(() => true, reason);
      await this.#each([...names].reverse(), 'stopping', async (node) => {
        this.#withdraw(node.name);
        await node.stop();
      });
      this.#nodes.clear();
      if (blocked.size > 0) {
        const list = [...blocked].join(', ');
        this.container
          .get('log')
          .warn({ code: 'DRAIN_TIMEOUT', blocked: [...blocked] }, `still busy at the deadline: ${list}`);
      }
      return { blocked: [...blocked] };
    } finally {
      cancel();
      this.#forgetMeters();
      this.#lifecycle.to('stopped');
    }
  }

  #use(graph: CheckedGraph): void {
    this.#graph = graph;
    this.#order = dataOrder(graph);
    for (const node of graph.nodes) {
      if (!this.#backoffs.has(node.name))
        this.#backoffs.set(node.name, new Backoff(node.supervise, this.container.get('clock')));
      if (this.#slots.get(node.name)?.length) continue;
      const slots = Object.values(node.plugin.manifest.provides).map(
        (contract) => new ServiceSlot(contract, node.name),
      );
      this.#slots.set(node.name, slots);
      for (const slot of slots) this.container.service(slot);
    }
  }

  async #startNodes(specs: readonly CheckedNode[]): Promise<void> {
    for (const spec of specs) {
      if (this.#lifecycle.is('draining', 'stopped')) throw new EddyError('GATE_CLOSED', 'stopped while starting');
      await this.#startNode(spec);
    }
  }

  async #startNode(spec: CheckedNode): Promise<void> {
    const log = this.container.get('log');
    const node = new RunningNode(
      spec,
      (state) => this.container.get('events').emit({ type: `stage.${state}`, stage: spec.name }),
      (error) => log.warn({ err: error, stage: spec.name }, 'closing threw'),
    );
    this.#nodes.set(spec.name, node);
    const started = this.container.get('clock').monotonic();
    const context = nodeContext(node, {
      container: this.container,
      view: { ...this.view, name: this.#graph!.name },
      baseDir: this.#graph!.baseDir,
      report: (report, stage) => this.#report(report, stage),
      fail: (failed, error) => this.#nodeFailed(failed, error),
    });
    await node.start(context);
    for (const slot of this.#slots.get(spec.name) ?? []) {
      const key = Object.entries(spec.plugin.manifest.provides).find(([, contract]) => contract === slot.contract)![0];
      slot.provide(node.services[key]!);
    }
    log.debug({ stage: spec.name, ms: Math.round(this.container.get('clock').monotonic() - started) }, 'started');
  }

  /** Sinks first, sources last: whoever may announce finds everybody listening. */
  async #openNodes(names: readonly string[]): Promise<void> {
    const services = names.filter((name) => !this.#order.includes(name));
    const stages = [...this.#order].reverse().filter((name) => names.includes(name));
    this.container.get('cameras').sync();
    await this.#each([...services, ...stages], 'opening', (node) => node.open());
  }

  async #stopNodes(names: readonly string[], drainMs: number): Promise<string[]> {
    const blocked: string[] = [];
    for (const name of names) {
      this.#restarts.get(name)?.();
      this.#restarts.delete(name);
      this.#gaveUp.delete(name);
      this.#backoffs.delete(name);
    }
    await this.#each(names, 'closing', (node) => node.close());
    for (const name of names) {
      const node = this.#nodes.get(name);
      if (!node) continue;
      const reason = new EddyError('GATE_CLOSED', `"${name}" is being stopped`);
      this.container.get('cameras').endOf(name, 'stopped', reason);
      const timeout = new AbortController();
      const cancel = this.container.get('clock').after(drainMs, () => timeout.abort());
      if (drainMs > 0 && !(await this.#drainNode(name, timeout.signal))) blocked.push(name);
      cancel();
      this.#withdraw(name);
      this.#nodes.delete(name);
      this.container.get('cameras').sync();
      this.container.get('sessions').endWhere((session) => session.stage === name, reason);
      await this.#attempt(name, 'stopping', () => node.stop());
    }
    return blocked;
  }

  async #drainNode(name: string, signal: AbortSignal): Promise<boolean> {
    const node = this.#nodes.get(name);
    if (!node) return true;
    const aborted = new Promise<false>((resolve) => {
      if (signal.aborted) resolve(false);
      else signal.addEventListener('abort', () => resolve(false), { once: true });
    });
    return Promise.race([this.#attempt(name, 'draining', () => node.drain(signal)).then(() => true), aborted]);
  }

  #withdraw(name: string): void {
    for (const slot of this.#slots.get(name) ?? []) slot.withdraw();
  }

  /** A node cannot go on: it alone is stopped, and started again by its supervision rule. */
  #nodeFailed(node: RunningNode, error: unknown): void {
    if (this.#nodes.get(node.name) !== node || !node.lifecycle.to('failed')) return;
    const eddy = asEddyError(error, 'STAGE_FAILED');
    this.container
      .get('log')
      .error({ err: error, code: eddy.code, stage: node.name }, `${node.name} failed: ${eddy.message}`);
    void this.#serial(async () => {
      if (this.#nodes.get(node.name) !== node || this.#lifecycle.is('draining', 'stopped')) return;
      this.container
        .get('cameras')
        .endOf(node.name, 'failed', new EddyError('STAGE_FAILED', `"${node.name}" failed`, { cause: error }));
      this.#withdraw(node.name);
      this.#nodes.delete(node.name);
      this.container.get('cameras').sync();
      this.container.get('sessions').endWhere((session) => session.stage === node.name, eddy);
      await this.#attempt(node.name, 'stopping', () => node.stop());
      this.#scheduleRestart(node.spec);
      this.#judge();
    });
  }

  #scheduleRestart(spec: CheckedNode): void {
    const wait = this.#backoffs.get(spec.name)?.next();
    if (wait === undefined) {
      const gaveUp = new EddyError('STAGE_GAVE_UP', `"${spec.name}" failed too often and is no longer restarted`);
      this.container.get('log').error({ code: gaveUp.code, stage: spec.name }, gaveUp.message);
      this.#gaveUp.add(spec.name);
      if (spec.supervise.then === 'stop') this.#onFatal(gaveUp);
      return;
    }
    const restart = (): void => {
      this.#restarts.delete(spec.name);
      void this.#serial(async () => {
        if (this.#lifecycle.is('draining', 'stopped') || this.#nodes.has(spec.name)) return;
        try {
          await this.#startNode(spec);
          await this.#openNodes([spec.name]);
        } catch (error) {
          this.#nodes.delete(spec.name);
          this.container.get('log').error({ err: error, stage: spec.name }, `${spec.name} did not come up again`);
          this.#scheduleRestart(spec);
        }
        this.#judge();
      });
    };
    this.#restarts.set(spec.name, this.container.get('clock').after(wait, restart));
  }

  async #each(names: readonly string[], doing: string, work: (node: RunningNode) => Promise<void>): Promise<void> {
    for (const name of names) {
      const node = this.#nodes.get(name);
      if (node) await this.#attempt(name, doing, () => work(node));
    }
  }

  async #attempt(stage: string, doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.container.get('log').error({ err: error, stage }, `${doing} ${stage} threw`);
    }
  }

  #running(name: string): RunningNode | undefined {
    const node = this.#nodes.get(name);
    return node?.lifecycle.is('running', 'degraded') ? node : undefined;
  }

  #authorizer(): Authorizer | undefined {
    for (const node of this.#graph?.nodes ?? []) {
      if (!Object.values(node.plugin.manifest.provides).some((contract) => contract.token === AuthorizerContract.token))
        continue;
      return this.container.handle(AuthorizerContract, node.name);
    }
    return undefined;
  }

  #report(report: Report, stage: string): void {
    this.container
      .get('metrics')
      .for({ stage })
      .counter('reports_total', 'Findings of running stages, by code.')
      .add(1, { code: report.code });
    this.container.get('cameras').report(report, stage);
  }

  /** Running while every node runs, degraded while one is missing. */
  #judge(): void {
    const missing = (this.#graph?.nodes ?? []).some((node) => !this.#running(node.name));
    this.#lifecycle.to(missing ? 'degraded' : 'running');
  }

  #ready(): { ready: boolean; reasons: string[] } {
    if (!this.#gate) return { ready: false, reasons: [`the pipeline is ${this.#lifecycle.state}`] };
    const reasons = (this.#graph?.nodes ?? [])
      .filter((node) => !this.#running(node.name))
      .map(
        (node) => `"${node.name}" is not running${this.#gaveUp.has(node.name) ? ' and is no longer restarted' : ''}`,
      );
    return { ready: reasons.length === 0, reasons };
  }

  #snapshot(): Readonly<Record<string, unknown>> {
    const nodes = (this.#graph?.nodes ?? []).map((node) => ({
      name: node.name,
      kind: node.kind,
      plugin: node.plugin.manifest.name,
      version: node.plugin.manifest.version,
      state: this.#nodes.get(node.name)?.lifecycle.state ?? (this.#gaveUp.has(node.name) ? 'failed' : 'starting'),
      config: node.written,
      uses: node.uses,
    }));
    return {
      name: this.#graph?.name ?? '',
      state: this.#lifecycle.state,
      nodes,
      links: this.#meters.snapshot(this.#graph, this.container.get('clock').now()),
    };
  }
}

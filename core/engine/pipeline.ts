/**
 * A running pipeline. There is one way to change it, `apply`: start is apply from empty, stop is apply to empty.
 */
import type { Authorizer } from '../contracts/index.ts';
import { EddyError } from '../errors/index.ts';
import type { CheckedGraph, CheckedNode } from '../graph/checked.ts';
import { createEvents } from '../observe/index.ts';
import type { PipelineView } from '../plugin/index.ts';
import { Access } from './access.ts';
import { CameraRegistry } from './cameras.ts';
import type { Container } from './container.ts';
import { Lifecycle, type State } from './lifecycle.ts';
import { recordingPath } from './limits.ts';
import { Nodes } from './nodes.ts';
import { OnDemand } from './on-demand.ts';
import { hasPast } from './past.ts';
import { dataOrder, inDataOrder, planApply, type ApplyPlan } from './plan.ts';
import { tellReport } from './reports.ts';
import { Revocations } from './revocations.ts';
import { Seals } from './seals.ts';
import { SessionRegistry } from './sessions.ts';
import { lacking, LinkMeters, pipelineView } from './view.ts';

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
  readonly #nodes: Nodes;
  readonly #onDemand: OnDemand;
  readonly #meters = new LinkMeters();
  readonly #forgetMeters: () => void;
  #graph: CheckedGraph | undefined;
  #order: readonly string[] = [];
  #gate = false;
  #stopping = false;
  #authorizer: Authorizer | undefined;
  #unwatch: (() => void) | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /** `dataDir`: where the engine keeps its own key and revocations; undefined: for this process alone. */
  constructor(root: Container, onFatal: OnFatal, dataDir?: string) {
    this.container = root.child();
    const clock = root.get('clock');
    const log = root.get('log');
    this.container
      .component('events', () =>
        createEvents({
          now: () => clock.now(),
          redact: (data) => root.get('redactor').fields(data),
          onListenerError: (error) => log.error({ err: error }, 'an event listener threw'),
        }),
      )
      .component('seals', () => new Seals(dataDir))
      .component('revocations', () => new Revocations(clock, log, dataDir))
      .component('access', (container) => {
        const [revocations, seals] = [container.get('revocations'), container.get('seals')];
        return new Access({
          clock,
          revocations,
          seals,
          authorizer: () => this.#authorizer,
          known: (id) => container.get('sessions').known(id),
        });
      })
      .component('cameras', (container) => this.#cameraRegistry(container))
      .component('sessions', (container) => this.#sessionRegistry(container));
    this.#lifecycle = new Lifecycle((state, from) => {
      log.info({ state, from }, `pipeline ${state}`);
      this.container.get('events').emit({ type: `pipeline.${state}` });
    });
    this.view = pipelineView({
      graph: () => this.#graph,
      state: () => this.#lifecycle.state,
      gateOpen: () => this.#gate,
      nodes: () => this.#nodes,
      onDemand: () => this.#onDemand,
      meters: this.#meters,
      metrics: () => root.get('metrics').text(),
      now: () => clock.now(),
    });
    const pipeline = this; // eslint-disable-line @typescript-eslint/no-this-alias -- the getter below needs it
    this.#nodes = new Nodes(this.container, {
      view: this.view,
      get baseDir() {
        return pipeline.#graph!.baseDir;
      },
      report: (report, stage) => tellReport(this.container, report, stage),
      serial: (work) => this.#serial(work),
      ending: () => this.#stopping,
      wanted: (name) => this.#onDemand.wanted(name),
      changed: () => this.#changed(),
      open: (names) => this.#open(names),
      onFatal,
    });
    this.#onDemand = new OnDemand({
      nodes: () => this.#graph?.nodes ?? [],
      up: (name) => this.#nodes.up(name),
      serial: (work) => this.#serial(work),
      bringUp: ({ name }) => this.#nodes.bringUp(name),
      takeDown: (names) => this.#takeDown(names),
    });
    this.#forgetMeters = this.#meters.expose(root.get('metrics'), () => clock.monotonic());
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
    // The gate closes at once, even while an apply is under way; what that still wants to start is given up.
    this.#gate = false;
    this.#stopping = true;
    this.#nodes.abandonStarts();
    return this.#serial(() => this.#stop(deadline));
  }

  #serial<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#queue.then(work, work);
    this.#queue = next.catch(() => {});
    return next;
  }

  async #apply(graph: CheckedGraph): Promise<Applied> {
    if (this.#stopping) throw new EddyError('GATE_CLOSED', 'the pipeline has been stopped');
    const before = this.#graph;
    const plan = planApply(before, graph);
    this.#lifecycle.to('starting');
    const specs = new Map(graph.nodes.map((node) => [node.name, node]));
    const anew = new Set(plan.replace);
    const inPlace: string[] = [];
    for (const name of plan.change) {
      if (await this.#nodes.reconfigure(specs.get(name)!)) inPlace.push(name);
      else anew.add(name);
    }
    for (const name of plan.keep) this.#nodes.respec(specs.get(name)!);
    const stopping = (before?.nodes ?? [])
      .map((node) => node.name)
      .filter((name) => plan.remove.includes(name) || anew.has(name));
    const order = inDataOrder(this.#order, stopping);
    const blocked = await this.#nodes.stop(stopping.reverse(), { order, ms: before?.drain ?? 0 });
    this.#use(graph);
    const starting = graph.nodes.filter(
      ({ name }) => (anew.has(name) || !this.#nodes.up(name)) && this.#onDemand.wanted(name),
    );
    try {
      for (const spec of starting) await this.#nodes.start(spec);
    } catch (error) {
      await this.#rollBack(before, starting, stopping, inPlace);
      throw error;
    }
    if (this.#stopping) return { plan, blocked };
    this.#gate = true;
    await this.#open(starting.map((node) => node.name));
    this.#changed();
    return { plan, blocked };
  }

  /** Nodes that run on demand, and that nobody uses any more. */
  async #takeDown(names: readonly string[]): Promise<void> {
    if (this.#stopping) return;
    const order = inDataOrder(this.#order, names);
    const blocked = await this.#nodes.stop(names, { order, ms: this.#graph?.drain ?? 0 });
    if (blocked.length > 0) this.#tellBlocked(blocked);
    this.#changed();
  }

  async #rollBack(
    before: CheckedGraph | undefined,
    started: readonly CheckedNode[],
    stopped: readonly string[],
    inPlace: readonly string[],
  ): Promise<void> {
    await this.#nodes.stop(started.map((node) => node.name).reverse());
    if (!before) {
      this.#graph = undefined;
      this.#lifecycle.to('failed');
      return;
    }
    this.#use(before);
    if (this.#stopping) return;
    const again = before.nodes.filter(({ name }) => stopped.includes(name) && this.#onDemand.wanted(name));
    for (const spec of before.nodes) {
      if (!inPlace.includes(spec.name)) this.#nodes.respec(spec);
      else if (!(await this.#nodes.reconfigure(spec))) again.push(spec);
    }
    try {
      await this.#nodes.stop(again.map((node) => node.name).reverse());
      this.#nodes.prepare(before.nodes);
      for (const spec of again) await this.#nodes.start(spec);
      await this.#open(again.map((node) => node.name));
    } catch (error) {
      this.container.get('log').error({ err: error }, 'rolling back to the graph before did not bring every node up');
    }
    this.#changed();
  }

  async #stop(deadline: AbortSignal | undefined): Promise<{ readonly blocked: readonly string[] }> {
    if (this.#lifecycle.is('stopped')) return { blocked: [] };
    this.#lifecycle.to('draining');
    const timeout = new AbortController();
    const cancel = this.container.get('clock').after(this.#graph?.drain ?? 0, () => timeout.abort());
    const signal = deadline ? AbortSignal.any([timeout.signal, deadline]) : timeout.signal;
    this.#nodes.cancelRestarts();
    const names = (this.#graph?.nodes ?? []).map((node) => node.name);
    try {
      await this.#nodes.each(names, 'closing', (node) => node.close());
      const blocked = new Set(await this.container.get('cameras').stop(signal));
      for (const name of inDataOrder(this.#order, names)) {
        if (!(await this.#nodes.drain(name, signal))) blocked.add(name);
      }
      this.container.get('sessions').endWhere(() => true, new EddyError('GATE_CLOSED', 'the pipeline is stopping'));
      this.#unwatch?.();
      await this.#nodes.stop([...names].reverse());
      await this.container.get('revocations').settled();
      if (blocked.size > 0) this.#tellBlocked([...blocked]);
      return { blocked: [...blocked] };
    } finally {
      cancel();
      this.#forgetMeters();
      this.#lifecycle.to('stopped');
      this.container.get('metrics').close();
    }
  }

  #tellBlocked(blocked: readonly string[]): void {
    const message = `still busy at the deadline: ${blocked.join(', ')}`;
    this.container.get('log').warn({ code: 'DRAIN_TIMEOUT', blocked }, message);
  }

  #use(graph: CheckedGraph): void {
    this.#graph = graph;
    this.#order = dataOrder(graph);
    this.container.get('seals').use(graph.sessions.key);
    this.#nodes.prepare(graph.nodes);
    const authorizer = this.#nodes.authorizer(graph.nodes);
    if (authorizer === this.#authorizer) return;
    this.#authorizer = authorizer;
    this.#unwatch?.();
    this.#unwatch = authorizer?.onRevoked?.(({ subject }) => this.container.get('sessions').revoked(subject));
  }

  /** Sinks first, sources last: whoever may announce finds everybody listening. */
  async #open(names: readonly string[]): Promise<void> {
    const services = names.filter((name) => !this.#order.includes(name));
    const stages = [...this.#order].reverse().filter((name) => names.includes(name));
    this.container.get('cameras').sync();
    await this.#nodes.each([...services, ...stages], 'opening', (node) => node.open());
  }

  /** The set of running nodes changed: flows follow, and the pipeline is degraded while a node is missing. */
  #changed(): void {
    this.container.get('cameras').sync();
    if (!this.#gate) return;
    this.#onDemand.bringInLine();
    const missing = lacking(this.#graph, this.#nodes).length > 0;
    this.#lifecycle.to(missing ? 'degraded' : 'running');
  }

  #cameraRegistry(container: Container): CameraRegistry {
    return new CameraRegistry({
      clock: container.get('clock'),
      log: container.get('log'),
      events: container.get('events'),
      links: () => this.#graph?.links ?? [],
      stages: () => this.#order.flatMap((name) => this.#nodes.running(name) ?? []),
      onDemand: () => (this.#graph?.nodes ?? []).filter(({ start, kind }) => start === 'on-demand' && kind === 'stage'),
      used: (stage, cameraId, used) => this.#onDemand.use(stage, cameraId, used),
      meter: (link, cameraId) => this.#meters.of(link, cameraId),
      renamed: (from, to, cameraId) => this.#meters.rename(from, to, cameraId),
      report: (report, stage) => tellReport(container, report, stage),
      settings: () => this.#graph!.cameras,
      recordingPath: () => recordingPath(this.#graph?.nodes ?? [], this.#graph?.links ?? []),
      access: container.get('access'),
      gateOpen: () => this.#gate,
      gone: (cameraId) => {
        this.#meters.retire(cameraId);
        container.get('metrics').forget({ camera: cameraId });
      },
    });
  }

  #sessionRegistry(container: Container): SessionRegistry {
    const cameras = container.get('cameras');
    return new SessionRegistry({
      clock: container.get('clock'),
      events: container.get('events'),
      knows: (cameraId) =>
        cameras.get(cameraId) !== undefined || hasPast(this.#graph?.nodes ?? [], container, cameraId),
      access: container.get('access'),
      revocations: container.get('revocations'),
      seals: container.get('seals'),
      log: container.get('log'),
      settings: () => this.#graph!.sessions,
      endPublications: (userId, reason) => cameras.revoke(userId, reason),
      gateOpen: () => this.#gate,
    });
  }
}

/** Read-only views of a running pipeline: the graph with live rates, the meters of its links, its readiness. */
import type { CheckedGraph, CheckedLink, CheckedNode } from '../graph/checked.ts';
import type { CameraId } from '../model/index.ts';
import type { EngineMetrics } from '../observe/index.ts';
import type { PipelineView } from '../plugin/index.ts';
import { LinkMeter } from './link-meter.ts';
import type { Nodes } from './nodes.ts';
import type { OnDemand } from './on-demand.ts';

/** What a view looks at, each asked anew every time. */
export interface Viewed {
  readonly graph: () => CheckedGraph | undefined;
  readonly state: () => ReturnType<PipelineView['state']>;
  readonly gateOpen: () => boolean;
  readonly nodes: () => Nodes;
  readonly onDemand: () => OnDemand;
  readonly meters: LinkMeters;
  readonly metrics: () => Promise<string>;
  /** Epoch ms. */
  readonly now: () => number;
}

/** The pipeline as stages and embedding programs see it. */
export function pipelineView({ graph, state, gateOpen, nodes, onDemand, meters, metrics, now }: Viewed): PipelineView {
  return {
    get name() {
      return graph()?.name ?? '';
    },
    state,
    snapshot: () => ({
      name: graph()?.name ?? '',
      state: state(),
      nodes: nodesOf(graph(), nodes(), onDemand()),
      links: meters.snapshot(graph(), now()),
    }),
    metrics,
    ready: () => readiness(gateOpen(), state(), graph(), nodes()),
  };
}

/** Nodes that are to run and do not; one that runs on demand is missed once it fails, not while it is idle or starts. */
export function lacking(graph: CheckedGraph | undefined, nodes: Nodes): CheckedNode[] {
  return (graph?.nodes ?? []).filter(
    ({ name, start }) => !nodes.running(name) && (start === 'always' || nodes.failed(name)),
  );
}

/** What `/readyz` says. */
function readiness(
  gateOpen: boolean,
  state: string,
  graph: CheckedGraph | undefined,
  nodes: Nodes,
): { ready: boolean; reasons: string[] } {
  if (!gateOpen) return { ready: false, reasons: [`the pipeline is ${state}`] };
  const reasons = lacking(graph, nodes).map(
    ({ name }) => `"${name}" is not running${nodes.gaveUp(name) ? ' and is no longer restarted' : ''}`,
  );
  return { ready: reasons.length === 0, reasons };
}

/** Each node with its state, as the API shows it. */
function nodesOf(
  graph: CheckedGraph | undefined,
  nodes: Nodes,
  onDemand: OnDemand,
): Readonly<Record<string, unknown>>[] {
  return (graph?.nodes ?? []).map((node) => ({
    name: node.name,
    kind: node.kind,
    plugin: node.plugin.manifest.name,
    version: node.plugin.manifest.version,
    state: nodes.stateOf(node.name),
    start: node.start,
    ...(node.start === 'on-demand' ? { linger: node.linger, cameras: onDemand.cameras(node.name) } : {}),
    config: node.written,
    uses: node.uses,
  }));
}

/** The meters of every link, by link and camera. */
export class LinkMeters {
  readonly #meters = new Map<string, Map<CameraId, LinkMeter>>();
  /** Totals of cameras that have gone, by link: a link's total never goes back. */
  readonly #gone = new Map<string, LinkMeter>();
  #lastSnapshot = { at: 0, items: new Map<string, { items: number; bytes: number }>() };

  of(link: CheckedLink, cameraId: CameraId): LinkMeter {
    let cameras = this.#meters.get(link.id);
    if (!cameras) this.#meters.set(link.id, (cameras = new Map<CameraId, LinkMeter>()));
    let meter = cameras.get(cameraId);
    if (!meter) cameras.set(cameraId, (meter = new LinkMeter()));
    return meter;
  }

  /** The link goes on under another id. */
  rename(from: CheckedLink, to: CheckedLink, cameraId: CameraId): void {
    const meter = this.#meters.get(from.id)?.get(cameraId);
    if (!meter) return;
    this.#meters.get(from.id)!.delete(cameraId);
    const cameras = this.#meters.get(to.id) ?? new Map<CameraId, LinkMeter>();
    this.#meters.set(to.id, cameras.set(cameraId, meter));
  }

  /** The camera has gone: its meters are no longer kept one by one. */
  retire(cameraId: CameraId): void {
    for (const [link, cameras] of this.#meters) {
      const meter = cameras.get(cameraId);
      if (!meter) continue;
      cameras.delete(cameraId);
      const gone = this.#gone.get(link) ?? new LinkMeter();
      gone.absorb(meter);
      this.#gone.set(link, gone);
    }
  }

  /** Sets the counters of hot paths at each scrape. */
  expose(metrics: EngineMetrics, monotonic: () => number): () => void {
    const items = metrics.counter('link_items_total', 'Items passed over a link.');
    const bytes = metrics.counter('link_bytes_total', 'Bytes passed over a link.');
    const drops = metrics.counter('link_drops_total', 'Items dropped by a link, by reason.');
    const pressure = metrics.counter('link_back_pressure_total', 'Times a full link that blocks pushed back.');
    const queue = metrics.gauge('link_queue_seconds', 'Media time waiting in a link.');
    const latency = metrics.gauge('link_latency_seconds', 'Time an item waits in a link, moving average.');
    const keyAge = metrics.gauge('link_keyframe_age_seconds', 'Time since an item at which a reader may begin.');
    const told = new WeakMap<
      LinkMeter,
      { items: number; bytes: number; pressure: number; drops: Record<string, number> }
    >();
    return metrics.onCollect(() => {
      for (const [link, cameras] of this.#meters) {
        for (const [camera, meter] of cameras) {
          const labels = { link, camera };
          const last = told.get(meter) ?? { items: 0, bytes: 0, pressure: 0, drops: {} };
          items.add(meter.items - last.items, labels);
          bytes.add(meter.bytes - last.bytes, labels);
          pressure.add(meter.backPressure - last.pressure, labels);
          for (const [reason, count] of Object.entries(meter.drops)) {
            drops.add(count - (last.drops[reason] ?? 0), { ...labels, reason });
          }
          told.set(meter, {
            items: meter.items,
            bytes: meter.bytes,
            pressure: meter.backPressure,
            drops: { ...meter.drops },
          });
          queue.set(meter.queueMs / 1000, labels);
          latency.set(meter.latencyMs / 1000, labels);
          if (meter.lastKeyAt !== undefined) keyAge.set((monotonic() - meter.lastKeyAt) / 1000, labels);
        }
      }
    });
  }

  /** Each link with its totals and its rates since the snapshot before. */
  snapshot(graph: CheckedGraph | undefined, now: number): Readonly<Record<string, unknown>>[] {
    const seconds = Math.max(0.001, (now - this.#lastSnapshot.at) / 1000);
    const totals = new Map<string, { items: number; bytes: number }>();
    const links = (graph?.links ?? []).map((link) => {
      const gone = this.#gone.get(link.id);
      const meters = [...(this.#meters.get(link.id)?.values() ?? []), ...(gone ? [gone] : [])];
      const sum = (pick: (meter: LinkMeter) => number): number =>
        meters.reduce((total, meter) => total + pick(meter), 0);
      const total = { items: sum((meter) => meter.items), bytes: sum((meter) => meter.bytes) };
      const before = this.#lastSnapshot.items.get(link.id) ?? { items: 0, bytes: 0 };
      totals.set(link.id, total);
      const drops: Record<string, number> = {};
      for (const meter of meters) {
        for (const [reason, count] of Object.entries(meter.drops)) drops[reason] = (drops[reason] ?? 0) + count;
      }
      return {
        id: link.id,
        from: link.from.map((ref) => `${ref.stage}.${ref.pad}`),
        to: `${link.to.stage}.${link.to.pad}`,
        type: link.type,
        full: link.full,
        queueMs: link.queue,
        items: total.items,
        bytes: total.bytes,
        itemsPerSecond: (total.items - before.items) / seconds,
        bitsPerSecond: ((total.bytes - before.bytes) * 8) / seconds,
        queuedMs: Math.max(0, ...meters.map((meter) => meter.queueMs)),
        latencyMs: Math.max(0, ...meters.map((meter) => meter.latencyMs)),
        backPressure: sum((meter) => meter.backPressure),
        drops,
      };
    });
    this.#lastSnapshot = { at: now, items: totals };
    return links;
  }
}

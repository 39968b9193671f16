/**
 * Metrics: the meters of one engine, as Prometheus reads them. Names are prefixed `eddy_`; a stage's meters carry the
 * label `stage`. Label names need not be declared: a series is whatever labels its first observation had.
 */
import { Registry, type Metric } from 'prom-client';
import type { Labels, Metrics } from '../plugin/context.ts';
import { Meter, type MeterKind } from './meter.ts';
import { observeProcess } from './process-metrics.ts';

/** The meters of one engine. */
export interface EngineMetrics extends Metrics {
  /** Meters whose series carry these labels, for a stage: `for({ stage: 'rtmp' })`. */
  for(labels: Labels): Metrics;
  /** Calls back before each exposition: counters of hot paths are kept as plain numbers and set here. */
  onCollect(collect: () => void): () => void;
  /** Removes every series that carries these labels, such as those of a camera that is gone for good. */
  forget(labels: Labels): void;
  /** The text exposition (Prometheus text format 0.0.4). */
  text(): Promise<string>;
  /** Where an embedding program may register prom-client metrics of its own. */
  readonly registry: Registry;
  /** Ends the measuring of the process. Idempotent. */
  close(): void;
}

/** Options of {@link createMetrics}. */
export interface MetricsOptions {
  /** Labels of every series, such as `{ pipeline: 'live-dvr' }`. */
  readonly labels?: Labels;
  /** Measure CPU, memory and event-loop delay of this process; default true. */
  readonly process?: boolean;
}

const NAME = /^[a-z][a-z0-9_]*$/;

/** Makes the meters of an engine. Throws TypeError for a name that is none, or one that another kind of meter has or should have. */
export function createMetrics(options: MetricsOptions = {}): EngineMetrics {
  const registry = new Registry();
  registry.setDefaultLabels(options.labels ?? {});
  const meters = new Map<string, Meter>();
  const collectors = new Set<() => void>();

  const meter = (kind: MeterKind, name: string, help: string, buckets?: readonly number[]): Meter => {
    const full = name.startsWith('eddy_') ? name : `eddy_${name}`;
    if (!NAME.test(full)) throw new TypeError(`the metric name "${name}" must be lower case letters, digits and "_"`);
    if ((kind === 'counter') !== full.endsWith('_total'))
      throw new TypeError(`"${full}" is a ${kind}: the names of counters, and of no other meters, end in "_total"`);
    const known = meters.get(full);
    if (known === undefined) {
      const made = new Meter(kind, full, help, buckets);
      meters.set(full, made);
      // A registry asks its metrics for name and get() only; Meter is one without declared label names.
      registry.registerMetric(made as unknown as Metric);
      return made;
    }
    if (known.kind !== kind) throw new TypeError(`the metric "${full}" is a ${known.kind}, not a ${kind}`);
    return known;
  };

  const scoped = (own: Labels): Metrics => {
    const all = (labels?: Labels): Labels => (labels === undefined ? own : { ...labels, ...own });
    return {
      counter: (name, help) => {
        const target = meter('counter', name, help);
        return {
          add: (value = 1, labels) => target.add(value, all(labels)),
          follow: (total, labels) => target.set(total, all(labels)),
          remove: (labels) => target.remove(all(labels)),
        };
      },
      gauge: (name, help) => {
        const target = meter('gauge', name, help);
        return {
          set: (value, labels) => target.set(value, all(labels)),
          remove: (labels) => target.remove(all(labels)),
        };
      },
      histogram: (name, help, buckets) => {
        const target = meter('histogram', name, help, buckets);
        return { observe: (value, labels) => target.observe(value, all(labels)) };
      },
    };
  };

  const root = scoped({});
  const stopProcess =
    options.process === false ? (): void => {} : observeProcess(root, (collect) => void collectors.add(collect));

  return {
    ...root,
    for: scoped,
    registry,
    onCollect: (collect) => {
      collectors.add(collect);
      return () => void collectors.delete(collect);
    },
    forget: (labels) => {
      for (const each of meters.values()) each.forget(labels);
    },
    text: async () => {
      for (const collect of collectors) collect();
      return registry.metrics();
    },
    close: () => {
      stopProcess();
      collectors.clear();
    },
  };
}

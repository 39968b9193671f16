/** One meter with all its series. */
import type { Labels } from '../plugin/context.ts';

/** What a meter measures. */
export type MeterKind = 'counter' | 'gauge' | 'histogram';

/** One line of the exposition, as a prom-client registry prints it. */
export interface Sample {
  readonly labels: Record<string, string | number>;
  readonly value: number;
  readonly metricName?: string;
}

interface Series {
  readonly labels: Labels;
  value: number;
  /** Histograms: how many observations fell into each bucket (not cumulated), and into none. */
  readonly counts: number[];
  count: number;
}

/** A counter, gauge or histogram. */
export class Meter {
  readonly kind: MeterKind;
  readonly name: string;
  readonly help: string;
  readonly #buckets: readonly number[];
  readonly #series = new Map<string, Series>();

  /** `buckets`: upper bounds of a histogram's buckets; they are sorted here. */
  constructor(kind: MeterKind, name: string, help: string, buckets: readonly number[] = []) {
    this.kind = kind;
    this.name = name;
    this.help = help;
    this.#buckets = [...buckets].sort((a, b) => a - b);
  }

  /** Adds to a counter. Throws TypeError for a negative or no number: a counter never goes down. */
  add(value: number, labels: Labels): void {
    if (!(value >= 0)) throw new TypeError(`the counter "${this.name}" cannot take ${value}`);
    this.#at(labels).value += value;
  }

  set(value: number, labels: Labels): void {
    this.#at(labels).value = value;
  }

  observe(value: number, labels: Labels): void {
    const series = this.#at(labels);
    series.count += 1;
    series.value += value;
    const bucket = this.#buckets.findIndex((bound) => value <= bound);
    if (bucket >= 0) series.counts[bucket]! += 1;
  }

  remove(labels: Labels): void {
    this.#series.delete(keyOf(labels));
  }

  /** Removes every series that has all these labels. */
  forget(labels: Labels): void {
    const wanted = Object.entries(labels);
    for (const [key, series] of this.#series) {
      if (wanted.every(([name, value]) => series.labels[name] === value)) this.#series.delete(key);
    }
  }

  /** What a prom-client registry asks for. */
  async get(): Promise<{ name: string; help: string; type: string; values: Sample[]; aggregator: string }> {
    const values = [...this.#series.values()].flatMap((series) => this.#samples(series));
    return { name: this.name, help: this.help, type: this.kind, values, aggregator: 'sum' };
  }

  /** Called by a registry's resetMetrics. */
  reset(): void {
    this.#series.clear();
  }

  #samples(series: Series): Sample[] {
    if (this.kind !== 'histogram') return [{ labels: { ...series.labels }, value: series.value }];
    let below = 0;
    const buckets = this.#buckets.map((le, index) => ({
      labels: { le, ...series.labels },
      value: (below += series.counts[index] ?? 0),
      metricName: `${this.name}_bucket`,
    }));
    return [
      ...buckets,
      { labels: { le: '+Inf', ...series.labels }, value: series.count, metricName: `${this.name}_bucket` },
      { labels: { ...series.labels }, value: series.value, metricName: `${this.name}_sum` },
      { labels: { ...series.labels }, value: series.count, metricName: `${this.name}_count` },
    ];
  }

  #at(labels: Labels): Series {
    const key = keyOf(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels: { ...labels }, value: 0, counts: this.#buckets.map(() => 0), count: 0 };
      this.#series.set(key, series);
    }
    return series;
  }
}

/** The same for the same labels in any order. */
function keyOf(labels: Labels): string {
  const names = Object.keys(labels);
  if (names.length === 0) return '';
  if (names.length > 1) names.sort();
  let key = '';
  for (const name of names) key += `${name}\u0000${labels[name]}\u0001`;
  return key;
}

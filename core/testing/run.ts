/** A pipeline under test: real engine, time under the test's hand, and everything that it said. */
import { createEngine } from '../engine/engine.ts';
import type { Pipeline } from '../engine/pipeline.ts';
import type { EddyError } from '../errors/index.ts';
import type { CheckedGraph } from '../graph/checked.ts';
import { createLogger } from '../observe/index.ts';
import type { Contract } from '../contracts/index.ts';
import type { Clock, EventDefinition, PipelineEvent } from '../plugin/index.ts';
import { VirtualClock } from './clock.ts';
import { flawsOf } from './events.ts';
import { graphOf, type GraphSpec } from './graph.ts';

/** One log line: pino's fields, `level` and `msg` among them. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

/** Options of {@link testPipeline}. */
export interface TestPipelineOptions {
  /** Default: a new {@link VirtualClock}. */
  readonly clock?: Clock;
  /** As of the engine's options: where sessions' key and revocations are kept. Default: nowhere. */
  readonly dataDir?: string;
}

/** See the file's head. */
export class TestPipeline {
  readonly engine: Pipeline;
  readonly clock: Clock;
  readonly logs: LogLine[] = [];
  readonly events: PipelineEvent[] = [];
  /** What the engine gave up for (`supervise: { then: stop }`). */
  readonly fatals: EddyError[] = [];
  /** The events of every plugin that ran here. */
  readonly #declared: Record<string, EventDefinition> = {};
  readonly #flaws = new Set<string>();

  constructor(options: TestPipelineOptions = {}) {
    this.clock = options.clock ?? new VirtualClock();
    const output = { write: (line: string) => this.logs.push(JSON.parse(line) as LogLine) };
    this.engine = createEngine({
      clock: this.clock,
      log: createLogger({ level: 'debug', format: 'json', output }),
      measureProcess: false,
      ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
      onFatal: (error) => this.fatals.push(error),
    });
    this.engine.container.get('events').on((event) => {
      this.events.push(event);
      for (const flaw of flawsOf(event, this.#declared)) this.#flaws.add(flaw);
    });
  }

  /** The clock as a virtual one. Throws TypeError where the test runs in real time. */
  get time(): VirtualClock {
    if (this.clock instanceof VirtualClock) return this.clock;
    throw new TypeError('this test runs in real time: its clock cannot be moved');
  }

  /** Brings the pipeline to this graph. */
  apply(graph: GraphSpec | CheckedGraph): ReturnType<Pipeline['apply']> {
    const checked = 'nodes' in graph ? graph : graphOf(graph);
    for (const { plugin } of checked.nodes) Object.assign(this.#declared, plugin.manifest.events);
    return this.engine.apply(checked);
  }

  /** Moves virtual time on. */
  advance(ms: number): Promise<void> {
    return this.time.advance(ms);
  }

  /** The live handle of a contract as this node provides it. Throws TypeError where it provides none. */
  service<T>(contract: Contract<T>, provider: string): T {
    const handle = this.engine.container.handle(contract, provider);
    if (handle === undefined) throw new TypeError(`"${provider}" provides no ${contract.name}`);
    return handle;
  }

  /** A camera as the engine knows it. */
  camera(cameraId: string) {
    return this.engine.container.get('cameras').get(cameraId as never);
  }

  /** Types of the events so far, of one stage or camera where it is named: `stage.failed`, `camera.live`, ... */
  eventTypes(about?: string): string[] {
    return this.events
      .filter((event) => about === undefined || event.stage === about || event.cameraId === about)
      .map((event) => event.type);
  }

  /** The value of a meter, summed over all series that carry these labels; 0 where there is none. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return readMetric(await this.engine.view.metrics(), name, labels);
  }

  /**
   * Stops the pipeline; virtual time moves on where something waits for it. Rejects with TypeError where an event was told
   * that is not what its type declares.
   */
  async stop(): ReturnType<Pipeline['stop']> {
    const stopping = this.engine.stop();
    const stopped = await (this.clock instanceof VirtualClock ? this.clock.run(stopping) : stopping);
    if (this.#flaws.size > 0) throw new TypeError([...this.#flaws].join('\n'));
    return stopped;
  }
}

/** Starts a graph in the real engine, by default in virtual time. */
export async function testPipeline(
  graph: GraphSpec | CheckedGraph,
  options: TestPipelineOptions = {},
): Promise<TestPipeline> {
  const pipeline = new TestPipeline(options);
  await pipeline.apply(graph);
  return pipeline;
}

/** Reads one meter from a Prometheus text exposition: the sum of all series that carry these labels. */
export function readMetric(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const full = name.startsWith('eddy_') ? name : `eddy_${name}`;
  let sum = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${full}{`) && !line.startsWith(`${full} `)) continue;
    const carried = Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`));
    if (carried) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

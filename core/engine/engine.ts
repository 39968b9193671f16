/** The engine's face for embedding programs and for the CLI: makes pipelines that share nothing. */
import type { CheckedGraph } from '../graph/checked.ts';
import { createLogger, createMetrics, Redactor, type RootLogger } from '../observe/index.ts';
import type { Clock } from '../plugin/index.ts';
import { systemClock } from './clock.ts';
import { Container } from './container.ts';
import { Pipeline, type OnFatal } from './pipeline.ts';

/** Options of {@link createEngine}. */
export interface EngineOptions {
  /** Default: lines on standard error. */
  readonly log?: RootLogger;
  /** Takes secrets out of events; share it with the log and with whatever resolves secrets. Default: a new one. */
  readonly redactor?: Redactor;
  readonly clock?: Clock;
  /** Measure this process's CPU and memory; default true. One engine a process should. */
  readonly measureProcess?: boolean;
  /**
   * Folder in which the engine keeps what must survive a restart: the key that sessions are sealed with, and who was revoked. Default:
   * none, they last as long as the process.
   */
  readonly dataDir?: string;
  /** Called when a pipeline stops by its own rules; default: logged only. */
  readonly onFatal?: OnFatal;
}

/** Makes a pipeline that runs nothing yet: `apply` a checked graph to start it. */
export function createEngine(options: EngineOptions = {}): Pipeline {
  const root = Container.root()
    .component('clock', () => options.clock ?? systemClock)
    .component('redactor', () => options.redactor ?? new Redactor())
    .component('log', (container) => options.log ?? createLogger({ redactor: container.get('redactor') }))
    .component('metrics', () => createMetrics({ process: options.measureProcess ?? true }));
  const onFatal: OnFatal = options.onFatal ?? ((error) => root.get('log').error({ code: error.code }, error.message));
  return new Pipeline(root, onFatal, options.dataDir);
}

/** Starts a checked graph; rejects with the error of the node that did not start. */
export async function runPipeline(graph: CheckedGraph, options: EngineOptions = {}): Promise<Pipeline> {
  const pipeline = createEngine(options);
  await pipeline.apply(graph);
  return pipeline;
}

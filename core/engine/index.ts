/** The engine: runs, supervises, changes and shows a checked graph. */
export { createEngine, runPipeline, type EngineOptions } from './engine.ts';
export { Pipeline, type Applied, type OnFatal } from './pipeline.ts';
export type { State } from './lifecycle.ts';
export type { ApplyPlan } from './plan.ts';

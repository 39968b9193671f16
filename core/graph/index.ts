/** The graph: from YAML with positions to a checked graph, and its rendering. */
export * from './caps.ts';
export * from './checked.ts';
export { quoteList, type Finding } from './finding.ts';
export { loadPipeline, type LoadedPipeline, type LoadOptions, type PipelineSource } from './load.ts';
export { systemProbe } from './probe.ts';
export * from './render.ts';
export type { Probe } from './resources.ts';
export { suggest } from './suggest.ts';

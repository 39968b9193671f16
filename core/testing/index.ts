/** `eddy/testing`: what a plugin's tests need, and what our own use: harness, conformance, fakes, virtual time, media. */
export { capturingSink, type Capture, type CapturedEvent, type CapturedTrack, type CapturingSink } from './capture.ts';
export { settle, VirtualClock, type PendingTimer } from './clock.ts';
export { configOf, graphOf, type GraphSpec, type LinkSpec, type NodeSpec } from './graph.ts';
export {
  syntheticAudio,
  syntheticChunks,
  syntheticVideo,
  type AudioOptions,
  type ChunkOptions,
  type SyntheticChunks,
  type SyntheticStream,
  type VideoOptions,
} from './media.ts';
export { serviceOf, testPlugin, type LooseManifest, type LooseRunning } from './plugins.ts';
export { readMetric, TestPipeline, testPipeline, type LogLine, type TestPipelineOptions } from './run.ts';
export {
  pen,
  scriptedSource,
  shifted,
  type PortsOf,
  type PublishOptions,
  type ScriptedPublication,
  type ScriptedSource,
  type SourcePads,
  type TrackPen,
} from './source.ts';

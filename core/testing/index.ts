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
export { conformance, type ConformanceCheck, type ConformanceOptions } from './conformance.ts';
export { FakeAuthorizer, type Refusal } from './fakes/authorizer.ts';
export { FakeHttpServer, type FakeRequest, type FakeResponse } from './fakes/http-server.ts';
export { FakeMediaHost, FakeMediaHosts } from './fakes/media-hosts.ts';
export { FakeObjectStore, type FakeObject } from './fakes/object-store.ts';
export { FakeSegmentIndex, FakeTimeline } from './fakes/segments.ts';
export { type Feeder } from './feeder.ts';
export { Harness, harness, LeakError, type HarnessOptions, type Testable } from './harness.ts';
export type {
  CameraFeed,
  CapturesOf,
  FakesOf,
  FeedsOf,
  FrameWriter,
  ProvidedBy,
  ServicesFor,
} from './harness-types.ts';
export { LeakWatch } from './leaks.ts';

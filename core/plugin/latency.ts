/** One meter for how far viewers are behind, whichever way they watch. */
import type { LatencyFrom } from '../model/index.ts';
import type { Labels, Metrics } from './context.ts';

/** Labels of a reading. */
export interface LatencyLabels extends Labels {
  readonly camera: string;
  /** How it reached the viewer: `webrtc`, `hls`, `dash`. */
  readonly path: string;
  readonly from: LatencyFrom;
}

const SECONDS = [0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30];

/** `eddy_latency_seconds`; every stage that hears of a viewer's latency observes it here. */
export function latencyMeter(metrics: Metrics): { observe(seconds: number, labels: LatencyLabels): void } {
  return metrics.histogram(
    'latency_seconds',
    'How far the picture on screen is behind, as players of ours report it: glass to glass where from="capture", counted from its arrival here where from="ingest".',
    SECONDS,
  );
}

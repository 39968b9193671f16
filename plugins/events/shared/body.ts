/** An event as it leaves the engine: one JSON object, in a webhook and in a file alike. docs/guides/events.md tells its form. */
import type { PipelineEvent } from 'eddy/plugin';

/** Longer ones lose their data: receivers are small programs, and one event must not fill an outbox. */
const MOST_BYTES = 64 * 1024;

/** The event as one line of JSON without its end. `pipeline` is the name in the pipeline file. */
export function eventBody({ type, at, cameraId, stage, data = {} }: PipelineEvent, pipeline: string): string {
  const head = { type, at, pipeline, camera: cameraId, stage };
  const body = JSON.stringify({ ...head, data });
  return Buffer.byteLength(body) <= MOST_BYTES ? body : JSON.stringify({ ...head, data: {}, cut: true });
}

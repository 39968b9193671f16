/** A segment sent part by part as its parts are made (ISO 23009-1 low latency: chunked transfer). */
import type { LiveCamera } from '../shared/live-camera.ts';
import type { LiveSegment } from '../shared/live-segment.ts';

/** Yields each part as soon as it is there, until the segment is complete; throws where one was lost, so that half is not taken for whole. */
export async function* streamSegment(
  camera: LiveCamera,
  segment: LiveSegment,
  /** ms that a part may let wait for itself. */
  patience: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  for (let index = 0; ; index += 1) {
    const came = await camera.wait(() => segment.parts.length > index || segment.complete, patience, signal);
    if (segment.released) throw new Error(`segment ${segment.number} was read too slowly`);
    const part = segment.parts[index];
    if (part) {
      if (!part.data) throw new Error(`part ${index} of segment ${segment.number} was lost`);
      yield part.data;
    } else {
      // Complete, the reader left, or the publisher stalled: what came is all there is.
      if (!came && !signal.aborted) throw new Error(`part ${index} of segment ${segment.number} did not come in time`);
      return;
    }
  }
}

/** What a stored segment says of itself, for an index that has lost it: ISO BMFF (ISO/IEC 14496-12), as CMAF has it. */
import { readChunks } from 'eddy/media';
import { type CameraId, type ChunkCaps, parseSegmentName, type Segment, type TrackId } from 'eddy/plugin';

/**
 * Describes a segment by its key and its bytes. Whether its timeline continued the one before is not in it: that is left to
 * the caller. Undefined where the bytes are no segment; a MediaError's cases included.
 */
export function describeOrphan(
  { camera, track, name }: { readonly camera: CameraId; readonly track: TrackId; readonly name: string },
  bytes: Uint8Array,
  init: string,
  { timescale, codecString }: ChunkCaps,
): Segment | undefined {
  const parsed = parseSegmentName(name);
  if (!parsed) return undefined;
  try {
    const chunks = readChunks(bytes);
    const samples = chunks.flatMap((chunk) => chunk.samples);
    const [first] = samples;
    const last = samples.at(-1);
    if (!first || !last) return undefined;
    // The key has whole milliseconds; the clock in front of the first chunk is exact enough to find them again.
    const startTs = parsed.startTs;
    const durationTicks = last.dts + last.duration - first.dts;
    const id = `${camera}/${track}/${name}`;
    return {
      ...{ id, cameraId: camera, track, number: parsed.number, writer: parsed.writer, url: id },
      ...{ startTs, duration: (durationTicks / timescale) * 1000, initUrl: `${camera}/${track}/${init}` },
      ...{ bytes: bytes.byteLength, timescale, baseTime: first.dts, durationTicks, discontinuity: false },
      ...{ independent: first.key, codecString },
    };
  } catch {
    return undefined;
  }
}

/** Puts chunks together to the segments of a timeline in memory: all that is published is kept, for tests that look back. */
import { type CameraId, type Chunk, type ChunkCaps, initName, segmentName, type TrackReader } from 'eddy/plugin';
import type { FakeTimeline } from '../../core/testing/fakes/segments.ts';

/** Takes a track in. */
export function recordTrack(
  timeline: FakeTimeline,
  cameraId: CameraId,
  track: string,
  caps: ChunkCaps,
): TrackReader<'chunks'> {
  let open: Chunk[] = [];
  let init: { readonly name: string; readonly writer: string } | undefined;

  function finish(): void {
    const [first] = open;
    if (!first) return;
    if (init?.writer !== first.writer) {
      init = { name: initName({ number: first.segment, writer: first.writer }), writer: first.writer };
    }
    const last = open.at(-1)!;
    const { startTs, segment: number, writer, baseTime, discontinuity, independent } = first;
    const folder = `${cameraId}/${track}`;
    const url = `${folder}/${segmentName({ startTs, number, writer })}`;
    const data = Buffer.concat(open.map((chunk) => chunk.data));
    const durationTicks = last.baseTime + last.duration - baseTime;
    const { timescale, codecString } = caps;
    timeline.put(
      {
        ...{ id: url, url, cameraId, track, number, startTs, writer, baseTime, durationTicks, timescale, codecString },
        ...{ discontinuity, independent, initUrl: `${folder}/${init.name}`, bytes: data.length },
        duration: (durationTicks / timescale) * 1000,
      },
      data,
      caps,
    );
    open = [];
  }

  return {
    item(chunk) {
      if (open[0] && open[0].segment !== chunk.segment) finish();
      if (open.length > 0 || chunk.part === 0) open.push(chunk);
      if (chunk.last) finish();
    },
    end: () => finish(),
  };
}

/** What the write-ahead log of an earlier run holds: finished segments, and the beginnings of those that it was writing. */
import { readFile } from 'node:fs/promises';
import type { CameraId, Chunk, Segment, TrackId } from 'eddy/plugin';
import type { LogFile, LogPlace } from './log-file.ts';
import { readRecords } from './log-record.ts';
import { type Generation, SegmentBuilder } from './track-memory.ts';

/** A segment that the log has; whether the store and the index have it too is not known from here. */
export interface LoggedSegment {
  readonly segment: Segment;
  readonly generation: Generation;
  readonly places: readonly LogPlace[];
  /** False where its end is missing: the process was killed while it was written. */
  readonly whole: boolean;
}

/** What {@link replayLog} found. */
export interface Replay {
  readonly segments: readonly LoggedSegment[];
  /** Bytes at the ends of files that are no whole records: what was written when the process died. */
  readonly torn: number;
}

interface Building {
  readonly camera: CameraId;
  readonly track: TrackId;
  readonly builder: SegmentBuilder;
  readonly generation: Generation;
  readonly places: LogPlace[];
  nextPart: number;
  whole: boolean;
}

/** Reads these files, oldest first, and marks what of them is needed. */
export async function replayLog(files: readonly LogFile[]): Promise<Replay> {
  const generations = new Map<string, Generation>();
  const building = new Map<string, Building>();
  let torn = 0;
  for (const file of files) {
    const bytes = await readFile(file.path);
    const { records, end } = readRecords(bytes);
    torn += bytes.byteLength - end;
    file.found(end);
    for (const { head, offset, data } of records) {
      const generationKey = `${head.camera}/${head.track}/${head.init}`;
      if (head.kind === 'generation') {
        // Copied: a view would hold the whole file in memory.
        if (!generations.has(generationKey))
          generations.set(generationKey, { name: head.init, caps: { ...head.caps, init: Uint8Array.from(data) } });
        continue;
      }
      const generation = generations.get(generationKey);
      if (generation) addPart(building, generation, head, { file, offset, length: data.byteLength });
    }
  }
  const segments = [...building.values()].map(({ camera, track, builder, generation, places, whole }) => {
    for (const { file } of places) file.used += 1;
    return { segment: builder.build(camera, track), generation, places, whole };
  });
  return { segments, torn };
}

function addPart(
  building: Map<string, Building>,
  generation: Generation,
  { camera, track, chunk }: { camera: CameraId; track: TrackId; chunk: Omit<Chunk, 'data'> },
  place: LogPlace,
): void {
  const key = `${camera}/${track}/${chunk.segment}.${chunk.writer}`;
  let found = building.get(key);
  if (!found) {
    // Without its first part a segment has neither its name nor a place to begin decoding.
    if (chunk.part !== 0) return;
    const builder = new SegmentBuilder({ ...chunk, data: new Uint8Array() }, generation);
    building.set(key, (found = { camera, track, builder, generation, places: [], nextPart: 0, whole: false }));
  }
  if (chunk.part < found.nextPart) return;
  found.nextPart = chunk.part + 1;
  found.builder.add(chunk, place.length);
  found.places.push(place);
  if (chunk.last) found.whole = true;
}

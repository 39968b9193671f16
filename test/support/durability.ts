/** What must hold of a store, an index and an API after something was killed: looked at from outside. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readChunks } from '../../core/media/index.ts';
import { parseSegmentName, type Segment } from '../../core/model/index.ts';
import { readCheckedFrame } from './checked-frames.ts';
import type { RunningEddy } from './eddy.ts';

/** Lines of a witness file. */
export function witnessed<T>(folder: string, file: string): T[] {
  const path = join(folder, file);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as T];
      } catch {
        // The last one may have been cut by the kill.
        return [];
      }
    });
}

/** All that `/segments` tells of a camera. */
export async function listSegments(eddy: RunningEddy, camera: string, query = ''): Promise<Segment[]> {
  const found = new Map<string, Segment>();
  for (let start = 0; ;) {
    const path = `/api/v1/cameras/${camera}/segments?start=${Math.floor(start)}&limit=5000${query}`;
    const answer = await eddy.json<{ segments?: Segment[]; more: boolean }>(path);
    const { segments, more } = answer;
    if (!segments) throw new Error(`${path} answered ${JSON.stringify(answer)}`);
    for (const one of segments) found.set(one.id, one);
    if (!more) return [...found.values()];
    start = segments.at(-1)!.startTs;
  }
}

/** Ids of the segments that lie in a filesystem store. */
export function storedIds(dir: string, camera: string): string[] {
  const folder = join(dir, camera);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => parseSegmentName(path.split('/').at(-1)!) !== undefined)
    .map((path) => `${camera}/${path}`);
}

/** What is wrong with the bytes of a segment; undefined where nothing is. */
export function flawOf(segment: Segment, bytes: Uint8Array): string | undefined {
  if (bytes.byteLength !== segment.bytes) return `${bytes.byteLength} bytes instead of ${segment.bytes}`;
  const samples = readChunks(bytes).flatMap((chunk) => chunk.samples);
  const duration = samples.reduce((sum, sample) => sum + sample.duration, 0);
  if (duration !== segment.durationTicks) return `lasts ${duration} ticks instead of ${segment.durationTicks}`;
  let before: number | undefined;
  for (const { data } of samples) {
    const number = readCheckedFrame(segment.cameraId, data);
    if (number === undefined) return 'a frame that is not whole';
    if (before !== undefined && number !== before + 1) return `frame ${number} after ${before}`;
    before = number;
  }
  return undefined;
}

/** Numbers that two writers have used in one track. */
export function reusedNumbers(segments: readonly Segment[]): string[] {
  const seen = new Map<string, string>();
  return segments.flatMap(({ id, track, number }) => {
    const key = `${track}/${number}`;
    const other = seen.get(key);
    seen.set(key, id);
    return other !== undefined && other !== id ? [`${other} and ${id}`] : [];
  });
}

/** Finished segments that are not yet both stored and indexed, in the order in which they were finished. */
import type { CameraId, Segment } from 'eddy/plugin';
import type { LogPlace } from './log-file.ts';
import type { Generation, KeptSegment } from './track-memory.ts';

/** A segment on its way into the store and the index. */
export interface Waiting {
  readonly segment: Segment;
  readonly generation: Generation;
  /** Its parts while memory holds them. */
  parts: readonly Uint8Array[] | undefined;
  /** Where they are in the write-ahead log; undefined where not all of them are. */
  readonly places: readonly LogPlace[] | undefined;
  /** On its way now. */
  putting: boolean;
  stored: boolean;
  /** Whether it was told that a crash cannot take it any more. */
  acknowledged: boolean;
}

export const cameraOf = ({ segment }: Pick<Waiting, 'segment'>): CameraId => segment.cameraId as CameraId;

/** See the file's head. */
export class WaitingLine {
  readonly #byId = new Map<string, Waiting>();
  /** Those that are to be put yet; a set keeps the order of insertion. */
  readonly #unstored = new Set<Waiting>();
  readonly #byCamera = new Map<CameraId, Waiting[]>();
  #bytes = 0;

  get size(): { readonly segments: number; readonly bytes: number } {
    return { segments: this.#byId.size, bytes: this.#bytes };
  }

  add(
    segment: Segment,
    kept: Pick<KeptSegment, 'generation' | 'places'>,
    parts?: readonly Uint8Array[],
  ): Waiting | undefined {
    if (this.#byId.has(segment.id)) return undefined;
    const { generation, places } = kept;
    const waiting: Waiting = { segment, generation, parts, places, putting: false, stored: false, acknowledged: false };
    this.#byId.set(segment.id, waiting);
    this.#unstored.add(waiting);
    this.#bytes += segment.bytes;
    const camera = cameraOf(waiting);
    const line = this.#byCamera.get(camera);
    if (line) line.push(waiting);
    else this.#byCamera.set(camera, [waiting]);
    return waiting;
  }

  find(id: string): Waiting | undefined {
    return this.#byId.get(id);
  }

  of(camera: CameraId): readonly Waiting[] {
    return this.#byCamera.get(camera) ?? [];
  }

  cameras(): CameraId[] {
    return [...this.#byCamera.keys()];
  }

  /** The oldest that nobody is putting. */
  nextToStore(): Waiting | undefined {
    for (const waiting of this.#unstored) if (!waiting.putting) return waiting;
    return undefined;
  }

  /** It is in the store. */
  stored(waiting: Waiting): void {
    waiting.stored = true;
    this.#unstored.delete(waiting);
  }

  /** What may be indexed now: of each camera the stored ones before the first that is not, `limit` at the most. */
  indexable(limit: number): Waiting[] {
    const found: Waiting[] = [];
    for (const line of this.#byCamera.values()) {
      for (const waiting of line) {
        if (!waiting.stored || found.length >= limit) break;
        found.push(waiting);
      }
    }
    return found;
  }

  remove(waiting: Waiting): void {
    if (!this.#byId.delete(waiting.segment.id)) return;
    this.#unstored.delete(waiting);
    this.#bytes -= waiting.segment.bytes;
    const camera = cameraOf(waiting);
    const line = this.#byCamera.get(camera)!;
    line.splice(line.indexOf(waiting), 1);
    if (line.length === 0) this.#byCamera.delete(camera);
  }
}

/**
 * Adds and deletes. A commit takes as long as the server's fsync and the way there and back, some ms; whatever came
 * meanwhile goes into the next one together. Deletions go in slices between commits, so that they delay nobody for long.
 */
import type { CameraId, Segment } from 'eddy/plugin';
import { toRow } from '../shared/row.ts';
import type { SegmentRef } from '../shared/segment-id.ts';
import type { Database } from './database.ts';
import { writes } from './writes.ts';

/** How many segments are deleted between two commits of others: some ms. */
const SLICE = 500;
/** How many segments go into one commit: bounds how long the first of them waits. */
const BATCH = 2000;

/** A segment that was new, and its place in the order of adding. */
export interface Placed {
  readonly segment: Segment;
  readonly place: number;
}

/** The channel on which is told how far a camera has come: `cam1 1234`. */
export const channelOf = (schema: string): string => `eddy_index_${schema}`;

interface Addition {
  readonly segments: readonly Segment[];
  readonly resolve: (placed: Placed[]) => void;
  readonly reject: (error: unknown) => void;
}

/** See the file's head. */
export class Writer {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof writes>;
  #additions: Addition[] = [];
  #committing: Promise<void> | undefined;
  readonly #deletions = new Set<Promise<void>>();

  constructor(database: Database) {
    this.#database = database;
    this.#statements = writes(database.schema);
  }

  /** Returns those that were new, in the order of adding. */
  add(segments: readonly Segment[]): Promise<Placed[]> {
    return new Promise((resolve, reject) => {
      this.#additions.push({ segments, resolve, reject });
      this.#committing ??= this.#commitAll().finally(() => (this.#committing = undefined));
    });
  }

  delete(refs: readonly SegmentRef[]): Promise<void> {
    const deletion = this.#deleteAll(refs).finally(() => this.#deletions.delete(deletion));
    this.#deletions.add(deletion);
    return deletion;
  }

  /** Settles when all that was asked for is done. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#deletions);
    while (this.#committing) await this.#committing;
  }

  async #commitAll(): Promise<void> {
    while (this.#additions.length > 0) {
      let size = 0;
      const many = this.#additions.findIndex(({ segments }) => (size += segments.length) > BATCH);
      const batch = this.#additions.splice(0, many === -1 ? this.#additions.length : Math.max(1, many));
      await this.#commit(batch);
    }
  }

  async #commit(batch: readonly Addition[]): Promise<void> {
    try {
      const placed = await this.#insert(batch.flatMap(({ segments }) => segments));
      let first = 0;
      for (const { segments, resolve } of batch) {
        const end = first + segments.length;
        resolve(placed.filter(({ n }) => n >= first && n < end));
        first = end;
      }
    } catch (error) {
      // What one asks for and the server cannot take must not keep out what others ask for.
      const alone = batch.length === 1 || (error as { code?: unknown }).code !== 'INDEX_SEGMENT_INVALID';
      if (alone) for (const { reject } of batch) reject(error);
      else for (const one of batch) await this.#commit([one]);
    }
  }

  async #insert(segments: readonly Segment[]): Promise<(Placed & { readonly n: number })[]> {
    const rows = JSON.stringify(
      segments.map((segment, n) => ({
        ...toRow(segment),
        ...{ n, camera: segment.cameraId, track: segment.track, rounded: Math.round(segment.startTs) },
      })),
    );
    const places = await this.#database.transaction(async (ask) => {
      await ask(this.#statements.prepare, [rows]);
      return ask<{ n: number; place: number }>(this.#statements.place, [rows, channelOf(this.#database.schema)]);
    });
    return places.sort((a, b) => a.n - b.n).map(({ n, place }) => ({ n, place, segment: segments[n]! }));
  }

  async #deleteAll(refs: readonly SegmentRef[]): Promise<void> {
    for (let done = 0; done < refs.length; done += SLICE) await this.#deleteSlice(refs.slice(done, done + SLICE));
  }

  async #deleteSlice(refs: readonly SegmentRef[]): Promise<void> {
    const { lock, remove, forgetGaps, forgetGenerations } = this.#statements;
    const rows = JSON.stringify(refs.map(({ start, ...ref }) => ({ ...ref, rounded: start })));
    const names = [...new Set(refs.map(({ camera }) => camera))];
    await this.#database.transaction(async (ask) => {
      await ask(lock, [names]);
      const removed = await ask<{ camera: number }>(remove, [rows]);
      const touched = [...new Set(removed.map(({ camera }) => camera))];
      if (touched.length === 0) return;
      await ask(forgetGaps, [touched]);
      await ask(forgetGenerations, [touched]);
    });
  }
}

/** What was added, by camera, in the order of adding. */
export function byCamera(placed: readonly Placed[]): Map<CameraId, Placed[]> {
  return Map.groupBy(placed, ({ segment }) => segment.cameraId as CameraId);
}

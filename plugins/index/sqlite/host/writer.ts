/**
 * Writes. A commit takes as long as the disk's fsync, some ms; whatever came meanwhile goes into the next one
 * together. Deletions go in slices between commits, so that they delay nobody for long.
 */
import type { Segment } from 'eddy/plugin';
import { toRow } from '../../shared/row.ts';
import type { SegmentRef } from '../../shared/segment-id.ts';
import type { Write } from '../protocol.ts';
import { threadError, type Db } from './database.ts';

/** How many segments are deleted between two commits of others: some ms. */
const SLICE = 250;
/** How many writes go into one commit: bounds how long the first of them waits. */
const BATCH = 2000;

/** How a call is answered. */
export interface Reply {
  value(value: unknown): void;
  error(error: ReturnType<typeof threadError>): void;
}

interface Deletion {
  readonly refs: readonly SegmentRef[];
  done: number;
  readonly reply: Reply;
}

export class Writer {
  readonly #db: Db;
  readonly #statements: ReturnType<typeof prepare>;
  #writes: { readonly write: Write; readonly reply: Reply }[] = [];
  readonly #deletions: Deletion[] = [];
  #scheduled = false;
  #idle: (() => void) | undefined;

  constructor(db: Db) {
    this.#db = db;
    this.#statements = prepare(db);
  }

  write(write: Write, reply: Reply): void {
    this.#writes.push({ write, reply });
    this.#schedule();
  }

  delete(refs: readonly SegmentRef[], reply: Reply): void {
    this.#deletions.push({ refs, done: 0, reply });
    this.#schedule();
  }

  /** Settles when all that was asked for is done. */
  drain(): Promise<void> {
    if (!this.#scheduled) return Promise.resolve();
    return new Promise((resolve) => (this.#idle = resolve));
  }

  /** Messages that have come are read before an immediate runs: they share the commit. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#commit();
      this.#deleteSlice();
      this.#scheduled = false;
      if (this.#writes.length > 0 || this.#deletions.length > 0) this.#schedule();
      else this.#idle?.();
    });
  }

  #commit(): void {
    if (this.#writes.length === 0) return;
    const batch = this.#writes.slice(0, BATCH);
    this.#writes = this.#writes.slice(BATCH);
    try {
      const values = this.#db.transaction(() => batch.map(({ write }) => this.#apply(write))).immediate();
      for (const [index, { reply }] of batch.entries()) reply.value(values[index]);
    } catch (error) {
      for (const { reply } of batch) reply.error(threadError(error));
    }
  }

  #apply(write: Write): unknown {
    switch (write.call) {
      case 'add':
        return write.args[0].map((segment) => this.#add(segment));
      case 'addGap': {
        const [camera, { start, end, cause }] = write.args;
        this.#statements.addGap.run({ camera: this.#statements.camera.get(camera, 0), start, end, cause });
        return undefined;
      }
      case 'reserve': {
        const [camera, atLeast, count] = write.args;
        return (this.#statements.reserve.get({ camera, atLeast, count }) as number) - count;
      }
    }
  }

  /** Returns whether it was new. */
  #add(segment: Segment): boolean {
    const { camera, track, generation, known, insert } = this.#statements;
    const row = toRow(segment);
    const trackId = track.get(camera.get(segment.cameraId, row.number + 1), segment.track, row.duration) as number;
    const named = { track: trackId, rounded: Math.round(row.start), number: row.number, writer: row.writer };
    if (known.get(named) !== undefined) return false;
    const { writer, initUrl, timescale, codec, ...own } = row;
    const generationId = generation.get({ track: trackId, writer, initUrl, timescale, codec, start: row.start });
    insert.run({ track: trackId, generation: generationId, ...own });
    return true;
  }

  #deleteSlice(): void {
    const [deletion] = this.#deletions;
    if (!deletion) return;
    const slice = deletion.refs.slice(deletion.done, deletion.done + SLICE);
    try {
      this.#db.transaction(() => this.#deleteAll(slice)).immediate();
    } catch (error) {
      this.#deletions.shift();
      return deletion.reply.error(threadError(error));
    }
    deletion.done += slice.length;
    if (deletion.done < deletion.refs.length) return;
    this.#deletions.shift();
    deletion.reply.value(undefined);
  }

  #deleteAll(refs: readonly SegmentRef[]): void {
    const touched = new Set<string>();
    for (const ref of refs) if (this.#statements.remove.run(ref).changes > 0) touched.add(ref.camera);
    for (const camera of touched) {
      this.#statements.forgetGaps.run(camera);
      this.#statements.forgetGenerations.run(camera);
    }
  }
}

/** A segment's id has its start rounded: this finds it whatever its fraction. `Math.round` rounds halves up. */
const NAMED = 'track = @track AND start >= @rounded - 0.5 AND start < @rounded + 0.5 AND number = @number';

function prepare(db: Db) {
  return {
    camera: db
      .prepare(
        'INSERT INTO cameras (name, next) VALUES (?, ?) ON CONFLICT DO UPDATE SET next = max(next, excluded.next) RETURNING id',
      )
      .pluck(),
    track: db
      .prepare(
        `INSERT INTO tracks (camera, name, longest) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET longest = max(longest, excluded.longest) RETURNING id`,
      )
      .pluck(),
    generation: db
      .prepare(
        `INSERT INTO generations (track, writer, init_url, timescale, codec, last)
         VALUES (@track, @writer, @initUrl, @timescale, @codec, @start)
         ON CONFLICT DO UPDATE SET last = max(last, excluded.last) RETURNING id`,
      )
      .pluck(),
    known: db
      .prepare(
        `SELECT 1 FROM segments WHERE ${NAMED}
         AND generation IN (SELECT id FROM generations WHERE track = @track AND writer = @writer)`,
      )
      .pluck(),
    insert: db.prepare(
      `INSERT INTO segments (track, start, number, generation, duration, bytes, base_time, ticks, flags, url)
       VALUES (@track, @start, @number, @generation, @duration, @bytes, @baseTime, @ticks, @flags, @url)`,
    ),
    addGap: db.prepare(
      'INSERT OR IGNORE INTO gaps (camera, start, "end", cause) VALUES (@camera, @start, @end, @cause)',
    ),
    reserve: db
      .prepare(
        `INSERT INTO cameras (name, next) VALUES (@camera, @atLeast + @count)
         ON CONFLICT DO UPDATE SET next = max(next, @atLeast) + @count RETURNING next`,
      )
      .pluck(),
    remove: db.prepare(
      `DELETE FROM segments WHERE ${NAMED.replace('@track', '(SELECT t.id FROM tracks t JOIN cameras c ON c.id = t.camera WHERE c.name = @camera AND t.name = @track)').replaceAll('@rounded', '@start')}
       AND generation IN (SELECT id FROM generations g WHERE g.track = segments.track AND g.writer = @writer)`,
    ),
    // Before the oldest media nothing is told, so gaps that end there are of no use.
    forgetGaps: db.prepare(
      `DELETE FROM gaps WHERE camera = (SELECT id FROM cameras WHERE name = ?) AND "end" <= coalesce(
         (SELECT min((SELECT min(start) FROM segments WHERE track = t.id)) FROM tracks t WHERE t.camera = gaps.camera),
         9e999)`,
    ),
    forgetGenerations: db.prepare(
      `DELETE FROM generations
       WHERE track IN (SELECT t.id FROM tracks t JOIN cameras c ON c.id = t.camera WHERE c.name = ?)
       AND last < coalesce((SELECT min(start) FROM segments WHERE track = generations.track), 9e999)`,
    ),
  };
}

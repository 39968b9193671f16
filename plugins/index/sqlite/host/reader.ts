/** Reads. Each call sees all that was acknowledged before it. */
import type { CameraId, Gap, Segment, TimeRange } from 'eddy/plugin';
import { toSegment, type Row } from '../../shared/row.ts';
import { gapsAround, joinStretches, type Stretches } from '../../shared/stretches.ts';
import type { Db } from './database.ts';

interface Track {
  readonly id: number;
  readonly name: string;
  /** The longest duration that a segment of it ever had, in ms. */
  readonly longest: number;
}

export class Reader {
  readonly #db: Db;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Db) {
    this.#db = db;
    this.#statements = prepare(db);
  }

  range(camera: CameraId, { start, end }: TimeRange, track?: string, limit = Infinity): Segment[] {
    return this.#snapshot(() => {
      const most = Math.min(limit, Number.MAX_SAFE_INTEGER);
      const tracks = this.#tracks(camera, track);
      const found = tracks.flatMap(({ id, name, longest }) =>
        // A millisecond more than the longest, for what doubles lose.
        (this.#statements.range.all({ id, from: start - longest - 1, start, end, most }) as Row[]).map((row) =>
          toSegment(camera, name, row),
        ),
      );
      if (tracks.length > 1)
        found.sort((a, b) => a.startTs - b.startTs || compare(a.track, b.track) || a.number - b.number);
      return found.length > most ? found.slice(0, most) : found;
    });
  }

  latest(camera: CameraId, track?: string): Segment | undefined {
    return this.#snapshot(() => {
      let newest: Segment | undefined;
      for (const { id, name } of this.#tracks(camera, track)) {
        const row = this.#statements.latest.get({ id }) as Row | undefined;
        if (!row) continue;
        const later =
          !newest || row.start > newest.startTs || (row.start === newest.startTs && row.number > newest.number);
        if (later) newest = toSegment(camera, name, row);
      }
      return newest;
    });
  }

  /**
   * What spans are made of: stretches of media, those joined that are at most `join` ms apart, with the last before and
   * the first after the range, and the gaps from there to there.
   */
  stretches(camera: CameraId, range: TimeRange, join: number): Stretches {
    return this.#snapshot(() => {
      const { before, media, after, gaps } = this.#statements;
      const tracks = this.#tracks(camera);
      const previous = greatest(tracks.map(({ id, longest }) => before.get({ id, longest, start: range.start })));
      const next = least(tracks.map(({ id }) => after.get({ id, end: range.end })));
      const around = { previous, next };
      const within = media.iterate({ camera, ...range }) as Iterable<[number, number]>;
      return {
        media: joinStretches(within, around, range, join),
        gaps: gaps.all({ camera, ...gapsAround(around, range) }) as Gap[],
      };
    });
  }

  cameras(): CameraId[] {
    return this.#statements.cameras.all() as CameraId[];
  }

  #tracks(camera: CameraId, track: string | null = null): Track[] {
    return this.#statements.tracks.all({ camera, track }) as Track[];
  }

  /** All statements of a call see the same state. */
  #snapshot<T>(read: () => T): T {
    return this.#db.transaction(read).deferred();
  }
}

/** The greatest of what aggregates answered, which is null where there was nothing. */
const greatest = (values: readonly unknown[]): number | undefined =>
  (values as (number | null)[]).reduce<number | undefined>(
    (most, one) => (one === null ? most : Math.max(one, most ?? one)),
    undefined,
  );
const least = (values: readonly unknown[]): number | undefined =>
  (values as (number | null)[]).reduce<number | undefined>(
    (most, one) => (one === null ? most : Math.min(one, most ?? one)),
    undefined,
  );
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const ROW = `s.start, s.number, s.duration, s.bytes, s.base_time AS baseTime, s.ticks, s.flags, s.url,
  g.writer, g.init_url AS initUrl, g.timescale, g.codec FROM segments s JOIN generations g ON g.id = s.generation`;
const TRACKS = 'tracks t JOIN cameras c ON c.id = t.camera WHERE c.name = @camera';

function prepare(db: Db) {
  return {
    tracks: db.prepare(
      `SELECT t.id, t.name, t.longest FROM ${TRACKS} AND (@track IS NULL OR t.name = @track) ORDER BY t.name`,
    ),
    range: db.prepare(
      `SELECT ${ROW} WHERE s.track = @id AND s.start > @from AND s.start < @end AND s.start + s.duration > @start
       ORDER BY s.start, s.number LIMIT @most`,
    ),
    latest: db.prepare(`SELECT ${ROW} WHERE s.track = @id ORDER BY s.start DESC, s.number DESC LIMIT 1`),
    cameras: db
      .prepare(
        `SELECT c.name FROM cameras c WHERE EXISTS
           (SELECT 1 FROM tracks t WHERE t.camera = c.id AND EXISTS (SELECT 1 FROM segments WHERE track = t.id))
         ORDER BY c.name`,
      )
      .pluck(),
    // The last before the range may be shorter than one that began somewhat earlier.
    before: db
      .prepare(
        `SELECT max(start + duration) FROM segments WHERE track = @id AND start < @start AND start >=
           (SELECT max(start) FROM segments WHERE track = @id AND start < @start) - @longest`,
      )
      .pluck(),
    media: db
      .prepare(
        `SELECT start, start + duration FROM segments WHERE track IN (SELECT t.id FROM ${TRACKS})
         AND start >= @start AND start < @end ORDER BY start`,
      )
      .raw(),
    after: db.prepare('SELECT min(start) FROM segments WHERE track = @id AND start >= @end').pluck(),
    gaps: db.prepare(
      `SELECT start, "end", cause FROM gaps WHERE camera = (SELECT id FROM cameras WHERE name = @camera)
       AND "end" > @from AND start < @to ORDER BY start`,
    ),
  };
}

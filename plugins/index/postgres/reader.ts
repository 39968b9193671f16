/** Reads: one statement a call, so that each sees one state, and all that was acknowledged before it. */
import type { CameraId, Gap, Segment, TimeRange } from 'eddy/plugin';
import { toSegment, type Row } from '../shared/row.ts';
import { gapsAround, joinStretches, type Stretches } from '../shared/stretches.ts';
import type { Database, Statement } from './database.ts';

type TrackRow = Row & { readonly track: string };

interface SpanRow {
  readonly previous: number | null;
  readonly next: number | null;
  readonly media: readonly (readonly [start: number, end: number])[] | null;
  readonly gaps: readonly Gap[] | null;
}

/** See the file's head. */
export class Reader {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof reads>;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = reads(database.schema);
  }

  async range(camera: CameraId, { start, end }: TimeRange, track?: string, limit?: number): Promise<Segment[]> {
    const most = limit === undefined || limit > Number.MAX_SAFE_INTEGER ? null : limit;
    const { range } = this.#statements;
    const rows = await this.#database.query<TrackRow>(range, [camera, track ?? null, start, end, most]);
    return rows.map((row) => toSegment(camera, row.track, row));
  }

  async latest(camera: CameraId, track?: string): Promise<Segment | undefined> {
    const [row] = await this.#database.query<TrackRow>(this.#statements.latest, [camera, track ?? null]);
    return row && toSegment(camera, row.track, row);
  }

  /** What spans are made of; stretches that are at most `join` ms apart are joined. */
  async stretches(camera: CameraId, range: TimeRange, join: number): Promise<Stretches> {
    const [row] = await this.#database.query<SpanRow>(this.#statements.stretches, [
      ...[camera, range.start, range.end, join],
    ]);
    const around = { previous: row?.previous ?? undefined, next: row?.next ?? undefined };
    const { from, to } = gapsAround(around, range);
    return {
      media: joinStretches(row?.media ?? [], around, range, join),
      gaps: (row?.gaps ?? []).filter((gap) => gap.end > from && gap.start < to),
    };
  }

  async cameras(): Promise<CameraId[]> {
    const rows = await this.#database.query<{ name: string }>(this.#statements.cameras, []);
    return rows.map(({ name }) => name as CameraId);
  }

  /** The segments of a camera that were added after this place, in the order of adding: some of the first of them. */
  async addedAfter(camera: CameraId, place: number): Promise<{ readonly segment: Segment; readonly place: number }[]> {
    const rows = await this.#database.query<TrackRow & { place: number }>(this.#statements.added, [camera, place]);
    return rows.map((row) => ({ segment: toSegment(camera, row.track, row), place: row.place }));
  }
}

const ROW = `t.name AS track, s.start, s.number, s.duration, s.bytes, s.base_time AS "baseTime", s.ticks, s.flags,
  s.url, g.writer, g.init_url AS "initUrl", g.timescale, g.codec`;
/** How many are read at once of what was missed. */
const PAGE = 500;

/** Of the tables in this schema. */
function reads(schema: string) {
  const s = `"${schema}"`;
  const statement = (name: string, text: string): Statement => ({ name, text });
  const tracks = `${s}.cameras c JOIN ${s}.tracks t ON t.camera = c.id`;
  /** Of each track what `where` says, found by one of the table's indexes. */
  const rows = (where: string): string => `SELECT ${ROW} FROM ${tracks}
    CROSS JOIN LATERAL (SELECT * FROM ${s}.segments WHERE track = t.id ${where}) s
    JOIN ${s}.generations g ON g.id = s.generation WHERE c.name = $1`;
  const picked = 'AND ($2::text IS NULL OR t.name = $2)';
  return {
    // A millisecond more than the longest, for what doubles lose.
    range: statement(
      'range',
      `${rows(`AND start > $3::double precision - t.longest - 1 AND start < $4::double precision
         AND start + duration > $3::double precision ORDER BY start, number LIMIT $5::bigint`)} ${picked}
       ORDER BY s.start, t.name, s.number LIMIT $5::bigint`,
    ),
    latest: statement(
      'latest',
      `${rows('ORDER BY start DESC, number DESC LIMIT 1')} ${picked}
       ORDER BY s.start DESC, s.number DESC, t.name LIMIT 1`,
    ),
    added: statement(
      'added',
      `SELECT s.added AS place, ${ROW} FROM ${s}.segments s JOIN ${s}.tracks t ON t.id = s.track
       JOIN ${s}.generations g ON g.id = s.generation
       WHERE s.camera = (SELECT id FROM ${s}.cameras WHERE name = $1) AND s.added > $2::bigint
       ORDER BY s.added LIMIT ${PAGE}`,
    ),
    cameras: statement(
      'cameras',
      `SELECT c.name FROM ${s}.cameras c WHERE EXISTS (SELECT FROM ${s}.tracks t WHERE t.camera = c.id
         AND EXISTS (SELECT FROM ${s}.segments WHERE track = t.id)) ORDER BY c.name`,
    ),
    // The last before the range may be shorter than one that began somewhat earlier. Gaps are few: those that can be of
    // use are chosen where it is known what lies around.
    stretches: statement(
      'stretches',
      `WITH mine AS (SELECT t.id, t.longest FROM ${tracks} WHERE c.name = $1),
       media AS (
         SELECT s.start, s.start + s.duration AS "end" FROM mine JOIN ${s}.segments s ON s.track = mine.id
         WHERE s.start >= $2::double precision AND s.start < $3::double precision
       ), marked AS (
         SELECT start, "end", start > max("end") OVER (ORDER BY start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
           + $4::double precision AS apart FROM media
       ), numbered AS (
         SELECT start, "end", count(*) FILTER (WHERE apart) OVER (ORDER BY start ROWS UNBOUNDED PRECEDING) AS stretch
         FROM marked
       ), stretches AS (SELECT min(start) AS start, max("end") AS "end" FROM numbered GROUP BY stretch)
       SELECT
         (SELECT max((SELECT max(start + duration) FROM ${s}.segments WHERE track = mine.id
            AND start < $2::double precision AND start >= (SELECT max(start) FROM ${s}.segments
              WHERE track = mine.id AND start < $2::double precision) - mine.longest)) FROM mine) AS previous,
         (SELECT min((SELECT min(start) FROM ${s}.segments WHERE track = mine.id AND start >= $3::double precision))
            FROM mine) AS next,
         (SELECT json_agg(json_build_array(start, "end") ORDER BY start) FROM stretches) AS media,
         (SELECT json_agg(json_build_object('start', g.start, 'end', g."end", 'cause', g.cause) ORDER BY g.start)
            FROM ${s}.gaps g JOIN ${s}.cameras c ON c.id = g.camera WHERE c.name = $1) AS gaps`,
    ),
  };
}

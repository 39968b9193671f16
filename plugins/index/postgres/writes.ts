/** The statements that change something. */
import type { Statement } from './database.ts';

/** A segment's id has its start rounded: this finds it whatever its fraction. `Math.round` rounds halves up. */
const named = (row: string): string =>
  `s.start >= ${row}.rounded - 0.5 AND s.start < ${row}.rounded + 0.5 AND s.number = ${row}.number`;

/** Of the tables in this schema. */
export function writes(schema: string) {
  const s = `"${schema}"`;
  const statement = (name: string, text: string): Statement => ({ name, text });
  return {
    /** Locks the cameras of segments, in one order so that two processes never wait for each other, and makes what is missing. */
    prepare: statement(
      'prepare',
      `WITH given AS (
         SELECT * FROM json_to_recordset($1) AS g (camera text, track text, number bigint, start double precision,
           duration double precision, writer text, "initUrl" text, timescale bigint, codec text)
       ), c AS (
         INSERT INTO ${s}.cameras AS old (name, next) SELECT camera, max(number) + 1 FROM given GROUP BY camera
           ORDER BY camera COLLATE "C"
         ON CONFLICT (name) DO UPDATE SET next = greatest(old.next, excluded.next) RETURNING id, name
       ), t AS (
         INSERT INTO ${s}.tracks AS old (camera, name, longest)
           SELECT c.id, g.track, max(g.duration) FROM given g JOIN c ON c.name = g.camera GROUP BY c.id, g.track
         ON CONFLICT (camera, name) DO UPDATE SET longest = greatest(old.longest, excluded.longest)
         RETURNING id, camera, name
       )
       INSERT INTO ${s}.generations AS old (track, writer, init_url, timescale, codec, last)
         SELECT t.id, g.writer, g."initUrl", g.timescale, g.codec, max(g.start)
         FROM given g JOIN c ON c.name = g.camera JOIN t ON t.camera = c.id AND t.name = g.track
         GROUP BY t.id, g.writer, g."initUrl", g.timescale, g.codec
       ON CONFLICT (track, writer, init_url, timescale, codec) DO UPDATE SET last = greatest(old.last, excluded.last)`,
    ),
    /** Adds those that are new, tells others how far their cameras have come, and returns the place of each. */
    place: statement(
      'place',
      `WITH given AS (
         SELECT g.*, c.id AS camera_id, t.id AS track_id, o.id AS generation
         FROM json_to_recordset($1) AS g (n integer, camera text, track text, rounded double precision, number bigint,
           start double precision, duration double precision, bytes bigint, "baseTime" bigint, ticks bigint,
           flags smallint, url text, writer text, "initUrl" text, timescale bigint, codec text)
         JOIN ${s}.cameras c ON c.name = g.camera
         JOIN ${s}.tracks t ON t.camera = c.id AND t.name = g.track
         JOIN ${s}.generations o ON o.track = t.id AND o.writer = g.writer AND o.init_url = g."initUrl"
           AND o.timescale = g.timescale AND o.codec = g.codec
       ), fresh AS (
         SELECT DISTINCT ON (track_id, rounded, number, writer) * FROM given g WHERE NOT EXISTS (
           SELECT FROM ${s}.segments s JOIN ${s}.generations o ON o.id = s.generation
           WHERE s.track = g.track_id AND ${named('g')} AND o.writer = g.writer)
         ORDER BY track_id, rounded, number, writer, n
       ), moved AS (
         UPDATE ${s}.cameras c SET added = c.added + f.count
         FROM (SELECT camera_id, count(*) FROM fresh GROUP BY camera_id) f WHERE c.id = f.camera_id
         RETURNING c.id, c.name, c.added AS last, c.added - f.count AS before
       ), placed AS (
         SELECT f.*, m.last, m.before + row_number() OVER (PARTITION BY m.id ORDER BY f.n) AS place
         FROM fresh f JOIN moved m ON m.id = f.camera_id
       ), inserted AS (
         INSERT INTO ${s}.segments
           (camera, track, start, number, generation, duration, bytes, base_time, ticks, flags, url, added)
         SELECT camera_id, track_id, start, number, generation, duration, bytes, "baseTime", ticks, flags, url, place FROM placed
       )
       SELECT n, place, pg_notify($2, camera || ' ' || last) FROM placed`,
    ),
    addGap: statement(
      'add-gap',
      `WITH c AS (
         INSERT INTO ${s}.cameras AS old (name, next) VALUES ($1, 0)
         ON CONFLICT (name) DO UPDATE SET next = old.next RETURNING id
       )
       INSERT INTO ${s}.gaps (camera, start, "end", cause)
         SELECT id, $2::double precision, $3::double precision, $4::text FROM c ON CONFLICT DO NOTHING`,
    ),
    reserve: statement(
      'reserve',
      `INSERT INTO ${s}.cameras AS old (name, next) VALUES ($1, $2::bigint + $3::bigint)
       ON CONFLICT (name) DO UPDATE SET next = greatest(old.next, $2::bigint) + $3::bigint
       RETURNING next - $3::bigint AS first`,
    ),
    lock: statement('lock', `SELECT id FROM ${s}.cameras WHERE name = ANY($1) ORDER BY name FOR UPDATE`),
    // OFFSET 0 makes one relation of what names a segment: so its row is looked up by all of its name, also while the
    // planner knows nothing yet of the tables.
    remove: statement(
      'remove',
      `DELETE FROM ${s}.segments s
       USING (
         SELECT c.id AS camera, t.id AS track, rounded, number, writer
         FROM json_to_recordset($1) AS g (camera text, track text, rounded double precision, number bigint, writer text)
         JOIN ${s}.cameras c ON c.name = g.camera JOIN ${s}.tracks t ON t.camera = c.id AND t.name = g.track OFFSET 0
       ) d, ${s}.generations o
       WHERE s.track = d.track AND ${named('d')} AND o.id = s.generation AND o.writer = d.writer
       RETURNING d.camera`,
    ),
    // Before the oldest media nothing is told, so gaps that end there are of no use.
    forgetGaps: statement(
      'forget-gaps',
      `DELETE FROM ${s}.gaps g WHERE camera = ANY($1) AND "end" <= coalesce(
         (SELECT min((SELECT min(start) FROM ${s}.segments WHERE track = t.id)) FROM ${s}.tracks t
          WHERE t.camera = g.camera), 'infinity')`,
    ),
    forgetGenerations: statement(
      'forget-generations',
      `DELETE FROM ${s}.generations g USING ${s}.tracks t WHERE t.camera = ANY($1) AND g.track = t.id
       AND g.last < coalesce((SELECT min(start) FROM ${s}.segments WHERE track = t.id), 'infinity')`,
    ),
  };
}

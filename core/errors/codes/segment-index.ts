/** Segment indexes and timelines. */
import { defineCodes } from '../define.ts';

export const indexCodes = defineCodes({
  INDEX_SEGMENT_INVALID: {
    severity: 'error',
    kind: 'internal',
    meaning:
      'A plugin added a segment whose id is not its camera, track and media name, or whose times are no numbers.',
    mend: "Report it to the plugin's author with the line of the log.",
    example: 'a segment of camera "cam1" with the id "cam2/video/0-1.w.m4s"',
  },
  INDEX_UNREACHABLE: {
    severity: 'error',
    kind: 'resource',
    meaning:
      'The segment index does not answer: it is stopped, locked by another program, or its disk or server fails.',
    mend: 'See the cause in the log; media stays in memory and in the store, and is indexed once the index answers.',
    example: 'index: { plugin: index.sqlite, file: /mnt/nas/index.db } while the share is away',
  },
  INDEX_FULL: {
    severity: 'error',
    kind: 'resource',
    meaning: 'There is no room left for the segment index on its disk, or on that of its server.',
    mend: 'Free some space; the index goes on by itself. A shorter "retain" keeps it free.',
    example: 'a disk filled by something else',
  },
  INDEX_DENIED: {
    severity: 'error',
    kind: 'config',
    meaning:
      'The segment index may not be opened or written: by the user that Eddy runs as, or by the user that it is at the server.',
    mend: 'Give that user the right to write the file and its folder, or name another file. At a server: correct user and password, give the user its rights, or create the database.',
    example: 'index: { plugin: index.sqlite, file: /var/lib/eddy/index.db } in a folder of root',
  },
  INDEX_CORRUPT: {
    severity: 'error',
    kind: 'config',
    meaning: 'The segment index is damaged, or what is there is not a segment index at all.',
    mend: 'Move the file away (and its -wal and -shm beside it), or name another schema of the database: a new index is made. The media stays in the store.',
    example: 'index: { plugin: index.sqlite, file: ./notes.txt }',
  },
  INDEX_NEWER: {
    severity: 'error',
    kind: 'config',
    meaning: 'The segment index was written by a newer Eddy, whose format this one does not know.',
    mend: 'Run the newer Eddy again, or name another file or schema.',
    example: 'going back to an older version after an update',
  },
  TIMELINE_NOT_STORED: {
    severity: 'error',
    kind: 'config',
    meaning: 'A stretch of the past is to be kept, and the pipeline keeps the past in memory alone.',
    mend: 'Give the pipeline a store and an index: "store: { plugin: store.filesystem, dir: ./data }" and "index: { plugin: index.sqlite, file: ./data/index.db }".',
    example: 'PUT /api/v1/cameras/cam1/keeps in a pipeline without a store',
  },
});

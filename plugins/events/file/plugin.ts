/** `events.file`: chosen events as lines of JSON in a file: the audit log. */
import {
  API_VERSION,
  Bytes,
  defineCodes,
  defineManifest,
  definePlugin,
  EventPatterns,
  FilePath,
  Integer,
  OneOf,
} from 'eddy/plugin';
import { FSYNC } from '../shared/append.ts';
import { lostEvents } from '../shared/lost.ts';

const errors = defineCodes({
  FILE_DOWN: {
    severity: 'error',
    kind: 'resource',
    meaning: 'The file cannot be written. Events wait in memory, up to 4 MiB of them.',
    mend: 'Free some space on the disk of "file", or let this user write there. It goes on by itself, every two seconds.',
    example: 'a full disk under "file"',
  },
  EVENTS_LOST: {
    severity: 'error',
    kind: 'resource',
    meaning:
      'Events are missing in the file: memory was full while it could not be written ("full"), or it could not be written before the stop ("stopped"). A line "events.lost" stands in their place.',
    mend: 'See what FILE_DOWN says. The log of the engine has what was reported meanwhile.',
    example: 'a disk that was full for an hour',
  },
});

export const manifest = defineManifest({
  name: 'events.file',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Writes chosen events as lines of JSON to a file: by default the audit log.',
  config: {
    file: FilePath({ doc: 'The file; only this user may read it. Its folder is made where it is missing.' }),
    events: EventPatterns({
      default: ['admin.*', 'publish.refused', 'session.refused', 'events.lost'],
      doc: 'Which events: types, "session.*" for a family, "*" for all.',
    }),
    rotate: Bytes({
      default: '64MiB',
      min: '64KiB',
      doc: 'At this size the file is renamed to {file}.1, the one before to {file}.2 and so on. A tool that renames it by itself is noticed.',
    }),
    keep: Integer({ default: 10, min: 0, max: 1000, doc: 'How many renamed files are kept.' }),
    fsync: OneOf(FSYNC, {
      default: 'second',
      doc: 'How often lines are made safe from a power cut. A crash of Eddy alone takes none that was written.',
    }),
  },
  events: lostEvents,
  errors,
  claims: { storage: ['file'] },
});

export default definePlugin(manifest, () => import('./file.ts'));

/** `timeshift.ring`: any moment of every camera: the last minutes in memory, the rest in a store. */
import {
  Bytes,
  defineManifest,
  definePlugin,
  Duration,
  FilePath,
  Group,
  input,
  ObjectStore,
  OneOf,
  optional,
  output,
  SegmentIndex,
  Timeline,
} from 'eddy/plugin';
import { events } from './events.ts';

export const manifest = defineManifest({
  name: 'timeshift.ring',
  version: '1.0.0',
  api: 1,
  summary: 'Keeps the last minutes of every camera in memory, the rest in a store, and serves any moment.',
  config: {
    window: Duration({ default: '2m', min: '10s', max: '1h', doc: 'How much of every camera is kept in memory.' }),
    memory: Bytes({
      default: '512MiB',
      min: '1MiB',
      doc: 'The most that all cameras together may hold in memory; beyond it the oldest media of any camera goes first.',
    }),
    retain: Duration({ default: '24h', min: '10s', doc: 'The age at which a segment is deleted from the store.' }),
    'retain-bytes': Bytes({
      optional: true,
      min: '1MiB',
      doc: 'The most that one camera may hold in the store; beyond it its oldest segments go. Kept stretches do not count.',
    }),
    dir: FilePath({
      default: './data/timeshift',
      doc: 'The folder of the write-ahead log, on a disk of this machine; one pipeline a folder. Used where there is a store.',
    }),
    spill: Bytes({
      default: '4GiB',
      min: '64MiB',
      doc: 'The most that the write-ahead log may hold: what the store cannot take waits there.',
    }),
    durability: Group(
      {
        ack: OneOf(['memory', 'disk', 'object'], {
          default: 'object',
          doc: 'When a segment counts as acknowledged: once it is finished, once it is on the local disk, or once the store and the index have it.',
        }),
        rpo: Duration({
          default: '1s',
          min: '100ms',
          max: '1m',
          doc: 'How much of what is being recorded a crash or a power cut may take.',
        }),
      },
      { default: {}, doc: 'What a crash may take.' },
    ),
  },
  inputs: { chunks: input('chunks', { doc: 'Every rendition of a camera, as tracks of one link.', demand: 'always' }) },
  outputs: {
    live: output('chunks', { doc: 'The same chunks, passed on at once.', latency: { min: 0, max: 1 } }),
    segments: output('segments', { doc: 'Every finished segment, by reference.', optional: true }),
  },
  needs: { store: optional(ObjectStore), index: optional(SegmentIndex) },
  provides: { timeline: Timeline },
  events,
  errors: {
    MEMORY_SHORT: {
      severity: 'warning',
      kind: 'resource',
      meaning: 'The memory budget is full before the window is, so less of the past is kept than the window says.',
      mend: 'Give the ring more "memory", shorten its "window", or lower the cameras\' bit rates.',
      example: 'dvr: { plugin: timeshift.ring, window: 2m, memory: 64MiB } with ten cameras of 6 Mbps',
    },
    HALF_STORED: {
      severity: 'error',
      kind: 'config',
      meaning: 'The ring has a store but no index, or an index but no store: the past needs both.',
      mend: 'Add the missing one: "store: { plugin: store.filesystem, dir: ./data }", "index: { plugin: index.sqlite, file: ./data/index.db }".',
      example: 'a pipeline with store.filesystem and timeshift.ring, without index.sqlite',
    },
    STORE_DOWN: {
      severity: 'error',
      kind: 'resource',
      meaning:
        'The store does not take segments; live goes on, finished segments wait in memory and in the write-ahead log.',
      mend: 'See the reason in the message. Nothing is lost while "spill" has room, and all is caught up in order by itself.',
      example: 'the bucket of store.s3 cannot be reached, or the disk of store.filesystem is full',
    },
    INDEX_DOWN: {
      severity: 'error',
      kind: 'resource',
      meaning: 'The index does not take segments; live goes on, stored segments wait to be indexed.',
      mend: 'See the reason in the message. All is caught up in order by itself.',
      example: 'a full disk under the file of index.sqlite',
    },
    LOG_FULL: {
      severity: 'error',
      kind: 'resource',
      meaning:
        'The write-ahead log has reached its bound: what comes now waits in memory alone, and is lost when that is full.',
      mend: 'Bring the store back, or give the ring more "spill".',
      example: 'a store that was away for longer than "spill" can hold',
    },
    LOG_DOWN: {
      severity: 'error',
      kind: 'resource',
      meaning: 'The write-ahead log cannot be written: a crash now takes what is not yet stored, not only "rpo".',
      mend: 'Free some space on the disk of "dir", or mend it. The log goes on by itself.',
      example: 'a full disk under "dir"',
    },
    SEGMENT_LOST: {
      severity: 'error',
      kind: 'resource',
      meaning:
        'A finished segment could not be stored before memory and spill were full; it is a hole in the timeline.',
      mend: 'Bring the store back; give the ring more "memory" or "spill".',
      example: 'an outage of the store of some hours with a small spill',
    },
    CLOCK_STEPPED: {
      severity: 'warning',
      kind: 'resource',
      meaning: 'The wall clock of the machine stepped. Nothing is deleted too early for it; live goes on.',
      mend: 'Keep the clock by NTP (systemd-timesyncd, chrony), so that it is slewed, not stepped.',
      example: 'an operator who sets the clock an hour ahead',
    },
    REPAIRED: {
      severity: 'info',
      kind: 'resource',
      meaning: 'What an earlier run left behind was brought in order: its log, its store and its index agree again.',
      mend: 'Nothing is to be done; the message says what was found.',
      example: 'the start after a power cut',
    },
    REPAIR_FAILED: {
      severity: 'warning',
      kind: 'resource',
      meaning: 'Store and index could not be compared to the end; they are compared again at the next start.',
      mend: 'See the reason in the message.',
      example: 'the bucket was away while it was compared',
    },
  },
});

export default definePlugin(manifest, () => import('./ring.ts'));

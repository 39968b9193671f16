/** `publish.cdn`: live and recorded HLS and DASH as files in an object store, for any CDN. */
import {
  API_VERSION,
  Bytes,
  defineCodes,
  defineManifest,
  definePlugin,
  Duration,
  input,
  Integer,
  ObjectStore,
  optional,
  Text,
  Timeline,
} from 'eddy/plugin';

const errors = defineCodes({
  STORE_DOWN: {
    severity: 'error',
    kind: 'resource',
    meaning:
      'The store takes nothing, or not in time. What is to be pushed waits, media in order, of each playlist the newest; who plays from the CDN stands still meanwhile.',
    mend: 'See the reason in the message. All is caught up by itself, at first what can be played now.',
    example: 'the bucket of store.s3 cannot be reached',
  },
  FENCED: {
    severity: 'warning',
    kind: 'resource',
    meaning:
      'Another process, or another stage, has begun to push this camera under the same prefix later than this one, which stopped pushing it.',
    mend: 'Nothing where the camera has moved. Else give the stages prefixes of their own, or stop one of them.',
    example: 'a process that was held up for a minute while another took its cameras over',
  },
  MEDIA_LOST: {
    severity: 'error',
    kind: 'resource',
    meaning:
      'A segment will not be pushed: "memory" was full while the store was away, or its bytes are gone from the timeline, or the store cannot hold it under its name. Players skip it.',
    mend: 'Give the pipeline a timeshift, from which waiting media is read again, or this stage more "memory".',
    example: 'an outage of the store of some minutes in a pipeline without timeshift.ring',
  },
});

export const manifest = defineManifest({
  name: 'publish.cdn',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Pushes HLS and DASH as files into an object store, live and recorded, for any CDN to serve.',
  config: {
    prefix: Text({
      default: 'cdn',
      pattern: '^[A-Za-z0-9-][A-Za-z0-9._-]*(/[A-Za-z0-9-][A-Za-z0-9._-]*)*$',
      doc: 'Where its keys begin: {prefix}/{camera}/index.m3u8. All below it is its own, and is deleted by "retain".',
    }),
    retain: Duration({
      default: '24h',
      min: '5m',
      doc: 'The age at which media, and playlists that are no longer written, are deleted from the store. Longer than any live window.',
    }),
    memory: Bytes({
      default: '64MiB',
      min: '1MiB',
      doc: 'The most that waiting media may hold in memory. Beyond it media is read from the timeline when its turn comes, or is lost where there is none.',
    }),
    writes: Integer({ default: 4, min: 1, max: 64, doc: 'How many objects are put at once.' }),
  },
  inputs: {
    objects: input('objects', {
      doc: 'The files of publish.hls, publish.dash or both.',
      from: 'all',
      demand: 'always',
      // What players stay behind with segments of 2 s, and a store's time: docs/guides/cdn.md.
      latency: { min: 6000, max: 16_000 },
    }),
  },
  needs: { store: ObjectStore, timeline: optional(Timeline) },
  errors,
});

export default definePlugin(manifest, () => import('./cdn.ts'));

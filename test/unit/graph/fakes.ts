/** Small plugins for the tests of the graph: enough of each family to make every mistake with. */
import {
  Authorizer,
  contract,
  HttpServer,
  ObjectStore,
  SegmentIndex,
  Timeline,
} from '../../../core/contracts/index.ts';
import {
  Bytes,
  defineManifest,
  Duration,
  EventPatterns,
  FilePath,
  Flag,
  Group,
  input,
  Integer,
  Listen,
  ListOf,
  OneOf,
  optional,
  output,
  Secret,
  several,
  Text,
  type AnyPlugin,
  type ManifestInput,
} from '../../../core/plugin/index.ts';
import { createRegistry } from '../../../core/plugin/registry.ts';

const define = (
  manifest: Omit<ManifestInput, 'version' | 'api' | 'summary'> & { readonly summary?: string },
): AnyPlugin => ({
  manifest: defineManifest({ version: '1.0.0', api: 1, summary: 'A plugin for tests.', ...manifest }),
  load: () => Promise.reject(new Error('checks never load code')),
});

const VIDEO = { kind: 'video', codec: ['h264', 'hevc', 'av1'] } as const;
const Alpha = contract<unknown>('alpha', 1, 'First of a circle.');
const Beta = contract<unknown>('beta', 1, 'Second of a circle.');

export const fakePlugins: readonly AnyPlugin[] = [
  define({
    name: 'http.server',
    config: {
      listen: Listen({ doc: 'Where it listens.', default: '127.0.0.1:8080' }),
      tls: Group(
        { cert: FilePath({ doc: 'Certificate.' }), key: FilePath({ doc: 'Key.' }) },
        { doc: 'TLS.', optional: true },
      ),
    },
    provides: { http: HttpServer },
    claims: { listens: ['listen'] },
  }),
  define({ name: 'auth.none', provides: { auth: Authorizer } }),
  define({
    name: 'auth.static',
    config: {
      token: Secret({ doc: 'Who knows it may.' }),
      cameras: ListOf(Text({ doc: 'A pattern.' }), { doc: 'Which.', default: ['*'] }),
    },
    provides: { auth: Authorizer },
  }),
  define({
    name: 'auth.any',
    config: { of: ListOf(Text({ doc: 'An authorizer.' }), { doc: 'Which.' }) },
    needs: { of: several(Authorizer) },
    provides: { auth: Authorizer },
  }),
  define({
    name: 'store.filesystem',
    config: { dir: FilePath({ doc: 'The folder.' }) },
    provides: { store: ObjectStore },
    claims: { storage: ['dir'] },
  }),
  define({
    name: 'ingest.rtmp',
    config: {
      listen: Listen({ doc: 'Where it listens.', default: '127.0.0.1:1935' }),
      app: Text({ doc: 'The application.', default: 'live', pattern: '^[a-z]+$' }),
      'max-publishers': Integer({ doc: 'How many.', default: 100, min: 1, max: 1000 }),
      tls: Group(
        { listen: Listen({ doc: 'Where it listens by TLS.', optional: true }) },
        { doc: 'TLS.', optional: true },
      ),
    },
    outputs: {
      video: output('frames', {
        doc: 'Video.',
        offers: [
          { caps: { kind: 'video', codec: 'h264', bFrames: true }, likelihood: 'usual' },
          { caps: { kind: 'video', codec: 'h264', bFrames: false }, likelihood: 'usual' },
          { caps: { kind: 'video', codec: 'hevc' }, likelihood: 'possible' },
        ],
        latency: { min: 0, max: 20 },
      }),
      audio: output('frames', {
        doc: 'Audio.',
        offers: [
          { caps: { kind: 'audio', codec: 'aac' }, likelihood: 'usual' },
          { caps: { kind: 'audio', codec: 'opus' }, likelihood: 'possible' },
        ],
      }),
    },
  }),
  define({
    name: 'webrtc.whip',
    needs: { http: HttpServer },
    outputs: { rtp: output('rtp', { doc: 'What browsers publish.' }) },
    claims: { routes: ['/whip'] },
  }),
  define({
    name: 'webrtc.sfu',
    inputs: {
      rtp: input('rtp', { doc: 'Producers.', optional: true, from: 'all' }),
      video: input('frames', {
        doc: 'Video.',
        optional: true,
        accepts: [
          { kind: 'video', codec: 'h264', bFrames: false },
          { kind: 'video', codec: ['vp8', 'vp9', 'av1'] },
        ],
      }),
      audio: input('frames', { doc: 'Audio.', optional: true, accepts: [{ kind: 'audio', codec: 'opus' }] }),
    },
    outputs: {
      out: output('rtp', { doc: 'To viewers.', optional: true }),
      video: output('frames', {
        doc: 'Video.',
        optional: true,
        reachedBy: ['rtp', 'video'],
        offers: [{ caps: { kind: 'video', codec: 'h264', bFrames: false }, likelihood: 'usual' }],
      }),
      audio: output('frames', {
        doc: 'Audio.',
        optional: true,
        reachedBy: ['rtp', 'audio'],
        offers: [{ caps: { kind: 'audio', codec: 'opus' }, likelihood: 'usual' }],
      }),
    },
  }),
  define({
    name: 'webrtc.whep',
    needs: { http: HttpServer },
    inputs: { in: input('rtp', { doc: 'What viewers see.', demand: 'manual', latency: { min: 20, max: 150 } }) },
    claims: { routes: ['/whep'] },
  }),
  define({
    name: 'transcode.audio',
    config: {
      codec: OneOf(['aac', 'opus'], { doc: 'The codec.' }),
      bitrate: Integer({ doc: 'kbps.', optional: true }),
    },
    inputs: { in: input('frames', { doc: 'Audio.', accepts: [{ kind: 'audio' }] }) },
    outputs: {
      out: output('frames', {
        doc: 'Audio.',
        offers: [{ caps: { kind: 'audio', codec: '{codec}' }, likelihood: 'usual' }],
        latency: { min: 20, max: 60 },
      }),
    },
    requires: { gstreamer: ['opusenc'] },
  }),
  define({
    name: 'package.cmaf',
    config: {
      segment: Duration({ doc: 'Segment.', default: '2s', min: '500ms', max: '10s' }),
      part: Duration({ doc: 'Part.', default: '334ms' }),
    },
    errors: {
      PART_TOO_LONG: {
        severity: 'error',
        kind: 'config',
        meaning: 'A part is longer than its segment.',
        mend: 'make part shorter than segment.',
        example: 'part: 3s',
      },
    },
    check: (config: { readonly segment: number; readonly part: number }) =>
      config.part > config.segment
        ? [
            {
              code: 'PART_TOO_LONG',
              key: 'part',
              message: `a part of ${config.part} ms does not fit into a segment of ${config.segment} ms`,
            },
          ]
        : [],
    inputs: {
      video: input('frames', { doc: 'Video.', accepts: [VIDEO], optional: true }),
      audio: input('frames', { doc: 'Audio.', accepts: [{ kind: 'audio', codec: ['aac', 'opus'] }], optional: true }),
    },
    outputs: { chunks: output('chunks', { doc: 'Chunks.', latency: { min: '{part}', max: '{segment}' } }) },
  }),
  define({
    name: 'timeshift.ring',
    config: {
      window: Duration({ doc: 'In memory.', default: '2m' }),
      memory: Bytes({ doc: 'At most.', default: '512MiB' }),
    },
    needs: { store: optional(ObjectStore), index: optional(SegmentIndex) },
    provides: { timeline: Timeline },
    inputs: { chunks: input('chunks', { doc: 'Chunks.' }) },
    outputs: {
      live: output('chunks', { doc: 'As they come.' }),
      segments: output('segments', { doc: 'Finished ones.', optional: true }),
    },
  }),
  define({
    name: 'index.sqlite',
    config: { file: FilePath({ doc: 'The database.' }) },
    inputs: { segments: input('segments', { doc: 'What to index.' }) },
    provides: { index: SegmentIndex },
  }),
  define({
    name: 'publish.hls',
    config: { prefix: Text({ doc: 'Route.', default: '/hls' }), 'low-latency': Flag({ doc: 'Parts.', default: true }) },
    needs: { http: HttpServer, timeline: Timeline },
    inputs: { chunks: input('chunks', { doc: 'Chunks.', latency: { min: 700, max: 2000 } }) },
    claims: { routes: ['{prefix}'] },
  }),
  define({
    name: 'test.loop',
    inputs: { in: input('frames', { doc: 'In.' }) },
    outputs: { out: output('frames', { doc: 'Out.' }) },
  }),
  define({
    name: 'events.file',
    config: { file: FilePath({ doc: 'Where.' }), events: EventPatterns({ doc: 'Which.', default: ['admin.*'] }) },
  }),
  define({ name: 'test.counter', events: { 'counter.full': { meaning: 'Counted.' } } }),
  define({ name: 'test.alpha', needs: { other: Beta }, provides: { mine: Alpha } }),
  define({ name: 'test.beta', needs: { other: Alpha }, provides: { mine: Beta } }),
  define({ name: 'test.encoder', requires: { gstreamer: ['no-such-element'] } }),
  define({ name: 'test.tool', requires: { binaries: ['no-such-program'] } }),
];

export const fakeRegistry = createRegistry(fakePlugins);

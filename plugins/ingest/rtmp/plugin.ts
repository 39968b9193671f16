/** The manifest of `ingest.rtmp`: publishers by RTMP, Enhanced RTMP and RTMPS. */
import {
  Bytes,
  defineManifest,
  definePlugin,
  Duration,
  FilePath,
  Group,
  Integer,
  Listen,
  output,
  Rate,
  Text,
} from 'eddy/plugin';
import { rtmpErrors } from './errors.ts';

export const manifest = defineManifest({
  name: 'ingest.rtmp',
  version: '1.0.0',
  api: 1,
  summary: 'Takes in cameras by RTMP and Enhanced RTMP: rtmp://host:1935/live/{camera}?token=...',
  config: {
    listen: Listen({ doc: 'Address and port that publishers connect to.', default: '127.0.0.1:1935' }),
    app: Text({
      doc: 'The first part of the publishing path, before the camera.',
      default: 'live',
      pattern: '^[A-Za-z0-9._-]{1,64}$',
    }),
    tls: Group(
      {
        cert: FilePath({ doc: 'Certificate chain, PEM.' }),
        key: FilePath({ doc: 'Private key, PEM.' }),
        listen: Listen({
          doc: 'An address of its own for RTMPS, beside plain RTMP on the other one. Without it there is no plain RTMP.',
          optional: true,
        }),
      },
      {
        doc: 'Serves RTMPS (RTMP over TLS). Renewed files are taken within 10 s; who publishes stays.',
        optional: true,
      },
    ),
    limits: Group(
      {
        message: Bytes({
          doc: 'The largest single message, a key frame included.',
          default: '8MiB',
          min: '64KiB',
          max: '15MiB',
        }),
        reassembly: Bytes({ doc: 'Announced bytes of all unfinished messages of one connection.', default: '16MiB' }),
        'chunk-streams': Integer({ doc: 'Chunk streams of one connection.', default: 32, min: 4, max: 65_600 }),
        handshake: Duration({ doc: 'How long the handshake may take.', default: '5s' }),
        publish: Duration({ doc: 'From connecting until the camera is named.', default: '10s' }),
        idle: Duration({ doc: 'A publisher that sends no whole message for so long is gone.', default: '30s' }),
        blocked: Duration({ doc: 'How long a full pipeline may hold a publisher back.', default: '10s' }),
        connections: Integer({ doc: 'Connections in all.', default: 1000, min: 1 }),
        'connections-per-peer': Integer({ doc: 'Connections of one address.', default: 200, min: 1 }),
        'connection-rate': Rate({
          doc: 'How often one address may connect; an IPv6 address counts with its /64.',
          default: '600 in 1m',
        }),
        refusals: Rate({
          doc: 'How many refused keys one address may try; then all wait but those that have published there.',
          default: '120 in 1m',
        }),
        backlog: Bytes({ doc: 'Answers that a peer leaves unread.', default: '64KiB', min: '16KiB' }),
      },
      { doc: 'What one stranger may cost.', default: {} },
    ),
  },
  outputs: {
    video: output('frames', {
      doc: 'Coded video as it was published; timestamps in milliseconds.',
      optional: true,
      latency: { min: 0, max: 50 },
      offers: [
        { caps: { kind: 'video', codec: 'h264' }, likelihood: 'usual' },
        { caps: { kind: 'video', codec: ['hevc', 'av1', 'vp9', 'vp8'] }, likelihood: 'possible' },
      ],
    }),
    audio: output('frames', {
      doc: 'Coded audio as it was published; timestamps in milliseconds.',
      optional: true,
      latency: { min: 0, max: 50 },
      offers: [
        { caps: { kind: 'audio', codec: 'aac' }, likelihood: 'usual' },
        { caps: { kind: 'audio', codec: ['opus', 'mp3'] }, likelihood: 'possible' },
      ],
    }),
    data: output('frames', {
      doc: 'Script messages (onMetaData, onCuePoint, onTextData, ...) as AMF0, name first.',
      optional: true,
      offers: [{ caps: { kind: 'data', codec: 'amf' }, likelihood: 'possible' }],
    }),
  },
  errors: rtmpErrors,
  claims: { listens: ['listen'] },
});

export default definePlugin(manifest, () => import('./ingest.ts'));

/** `webrtc.whep`: viewers by WebRTC. */
import {
  API_VERSION,
  Bitrate,
  defineManifest,
  definePlugin,
  Duration,
  HttpServer,
  input,
  Integer,
  Rate,
  RtpRouters,
  Text,
} from 'eddy/plugin';
import { whepErrors } from './errors.ts';

export const manifest = defineManifest({
  name: 'webrtc.whep',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Shows cameras by WebRTC within a fraction of a second, in any WHEP player: POST /whep/{camera}.',
  config: {
    prefix: Text({
      default: '/whep',
      pattern: '^(/[A-Za-z0-9._-]+)+$',
      doc: 'Where its routes begin: {prefix}/{camera}.',
    }),
    wait: Duration({
      default: '0s',
      max: '30s',
      doc: 'How long a viewer of a camera that nobody publishes waits for a publisher, before it is answered 409.',
    }),
    'max-bitrate': Bitrate({
      optional: true,
      min: '30kbps',
      doc: 'The most that one viewer is sent; automatic layer selection stays below it. Default: what webrtc.workers says.',
    }),
    posts: Rate({
      default: '500 in 10s',
      doc: 'How many sessions one address may begin; more are answered 429.',
    }),
    sessions: Integer({ default: 10_000, min: 1, doc: 'Viewers at one time.' }),
  },
  inputs: {
    in: input('rtp', {
      doc: "A camera's streams. They are asked for while somebody watches.",
      demand: 'manual',
      // Network, jitter buffer and decoder of a player.
      latency: { min: 20, max: 200 },
      accepts: [
        { kind: 'video', codec: ['h264', 'vp8', 'vp9', 'av1'] },
        { kind: 'audio', codec: 'opus' },
      ],
    }),
  },
  needs: { http: HttpServer, routers: RtpRouters },
  errors: whepErrors,
  claims: { routes: ['{prefix}'] },
});

export default definePlugin(manifest, () => import('./whep.ts'));

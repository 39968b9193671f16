/** `webrtc.whip`: publishers by WebRTC. */
import {
  API_VERSION,
  defineManifest,
  definePlugin,
  HttpServer,
  Integer,
  ListOf,
  OneOf,
  output,
  Rate,
  RtpRouters,
  Text,
} from 'eddy/plugin';
import { gatewayErrors } from '../shared/gateway/refusal.ts';

export const manifest = defineManifest({
  name: 'webrtc.whip',
  version: '1.0.0',
  api: API_VERSION,
  summary:
    'Takes in cameras by WebRTC, as browsers, OBS and ffmpeg publish them: POST /whip/{camera} (WHIP, RFC 9725).',
  config: {
    prefix: Text({
      default: '/whip',
      pattern: '^(/[A-Za-z0-9._-]+)+$',
      doc: 'Where its routes begin: {prefix}/{camera}.',
    }),
    codecs: ListOf(OneOf(['h264', 'vp8', 'vp9', 'av1'], { doc: 'A video codec.' }), {
      default: ['h264', 'vp9', 'av1', 'vp8'],
      doc: 'Video codecs that are taken, the preferred one first. VP8 has no place in HLS and DASH: such a camera has no rewind.',
    }),
    posts: Rate({
      default: '100 in 10s',
      doc: 'How many sessions one address may begin; more are answered 429.',
    }),
    sessions: Integer({ default: 1000, min: 1, doc: 'Publishers at one time.' }),
  },
  outputs: {
    rtp: output('rtp', {
      doc: 'Handles to the published streams; their packets stay in the SFU.',
      latency: { min: 1, max: 50 },
      offers: [
        { caps: { kind: 'video', codec: 'h264' }, likelihood: 'usual' },
        { caps: { kind: 'video', codec: ['vp8', 'vp9', 'av1'] }, likelihood: 'possible' },
        { caps: { kind: 'audio', codec: 'opus' }, likelihood: 'usual' },
      ],
    }),
  },
  needs: { http: HttpServer, routers: RtpRouters },
  errors: gatewayErrors,
  claims: { routes: ['{prefix}'] },
});

export default definePlugin(manifest, () => import('./whip.ts'));

/** `webrtc.workers`: the SFU. A pool of mediasoup workers that others reach through the contract RtpRouters. */
import {
  API_VERSION,
  Bitrate,
  defineManifest,
  definePlugin,
  Duration,
  FilePath,
  Flag,
  Group,
  Integer,
  IntegerOrAuto,
  Listen,
  ListOf,
  RtpRouters,
  Secret,
  Text,
} from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'webrtc.workers',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Runs the SFU: a pool of worker processes that take WebRTC publishers and forward to WebRTC viewers.',
  config: {
    workers: IntegerOrAuto({
      doc: 'How many worker processes; auto: one a processor core.',
      default: 'auto',
      min: 1,
      max: 256,
    }),
    listen: Listen({
      doc: 'Address and port of the first worker, by UDP and by TCP; worker n has the port plus n. Port 0: free ones.',
      default: '127.0.0.1:10000',
    }),
    announce: ListOf(Text({ doc: 'An IP address, or a host name that resolves to one.' }), {
      doc: "Addresses at which clients reach this machine; empty: the listen address, or every address of the machine's network cards where that is 0.0.0.0 or [::].",
      default: [],
    }),
    tcp: Flag({ doc: 'Whether clients whose network blocks UDP may come by TCP.', default: true }),
    'ice-servers': ListOf(
      Group(
        {
          urls: ListOf(Text({ doc: 'Such as "stun:stun.example.org" or "turn:turn.example.org?transport=tcp".' }), {
            doc: 'Addresses of one server.',
          }),
          username: Text({ doc: 'For TURN.', optional: true }),
          credential: Secret({ doc: 'For TURN.', optional: true }),
        },
        { doc: 'A STUN or TURN server.' },
      ),
      { doc: 'Servers that clients are told to use; the SFU itself needs none.', default: [] },
    ),
    'max-incoming': Bitrate({ doc: 'The most that one publisher is asked to send.', default: '10Mbps', min: '30kbps' }),
    'max-outgoing': Bitrate({
      doc: 'The most that one viewer is sent; automatic layer selection stays below it.',
      default: '20Mbps',
      min: '30kbps',
    }),
    'keyframe-interval': Duration({
      doc: 'A crowd that joins at once costs one key frame of a layer within this time; who comes alone is answered at once, with at most two.',
      default: '2s',
    }),
    'consent-timeout': Duration({
      doc: 'A client that does not connect, or stops to answer, for so long is disconnected.',
      default: '20s',
      min: '10s',
      max: '60s',
    }),
    'viewers-per-worker': Integer({
      doc: 'Streams to viewers that one worker carries before a camera is given a second router on another worker.',
      default: 400,
      min: 1,
    }),
    'worker-bin': FilePath({
      doc: 'The SFU worker, where it is not at its usual place; it must be a build of "eddy setup".',
      optional: true,
    }),
  },
  provides: { routers: RtpRouters },
  claims: { listens: ['listen'] },
});

export default definePlugin(manifest, () => import('./workers.ts'));

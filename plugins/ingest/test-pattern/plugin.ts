/** `ingest.test-pattern`: a camera that needs no camera. */
import {
  API_VERSION,
  Bitrate,
  CAMERA_ID_PATTERN,
  defineManifest,
  definePlugin,
  Duration,
  Flag,
  Integer,
  MediaHosts,
  output,
  Text,
} from 'eddy/plugin';

/** Its configuration. */
export const fields = {
  camera: Text({ doc: 'The camera that it publishes as.', default: 'demo', pattern: `^${CAMERA_ID_PATTERN}$` }),
  width: Integer({
    doc: 'Picture width in pixels, rounded down to an even number.',
    default: 640,
    min: 320,
    max: 3840,
  }),
  height: Integer({
    doc: 'Picture height in pixels, rounded down to an even number.',
    default: 360,
    min: 180,
    max: 2160,
  }),
  fps: Integer({ doc: 'Pictures a second.', default: 30, min: 1, max: 120 }),
  gop: Duration({ doc: 'Distance of key frames.', default: '2s', min: '100ms', max: '60s' }),
  bitrate: Bitrate({ doc: 'Bit rate of the video.', default: '800kbps', min: '50kbps', max: '50Mbps' }),
  'b-frames': Integer({ doc: 'B-frames between two others; WebRTC can carry none.', default: 0, min: 0, max: 8 }),
  tone: Flag({ doc: 'An audio track with a tone of 440 Hz; false: no audio track.', default: true }),
  clock: Flag({ doc: 'Burn the time in, for people and for machines.', default: true }),
  flash: Duration({
    doc: 'Flash white and beep at every full period of server time, to see and hear whether both are in step.',
    optional: true,
    min: '250ms',
    max: '1m',
  }),
} as const;

/** Pictures and sound are encoded as they are due: one picture, or one frame of AAC, and the encoder's work. */
const latency = { min: 0, max: 100 } as const;

export const manifest = defineManifest({
  name: 'ingest.test-pattern',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'A built-in camera: moving picture, burned-in clock and tone, H.264 and AAC, in real time.',
  config: fields,
  outputs: {
    video: output('frames', {
      doc: 'H.264: constrained baseline, or main with B-frames; closed GOPs of one length.',
      offers: [
        { caps: { kind: 'video', codec: 'h264', bFrames: false }, likelihood: 'usual' },
        { caps: { kind: 'video', codec: 'h264', bFrames: true }, likelihood: 'possible' },
      ],
      optional: true,
      latency,
    }),
    audio: output('frames', {
      doc: 'AAC LC, 48 kHz stereo.',
      offers: [{ caps: { kind: 'audio', codec: 'aac', sampleRate: 48000, channels: 2 }, likelihood: 'usual' }],
      optional: true,
      latency,
    }),
  },
  needs: { hosts: MediaHosts },
  requires: { gstreamer: ['x264enc', 'avenc_aac', 'audioconvert'] },
});

export default definePlugin(manifest, () => import('./test-pattern.ts'));

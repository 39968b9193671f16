/** `webrtc.sfu`: where cameras meet: publishers by WebRTC, and frames of others, become streams for viewers and packagers. */
import { API_VERSION, defineManifest, definePlugin, Duration, input, output, RtpRouters } from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'webrtc.sfu',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Brings every camera to WebRTC viewers and to packagers, whether it came by WebRTC or as frames.',
  config: {
    'key-frames': Duration({
      doc: 'While its frames are wanted, a WebRTC camera is asked for a key frame this long after its last one: the length of a segment.',
      default: '2s',
      min: '500ms',
      max: '30s',
    }),
    wait: Duration({
      doc: 'How long a packet that was lost on its way from a WebRTC camera is waited for, since it is sent again, before its frame is given up. Viewers by WebRTC do not wait.',
      default: '250ms',
      min: '20ms',
      max: '2s',
    }),
  },
  needs: { routers: RtpRouters },
  inputs: {
    video: input('frames', {
      doc: 'Pictures of a camera that did not come by WebRTC; they pass to viewers as they are.',
      accepts: [{ kind: 'video', codec: 'h264', bFrames: false }],
      optional: true,
      mends: [
        {
          caps: { kind: 'video', codec: 'h264', bFrames: true },
          mend: 'WebRTC has no B-frames: publish with "-bf 0" (OBS: "Max B-frames: 0", or the profile "baseline")',
        },
        {
          caps: { kind: 'video' },
          mend: 'Publish H.264 without B-frames',
        },
      ],
    }),
    audio: input('frames', {
      doc: 'Their sound.',
      accepts: [{ kind: 'audio', codec: 'opus' }],
      optional: true,
      mends: [{ caps: { kind: 'audio' }, mend: 'Put a transcode.audio stage with "codec: opus" between the two' }],
    }),
    rtp: input('rtp', {
      doc: 'Streams of cameras that came by WebRTC, every simulcast layer with them.',
      optional: true,
      from: 'all',
      // A handle costs nothing, and whether there is a camera must be known before anyone watches it.
      demand: 'always',
    }),
  },
  outputs: {
    out: output('rtp', {
      doc: 'Streams for WebRTC viewers.',
      optional: true,
      offers: [
        { caps: { kind: 'video', codec: 'h264' }, likelihood: 'usual' },
        { caps: { kind: 'audio', codec: 'opus' }, likelihood: 'usual' },
        { caps: { kind: 'video', codec: ['vp8', 'vp9', 'av1'] }, likelihood: 'possible' },
      ],
      latency: { min: 0, max: 10 },
    }),
    video: output('frames', {
      doc: 'Pictures for packagers: a track for each simulcast layer, the highest first (video, video-1, ...). What came in as frames is passed on, where it is asked for here.',
      optional: true,
      reachedBy: ['video', 'rtp'],
      offers: [
        { caps: { kind: 'video', codec: 'h264', bFrames: false }, likelihood: 'usual' },
        { caps: { kind: 'video', codec: ['vp8', 'vp9', 'av1'], bFrames: false }, likelihood: 'possible' },
      ],
      latency: { min: 0, max: '{wait}' },
    }),
    audio: output('frames', {
      doc: 'Their sound, in step with the pictures.',
      optional: true,
      reachedBy: ['audio', 'rtp'],
      offers: [{ caps: { kind: 'audio', codec: 'opus' }, likelihood: 'usual' }],
      latency: { min: 0, max: '{wait}' },
    }),
  },
  errors: {
    B_FRAMES: {
      severity: 'warning',
      kind: 'caps',
      meaning:
        'The camera sends B-frames without having said so: WebRTC players would show its pictures in the wrong order, so they are not offered there. Its other links go on.',
      mend: 'Publish with "-bf 0" (OBS: "Max B-frames: 0", or the profile "baseline").',
      example: 'ffmpeg -c:v libx264 without -bf 0 into ingest.rtmp, linked to sfu.video',
    },
    BAD_MEDIA: {
      severity: 'warning',
      kind: 'media',
      meaning: 'Frames or packets of a camera contradict their format; they were dropped.',
      mend: 'Update the publisher. Packets that are damaged on their way are dropped by WebRTC itself and are not meant here.',
      example: 'an H.264 frame whose NAL unit is longer than the frame',
    },
  },
});

export default definePlugin(manifest, () => import('./sfu.ts'));

/** `transcode.video`: a camera's video in several sizes. */
import {
  API_VERSION,
  type ConfigOf,
  defineCodes,
  defineManifest,
  definePlugin,
  Duration,
  HttpServer,
  input,
  Integer,
  MapOf,
  MediaHosts,
  OneOf,
  optional,
  output,
} from 'eddy/plugin';
import { OUTPUT_CODECS } from './codecs.ts';
import { DEVICES, PRESETS } from './encoder-list.ts';
import { ENCODER_NAMES } from './encoders.ts';
import { elementsOf, offersOf, problemsOf } from './face.ts';
import { checkPriorities, type Priorities } from './priorities.ts';
import { Rungs } from './rung-field.ts';

const errors = defineCodes({
  RUNG_MISFIT: {
    severity: 'error',
    kind: 'config',
    meaning:
      'A rung asks for a profile that its codec does not have, or for key frames that cannot lie where those of the other rungs do.',
    mend: 'The message says what fits; left out, the option takes what does.',
    example: 'rungs: [{ size: 720p, gop: 3s }] in a ladder with "gop: 2s"',
  },
  PRIORITY_NAMES_NO_CAMERA: {
    severity: 'error',
    kind: 'config',
    meaning:
      'A key of "priority" is neither a camera nor a prefix with "*" at its end, so that it would hold for none.',
    mend: 'Name cameras as "door1", "acme.*" or "*": letters, digits, ".", "_" and "-", a star at the end alone.',
    example: "priority: { 'acme/*': 5 }",
  },
  SOURCE_IRREGULAR: {
    severity: 'info',
    kind: 'media',
    meaning:
      "The source's key frames do not come at one distance, or too seldom, so that it cannot be the ladder's top rung.",
    mend: 'Nothing: that rung is encoded too. A fixed key frame interval in the publisher saves its cost: ffmpeg "-g 60 -sc_threshold 0".',
    example: 'a publisher that puts a key frame at every scene cut',
  },
  RUNGS_SHED: {
    severity: 'warning',
    kind: 'resource',
    meaning:
      'The machine is full: a ladder goes on without its most expensive rung, so that nothing lags. It comes back when there is room.',
    mend: 'Fewer or smaller rungs, a faster preset, or another machine. "priority" says which cameras lose rungs last.',
    example: 'four ladders of 1080p on two cores',
  },
  NO_ROOM_FOR_RUNGS: {
    severity: 'info',
    kind: 'resource',
    meaning:
      '"rungs: auto" begins without rungs for which the processors surely do not suffice. They come when there is room.',
    mend: 'Nothing, or a faster preset, a publisher with constant GOPs, another machine. A list of rungs is made as it is written.',
    example: '"rungs: auto" for 2160p60 on two cores',
  },
  BITRATE_LOWERED: {
    severity: 'warning',
    kind: 'resource',
    meaning:
      'Who reads a rung falls behind: its link fills, and its encoder gives fewer bits until the link is empty again.',
    mend: 'Look at what the link leads to; /api/v1/pipeline shows how full it is. If it is always so, write a lower bit rate for that rung.',
    example: 'a relay to another machine over a line that is too narrow for 1080p',
  },
  ENCODER_LOST: {
    severity: 'warning',
    kind: 'resource',
    meaning: 'An encoder of a device failed; the ladder goes on in software for five minutes at least.',
    mend: 'Look at the device and its driver; "encoder: software" leaves it out.',
    example: 'a graphics card whose driver was reset',
  },
  RESTARTED: {
    severity: 'warning',
    kind: 'resource',
    meaning: "The transcoder of a camera's video ended by itself and was started anew; its rungs missed a moment.",
    mend: 'Nothing, once. If it repeats, look at what the message says of the host.',
    example: 'kill -9 of the host in which it ran',
  },
  NOT_STARTED: {
    severity: 'error',
    kind: 'resource',
    meaning: "The transcoder of a camera's video cannot be started; it is tried again, ever more seldom.",
    mend: 'The message says what is missing; "eddy doctor" looks at the machine.',
    example: 'a machine without gstreamer1.0-libav',
  },
  INPUT_UNDECODABLE: {
    severity: 'error',
    kind: 'media',
    meaning: "Nothing comes out of the transcoder of a camera's video, again and again: its input cannot be decoded.",
    mend: 'Look at what the publisher sends: its video is damaged, or its configuration does not belong to it.',
    example: 'H.264 with parameter sets of another stream',
  },
});

export const manifest = defineManifest({
  name: 'transcode.video',
  version: '1.0.0',
  api: API_VERSION,
  summary:
    'Makes a ladder of a camera: its video in several sizes, as H.264, HEVC, VP9 or AV1, cut at the same moments.',
  config: {
    rungs: Rungs({
      doc: 'Sizes and bit rates that viewers choose from, or "auto": the size of the source and up to two below, by what its content takes and what the processors can do. None larger than the source is made.',
      default: ['720p@2.5Mbps', '360p@700kbps'],
    }),
    codec: OneOf(OUTPUT_CODECS, {
      doc: 'Of the rungs that do not name one. package.cmaf takes each of them, webrtc.sfu H.264; HEVC and AV1 cost several times what H.264 does.',
      default: 'h264',
    }),
    mode: OneOf(['low-latency', 'quality'], {
      doc: 'low-latency: no B-frames and nothing held back, as WebRTC takes it; quality: both, for HLS, DASH and recordings.',
      default: 'low-latency',
    }),
    passthrough: OneOf(['auto', 'never'], {
      doc: "auto: the source itself is the rung of its size while it has that rung's codec and its key frames come at one distance of at most twice `gop`.",
      default: 'auto',
    }),
    gop: Duration({
      doc: "From one key frame to the next. While the source is a rung, the others keep step with the source's.",
      default: '2s',
      min: '250ms',
      max: '10s',
    }),
    priority: MapOf(Integer({ doc: 'The higher, the later it loses rungs.', min: 0, max: 1000 }), {
      doc: 'When the machine is full, the ladder of the lowest loses its most expensive rung first: by camera, or by a prefix with "*". Cameras that are not named have 0.',
      default: {},
    }),
    encoder: OneOf(ENCODER_NAMES, {
      doc: 'auto: a device where there is one (nvcodec, qsv, va, v4l2; none of them was proven on a device yet), else software: x264 or openh264, x265, libvpx, libaom. What does not make the codec of a rung, or fails, is replaced by software.',
      default: 'auto',
    }),
    preset: OneOf(PRESETS, {
      doc: "How hard encoders in software try, in x264's words: a slower one gives better pictures at the same bit rate.",
      default: 'veryfast',
    }),
  },
  inputs: {
    in: input('frames', {
      doc: 'The video of a camera.',
      accepts: [{ kind: 'video', codec: ['h264', 'hevc', 'vp8', 'vp9', 'av1'] }],
      from: 'all',
      demand: 'follow',
    }),
  },
  outputs: {
    out: output('frames', {
      doc: 'A track a rung, named by it (video-720p). A source that is a rung itself keeps its name.',
      offers: [
        { caps: { kind: 'video', codec: 'h264', bFrames: false }, likelihood: 'usual' },
        { caps: { kind: 'video', codec: ['h264', 'hevc'], bFrames: true }, likelihood: 'possible' },
        { caps: { kind: 'video', codec: ['hevc', 'vp9', 'av1'], bFrames: false }, likelihood: 'possible' },
      ],
      narrow: offersOf,
      latency: { min: 0, max: 500 },
    }),
  },
  needs: { hosts: MediaHosts, http: optional(HttpServer) },
  errors,
  check: (config: Parameters<typeof problemsOf>[0] & { readonly priority: Priorities }) => [
    ...problemsOf(config),
    ...checkPriorities(config.priority),
  ],
  elements: elementsOf,
  requires: {
    devices: DEVICES,
    gstreamer: ['avdec_h264', 'avdec_h265', 'vp8dec', 'vp9dec', 'av1dec', 'videorate', 'videoscale', 'videoconvert'],
  },
});

/** The stage's configuration. */
export type Config = ConfigOf<(typeof manifest)['config']>;

export default definePlugin(manifest, () => import('./video.ts'));

/** `publish.pictures`: what a camera shows, as still pictures. */
import {
  API_VERSION,
  Bytes,
  defineCodes,
  defineManifest,
  definePlugin,
  HttpServer,
  input,
  Integer,
  MediaHosts,
  optional,
  Timeline,
} from 'eddy/plugin';

const errors = defineCodes({
  NO_PICTURE: {
    severity: 'info',
    kind: 'peer',
    meaning:
      'The camera has no picture to show, now or at the moment that was asked for: it was away, sent sound alone, or its first key frame had not come yet.',
    mend: 'Ask again when it is live: "/api/v1/cameras/{camera}" tells, and its "timeline" of the past. For the latest picture link the camera\'s frames to the stage\'s "video".',
    example: 'GET /api/v1/cameras/cam1/poster.jpg in the second in which cam1 begins',
  },
  REQUEST_INVALID: {
    severity: 'error',
    kind: 'peer',
    meaning: 'A picture of the past was asked for with a time, a width or an interval that makes no sense.',
    mend: 'Ask for a thumbnail with at, and for a storyboard with start and end, as RFC 3339 or epoch ms; sheets are named by storyboard.vtt.',
    example: 'GET /api/v1/cameras/cam1/thumbnail.jpg?at=yesterday',
  },
  BUSY: {
    severity: 'warning',
    kind: 'peer',
    meaning: 'So many pictures are being made that this one was not begun.',
    mend: 'Ask again in a second. Pictures are decoded at low priority, two launches at a time: what live media needs comes first.',
    example: 'a page that shows the thumbnails of a hundred moments at once',
  },
  NOT_DECODED: {
    severity: 'warning',
    kind: 'media',
    meaning:
      'A key frame could not be made into a picture: its bytes are damaged, or this machine has no decoder for it.',
    mend: '"eddy doctor" tells which GStreamer elements are missing. Once in a while it is a damaged frame: the next one follows.',
    example: 'AV1 on a machine without av1dec',
  },
});

export const manifest = defineManifest({
  name: 'publish.pictures',
  version: '1.0.0',
  api: API_VERSION,
  summary:
    "Serves each camera's latest key frame as a picture, those of any past moment, and storyboards. Decoded when somebody asks, never before.",
  config: {
    width: Integer({
      doc: 'The widest that a picture is made, in pixels; smaller ones stay as they are.',
      default: 960,
      min: 64,
      max: 3840,
    }),
    quality: Integer({ doc: 'Quality of the JPEG, 1 to 100.', default: 80, min: 1, max: 100 }),
    cache: Bytes({ doc: 'The most that finished pictures of the past may take in memory.', default: '32MiB' }),
  },
  inputs: {
    video: input('frames', {
      doc: "A camera's pictures, in one rendition or several: one of the wished width is taken where there is one.",
      accepts: [{ kind: 'video' }],
      // It keeps a reference to the last key frame of each track and looks at no other.
      demand: 'always',
      from: 'all',
    }),
  },
  needs: { http: HttpServer, hosts: MediaHosts, timeline: optional(Timeline) },
  errors,
  requires: { gstreamer: ['avdec_h264', 'videoconvert', 'videoscale', 'videoflip', 'rawvideoparse', 'jpegenc'] },
  claims: {
    routes: ['poster.jpg', 'thumbnail.jpg', 'storyboard.vtt', 'storyboard.jpg'].map(
      (name) => `/api/v1/cameras/:camera/${name}`,
    ),
  },
});

export default definePlugin(manifest, () => import('./pictures.ts'));

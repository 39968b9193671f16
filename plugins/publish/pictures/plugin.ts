/** `publish.pictures`: what a camera shows, as still pictures. */
import {
  API_VERSION,
  defineCodes,
  defineManifest,
  definePlugin,
  HttpServer,
  input,
  Integer,
  MediaHosts,
} from 'eddy/plugin';

const errors = defineCodes({
  NO_PICTURE: {
    severity: 'info',
    kind: 'peer',
    meaning:
      'The camera has no picture to show: it is away, sends sound alone, or its first key frame has not come yet.',
    mend: 'Ask again when it is live: "/api/v1/cameras/{camera}" tells. The stage needs the pictures: link the camera\'s frames to its "video".',
    example: 'GET /api/v1/cameras/cam1/poster.jpg in the second in which cam1 begins',
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
    "Serves each camera's latest key frame as a picture: /api/v1/cameras/{camera}/poster.jpg. Decoded when somebody asks, never before.",
  config: {
    width: Integer({
      doc: 'The widest that a picture is made, in pixels; smaller ones stay as they are.',
      default: 960,
      min: 64,
      max: 3840,
    }),
    quality: Integer({ doc: 'Quality of the JPEG, 1 to 100.', default: 80, min: 1, max: 100 }),
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
  needs: { http: HttpServer, hosts: MediaHosts },
  errors,
  requires: { gstreamer: ['avdec_h264', 'videoconvert', 'videoscale', 'jpegenc'] },
  claims: { routes: ['/api/v1/cameras/:camera/poster.jpg'] },
});

export default definePlugin(manifest, () => import('./pictures.ts'));

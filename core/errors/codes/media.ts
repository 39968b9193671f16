/** Bytes that a format parser refuses (`MediaError` of `eddy/media`). */
import { defineCodes } from '../define.ts';

export const mediaCodes = defineCodes({
  MEDIA_TRUNCATED: {
    severity: 'error',
    kind: 'media',
    meaning: 'Media bytes end before the length that they announce.',
    mend: 'Look for packet loss or a proxy between the publisher and Eddy; if it stays, capture and report the stream.',
    example: 'a NAL unit length of 5000 in a frame of 1200 bytes',
  },
  MEDIA_MALFORMED: {
    severity: 'error',
    kind: 'media',
    meaning: 'Media bytes contradict their format.',
    mend: 'Update the publisher, or publish through ffmpeg with "-c copy", which repairs many streams.',
    example: 'an AudioSpecificConfig that names no channels',
  },
  MEDIA_UNSUPPORTED: {
    severity: 'error',
    kind: 'media',
    meaning: 'The media is valid, but in a codec or a form that Eddy does not carry.',
    mend: 'Let the publisher send H.264, HEVC, AV1 or VP9 video and AAC or Opus audio, one track of each.',
    example: 'RTMP with Sorenson H.263 video, or with multitrack video',
  },
  MEDIA_TOO_LARGE: {
    severity: 'error',
    kind: 'media',
    meaning: 'A media message announces a size above the limit.',
    mend: 'Lower the bit rate or the size of the picture at the publisher.',
    example: 'a wire message of 64 MiB',
  },
});

/** `package.cmaf`: access units to CMAF chunks, which serve LL-HLS, LL-DASH and the timeshift alike. */
import { defineManifest, definePlugin, Duration, input, optional, output, SegmentIndex } from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'package.cmaf',
  version: '1.0.0',
  api: 1,
  summary: 'Cuts coded video and audio into CMAF segments and parts, without transcoding.',
  config: {
    segment: Duration({
      default: '2s',
      min: '1s',
      max: '30s',
      doc: 'Target of a segment: it ends at the first key frame at or after it, and at the latest after twice as long.',
    }),
    part: Duration({
      default: '334ms',
      min: '100ms',
      max: '2s',
      doc: 'Wished length of a part; taken as the whole number of frames that comes nearest. Below 200ms players stall.',
    }),
  },
  inputs: {
    video: input('frames', {
      doc: 'One camera, in one rendition or several. All renditions and the audio are cut at the same moments.',
      accepts: [{ kind: 'video', codec: ['h264', 'hevc', 'av1', 'vp9'] }],
      optional: true,
      from: 'all',
      mends: [
        {
          caps: { kind: 'video', codec: 'vp8' },
          mend: 'VP8 has no place in CMAF: publish H.264, VP9 or AV1.',
        },
      ],
    }),
    audio: input('frames', {
      doc: 'Its sound, in one language or several. A camera without video is cut by time.',
      accepts: [{ kind: 'audio', codec: ['aac', 'opus'] }],
      optional: true,
      from: 'all',
      mends: [
        { caps: { kind: 'audio', codec: 'mp3' }, mend: 'Put a transcode.audio stage with "codec: aac" before it.' },
      ],
    }),
  },
  outputs: {
    chunks: output('chunks', {
      doc: 'Parts as CMAF chunks, a track for each track that comes in, with the same name.',
      offers: [
        { caps: { kind: 'video', codec: ['h264', 'hevc', 'av1', 'vp9'] }, likelihood: 'usual' },
        { caps: { kind: 'audio', codec: ['aac', 'opus'] }, likelihood: 'usual' },
      ],
      // A frame waits for its part to close, and for the first frame of the next one.
      latency: { min: 0, max: '{part}' },
    }),
  },
  // Where there is one, segment numbers are reserved in it, so that none is used twice after a crash.
  needs: { index: optional(SegmentIndex) },
  errors: {
    GOP_TOO_LONG: {
      severity: 'warning',
      kind: 'media',
      meaning:
        'No key frame came within twice the segment target, so a segment begins without one: players cannot start or seek there.',
      mend: 'Set a shorter key frame interval at the publisher (two seconds: "-g 60" at 30 fps in ffmpeg, "Keyframe Interval: 2 s" in OBS).',
      example: 'an OBS with "Keyframe Interval: 0 (auto)", which gives a key frame every 8.3 s',
    },
    PART_TOO_LONG: {
      severity: 'error',
      kind: 'config',
      meaning: 'A part is wished longer than half a segment, so segments could not be cut into parts.',
      mend: 'Set "part" to at most half of "segment".',
      example: 'cmaf: { plugin: package.cmaf, segment: 1s, part: 800ms }',
    },
    BAD_MEDIA: {
      severity: 'warning',
      kind: 'media',
      meaning: 'A track or frame cannot be packaged since its bytes contradict their format; it was dropped.',
      mend: 'Update the publisher, or publish through ffmpeg with "-c copy".',
      example: 'an Opus packet of no frames',
    },
  },
  check: ({ segment, part }: { segment: number; part: number }) =>
    part * 2 > segment
      ? [{ code: 'PART_TOO_LONG', key: 'part', message: `parts of ${part} ms in segments of ${segment} ms` }]
      : [],
});

export default definePlugin(manifest, () => import('./cmaf.ts'));

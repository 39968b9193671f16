/** `test.replay`: publishes an FLV file as if it were recorded at a moment of the past, as fast as the pipeline takes it. */
import { defineManifest, definePlugin, Integer, output, Text } from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'test.replay',
  version: '1.0.0',
  api: 1,
  summary: 'Replays a recording of burned-in clock.',
  config: {
    camera: Text({ default: 'cam', doc: 'The camera that it publishes as.' }),
    file: Text({ doc: 'Path of the FLV file.' }),
    'start-at': Text({ doc: 'Epoch ms of its first picture.', pattern: '^\\d+$' }),
    // Publications, with nothing in between: `0..90 120..300`, seconds of the recording.
    stretches: Text({ doc: 'What is published, in seconds.', pattern: '^\\d+\\.\\.\\d+( \\d+\\.\\.\\d+)*$' }),
    fps: Integer({ default: 10, doc: 'Pictures a second.' }),
  },
  outputs: {
    video: output('frames', {
      doc: 'H.264.',
      offers: [{ caps: { kind: 'video', codec: 'h264', bFrames: false }, likelihood: 'usual' }],
    }),
    audio: output('frames', {
      doc: 'AAC.',
      offers: [{ caps: { kind: 'audio', codec: 'aac', sampleRate: 48000, channels: 2 }, likelihood: 'usual' }],
    }),
  },
});

export default definePlugin(manifest, () => import('./replay.ts'));

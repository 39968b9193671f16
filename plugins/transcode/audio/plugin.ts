/** `transcode.audio`: any audio codec to Opus or AAC. */
import {
  API_VERSION,
  Bitrate,
  defineCodes,
  defineManifest,
  definePlugin,
  Flag,
  input,
  Integer,
  MediaHosts,
  OneOf,
  output,
} from 'eddy/plugin';
import { Loudness } from './loudness-field.ts';
import { AAC_RATES, OPUS_RATE } from './rates.ts';

const errors = defineCodes({
  OPTION_MISFIT: {
    severity: 'error',
    kind: 'config',
    meaning: 'The codec of a transcode.audio stage cannot have this sample rate or these channels.',
    mend: 'Leave the option out: it then follows the source.',
    example: '{ plugin: transcode.audio, codec: opus, sample-rate: 44100 }',
  },
  RESTARTED: {
    severity: 'warning',
    kind: 'resource',
    meaning: "The transcoder of a camera's audio ended by itself and was started anew; listeners missed a moment.",
    mend: 'Nothing, once. If it repeats, look at what the message says of the host.',
    example: 'kill -9 of the host in which it ran',
  },
  NOT_STARTED: {
    severity: 'error',
    kind: 'resource',
    meaning: "The transcoder of a camera's audio cannot be started; it is tried again, ever more seldom.",
    mend: 'The message says what is missing; "eddy doctor" looks at the machine.',
    example: 'a machine without gstreamer1.0-libav',
  },
  INPUT_UNDECODABLE: {
    severity: 'error',
    kind: 'media',
    meaning: "Nothing comes out of the transcoder of a camera's audio, again and again: its input cannot be decoded.",
    mend: 'Look at what the publisher sends: its audio is damaged, or its configuration does not belong to it.',
    example: 'AAC frames that are encrypted',
  },
});

export const manifest = defineManifest({
  name: 'transcode.audio',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Turns AAC, Opus and MP3 into Opus for WebRTC or AAC for HLS and RTMP, in the time of its input.',
  config: {
    codec: OneOf(['opus', 'aac'], { doc: 'What comes out.', default: 'opus' }),
    bitrate: Bitrate({
      doc: 'Bit rate of what comes out. Without it 96 kbps for Opus and 128 kbps for AAC in stereo, half of it in mono.',
      optional: true,
      min: '8kbps',
      max: '512kbps',
    }),
    channels: Integer({
      doc: 'Channels of what comes out; more are mixed down. Without it 2, or 1 for a mono source.',
      optional: true,
      min: 1,
      max: 2,
    }),
    'sample-rate': Integer({
      doc: "Sample rate of what comes out, in Hz. Without it the source's for AAC; Opus always has 48000.",
      optional: true,
      min: 8000,
      max: 48_000,
    }),
    loudness: Loudness({
      doc: 'Loudness (EBU R 128) that all cameras are brought to by a gain that moves slowly, by 20 dB at most: -23LUFS is television, -16LUFS what phones and browsers are used to. Nothing goes through untouched then.',
    }),
    passthrough: Flag({
      doc: 'Audio that has the codec, and the channels and sample rate where they are given, goes through untouched.',
      default: true,
    }),
  },
  inputs: {
    in: input('frames', {
      doc: 'The audio of a camera.',
      accepts: [{ kind: 'audio', codec: ['aac', 'opus', 'mp3'] }],
      from: 'all',
      demand: 'follow',
    }),
  },
  outputs: {
    out: output('frames', {
      doc: 'The same audio in the codec that is wanted. What goes through keeps its name, what is transcoded is named by its codec.',
      offers: [{ caps: { kind: 'audio', codec: '{codec}' }, likelihood: 'usual' }],
      latency: { min: 0, max: 100 },
    }),
  },
  needs: { hosts: MediaHosts },
  errors,
  elements: ({ loudness }: { loudness: number | undefined }) =>
    loudness === undefined ? [] : ['appsink', 'audiobuffersplit', 'volume', 'rglimiter'],
  requires: {
    gstreamer: [
      'avdec_aac',
      'opusdec',
      'avdec_mp3',
      'audiorate',
      'audioconvert',
      'audioresample',
      'opusenc',
      'avenc_aac',
    ],
  },
  check: ({ codec, 'sample-rate': rate }: { codec: 'opus' | 'aac'; 'sample-rate': number | undefined }) => {
    const taken = codec === 'opus' ? [OPUS_RATE] : AAC_RATES;
    if (rate === undefined || taken.includes(rate)) return [];
    const message = `${codec === 'opus' ? 'Opus' : 'AAC'} is made at ${taken.join(', ')} Hz, not at ${rate}`;
    return [{ code: 'OPTION_MISFIT', key: 'sample-rate', message }];
  },
});

export default definePlugin(manifest, () => import('./audio.ts'));

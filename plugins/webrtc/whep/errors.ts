/** Error codes of `webrtc.whep`; they print as `webrtc.whep/CODE`. */
import { defineCodes } from 'eddy/plugin';
import { gatewayErrors } from '../shared/gateway/refusal.ts';

export const whepErrors = defineCodes({
  ...gatewayErrors,
  NOT_OFFERED: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The camera is live, but none of its streams can be watched by WebRTC; the message says why.',
    mend: 'Watch it by LL-HLS, or publish H.264 without B-frames (x264: "-bf 0"), VP8, VP9 or AV1.',
    example: 'POST /whep/cam1 while cam1 sends H.264 with B-frames',
  },
  CODEC_UNFIT: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The camera sends a codec that the viewer did not offer.',
    mend: 'Watch with a client that offers the codec, or publish H.264, which all of them have.',
    example: 'switching a session that offered only VP8 to a camera that sends H.264',
  },
  LAYER_UNKNOWN: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The camera has no such layer at this moment.',
    mend: 'Choose one of those that the "layers" event tells.',
    example: 'POST {session}/layer with {"rid": "x"}',
  },
});

/** WebRTC: the SFU's workers, transports and streams. */
import { defineCodes } from '../define.ts';

export const webrtcCodes = defineCodes({
  WEBRTC_MEDIASOUP_MISSING: {
    severity: 'error',
    kind: 'resource',
    meaning: 'The npm package mediasoup, which drives the SFU workers, is not installed.',
    mend: 'Run "make setup" in the checkout, or "npm install mediasoup" and "npx eddy setup" beside an installed Eddy.',
    example: 'webrtc.workers in a pipeline of an Eddy that was installed without its peer packages',
  },
  WEBRTC_WORKER_MISSING: {
    severity: 'error',
    kind: 'resource',
    meaning: 'The SFU worker, the program that forwards WebRTC, has not been built on this machine.',
    mend: 'Run "make setup" (in an installed package "npx eddy setup"); it takes 2 to 4 minutes, once a machine.',
    example: 'worker-bin: ./mediasoup-worker, where no such file is',
  },
  WEBRTC_WORKER_FOREIGN: {
    severity: 'error',
    kind: 'resource',
    meaning:
      "The SFU worker is not Eddy's own build for the installed mediasoup: standard WHEP clients could not be answered by it.",
    mend: 'Leave out "worker-bin" and MEDIASOUP_WORKER_BIN, and run "make setup" or "npx eddy setup", which builds the right one.',
    example: "MEDIASOUP_WORKER_BIN set to mediasoup's own prebuilt worker",
  },
  WEBRTC_LISTEN_FAILED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'An SFU worker cannot listen on its address.',
    mend: 'Stop the program that holds the port, or set another "listen"; worker n uses the port plus n, by UDP and by TCP.',
    example: 'listen: 127.0.0.1:10000 with 4 workers, while another program holds port 10002',
  },
  WEBRTC_WORKERS_DOWN: {
    severity: 'error',
    kind: 'resource',
    meaning: 'No SFU worker runs at this moment: those that died have not been replaced yet.',
    mend: 'Callers try again. If it stays so, the log says why the workers do not come up.',
    example: 'a new viewer while the only worker is being replaced for longer than 5 s',
  },
  WEBRTC_WORKER_DIED: {
    severity: 'warning',
    kind: 'resource',
    meaning: 'An SFU worker died. Its publishers and viewers were disconnected, and a new worker takes its place.',
    mend: 'If it repeats, report it with the log around it; "dmesg" tells whether the system ran out of memory.',
    example: 'kill -9 of a mediasoup-worker',
  },
  WEBRTC_CODEC_UNFIT: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The other side does not take the codec of this stream.',
    mend: 'Publish H.264 without B-frames, VP8, VP9 or AV1, with Opus; or watch by LL-HLS, where more codecs play.',
    example: 'a viewer whose offer has only VP8 asks for a camera that sends H.264',
  },
  WEBRTC_PARAMETERS_INVALID: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The description of a stream or of a DTLS connection is malformed, or contradicts itself.',
    mend: 'Report it to the maker of the client, with the message.',
    example: 'an offer whose RTX codec names a payload type that the offer does not have',
  },
  WEBRTC_HANDLE_GONE: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The stream that was asked for has ended.',
    mend: 'Wait for the camera to come back: its new stream has a new handle.',
    example: 'a viewer joins in the moment in which the publisher leaves',
  },
  WEBRTC_TRANSPORT_CLOSED: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The WebRTC connection has ended: its client left or stopped to answer, or its SFU worker died.',
    mend: 'The client makes a new session.',
    example: 'a layer change in a session whose viewer has closed the page',
  },
});

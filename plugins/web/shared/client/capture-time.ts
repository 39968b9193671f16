/** Capture time in the stream (abs-capture-time), which browsers only negotiate when asked to. */

const URI = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
/** From 1900 to 1970, ms: capture times are NTP times. */
const NTP_EPOCH = 2_208_988_800_000;
/** A clock that is further off tells nothing, ms. */
const BELIEVABLE = 10_000;

interface HeaderExtension {
  readonly uri: string;
  direction: RTCRtpTransceiverDirection;
}
/** Of Chromium; others lack it, and latency counts from the server then. */
interface Negotiable {
  getHeaderExtensionsToNegotiate?(): HeaderExtension[];
  setHeaderExtensionsToNegotiate?(extensions: HeaderExtension[]): void;
}

/** Offers capture time, where the browser can. */
export function preferCaptureTime(transceiver: RTCRtpTransceiver): void {
  const able = transceiver as RTCRtpTransceiver & Negotiable;
  const extensions = able.getHeaderExtensionsToNegotiate?.();
  const found = extensions?.find(({ uri }) => uri === URI);
  if (!extensions || !found) return;
  found.direction = 'sendrecv';
  try {
    able.setHeaderExtensionsToNegotiate!(extensions);
  } catch {
    // A browser that lists it but does not let it be chosen.
  }
}

/** How long ago the newest picture or sound that was played was captured, ms by the clock `now` of the server. */
export function captureAge(receiver: RTCRtpReceiver, now: number): number | undefined {
  const source = receiver.getSynchronizationSources()[0] as
    (RTCRtpSynchronizationSource & { captureTimestamp?: number; senderCaptureTimeOffset?: number }) | undefined;
  if (source?.captureTimestamp === undefined) return undefined;
  // The second term brings the capturer's clock to the sender's, where a server stands between.
  const age = now - (source.captureTimestamp - NTP_EPOCH + (source.senderCaptureTimeOffset ?? 0));
  return Math.abs(age) < BELIEVABLE ? age : undefined;
}

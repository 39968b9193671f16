/** mediasoup's errors in our words. */
import { EddyError, type Code } from 'eddy/plugin';

/** Classes by name: importing mediasoup for `instanceof` alone would load it where it may be absent. */
const CODES: Readonly<Record<string, Code>> = {
  // Parameters that mediasoup or its worker refuses.
  TypeError: 'WEBRTC_PARAMETERS_INVALID',
  UnsupportedError: 'WEBRTC_CODEC_UNFIT',
  NotFoundError: 'WEBRTC_HANDLE_GONE',
  InvalidStateError: 'WEBRTC_TRANSPORT_CLOSED',
  WorkerClosedError: 'WEBRTC_TRANSPORT_CLOSED',
};

/** An error of mediasoup as an EddyError; what we threw ourselves stays as it is. `gone`: what it was about has closed meanwhile. */
export function failure(error: unknown, what: string, gone: boolean): EddyError {
  if (error instanceof EddyError) return error;
  const { name, message } = error as Error;
  // A request to something that has closed fails in many ways.
  const code = gone ? 'WEBRTC_TRANSPORT_CLOSED' : (CODES[name] ?? 'WEBRTC_PARAMETERS_INVALID');
  return new EddyError(code, `${what}: ${message}`, { cause: error });
}

/** Refusals that WHIP and WHEP share, as errors for the HTTP server to answer. */
import { defineCodes, EddyError, type Code } from 'eddy/plugin';
import { SdpError } from '../sdp/offer.ts';

/** Codes that stand in the manifests of both gateways. */
export const gatewayErrors = defineCodes({
  SDP_INVALID: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The body is not an SDP offer that a WebRTC client would make.',
    mend: 'Send what createOffer() gave, as it is, with "Content-Type: application/sdp".',
    example: 'a POST whose SDP has no "a=ice-ufrag"',
  },
  OFFER_UNFIT: {
    severity: 'error',
    kind: 'peer',
    meaning:
      'The offer is well formed, but there is nothing in it that can be used: a wrong direction, or no common codec.',
    mend: 'Publish with "sendonly" and watch with "recvonly" m-lines; H.264, VP8, VP9, AV1 and Opus are taken.',
    example: 'POST /whip/cam1 with an offer that only receives',
  },
  CONTENT_TYPE_WRONG: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The body is of a media type that this address does not take.',
    mend: 'Offers are application/sdp, ICE fragments application/trickle-ice-sdpfrag, everything else application/json.',
    example: 'POST /whip/cam1 with "Content-Type: text/plain"',
  },
  FRAGMENT_INVALID: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The body of a PATCH is not an ICE fragment (RFC 8840).',
    mend: 'Send "a=ice-ufrag", "a=ice-pwd" and the candidates, one a line.',
    example: 'PATCH with the body "hello"',
  },
  ETAG_STALE: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The PATCH belongs to an ICE session that was restarted meanwhile.',
    mend: 'Use the ETag of the last answer, or "If-Match: *" with new credentials to restart ICE.',
    example: 'PATCH with "If-Match" of the answer before an ICE restart',
  },
  SESSION_UNKNOWN: {
    severity: 'error',
    kind: 'peer',
    meaning: 'There is no such session, or it has ended.',
    mend: 'Begin a new one with a POST.',
    example: 'DELETE of a session whose client was away for longer than its ICE consent',
  },
  TOKEN_MISSING: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The session was begun with a bearer token, and this request does not bring the same one.',
    mend: 'Send the same "Authorization: Bearer" header on every request of a session.',
    example: 'DELETE of a session without Authorization',
  },
  TOO_MANY: {
    severity: 'error',
    kind: 'peer',
    meaning:
      'This address has begun more sessions in a short time than one client needs, or there are too many in all.',
    mend: 'Try again after the time that Retry-After tells; raise "posts" or "sessions" where many clients share an address.',
    example: 'thousands of POSTs a second from one address',
  },
});

/** A code that both gateways have. */
export type GatewayCode = keyof typeof gatewayErrors;

const STATUS: Readonly<Record<GatewayCode, number>> = {
  SDP_INVALID: 400,
  OFFER_UNFIT: 422,
  CONTENT_TYPE_WRONG: 415,
  FRAGMENT_INVALID: 400,
  ETAG_STALE: 412,
  SESSION_UNKNOWN: 404,
  TOKEN_MISSING: 401,
  TOO_MANY: 429,
};

/** What the routers refuse, as a client of ours is to understand it. */
const ROUTERS_STATUS: Readonly<Partial<Record<Code, { readonly status: number; readonly retryAfter?: number }>>> = {
  WEBRTC_WORKERS_DOWN: { status: 503, retryAfter: 1 },
  WEBRTC_TRANSPORT_CLOSED: { status: 503, retryAfter: 1 },
  WEBRTC_HANDLE_GONE: { status: 409, retryAfter: 1 },
  WEBRTC_PARAMETERS_INVALID: { status: 422 },
  WEBRTC_CODEC_UNFIT: { status: 422 },
};

/** An error of the routers with the status for HTTP; anything else unchanged. */
export function withStatus(error: unknown): unknown {
  if (!(error instanceof EddyError) || error.details.status !== undefined) return error;
  const details = ROUTERS_STATUS[error.code as Code];
  return details ? new EddyError(error.code, error.message, { cause: error, details }) : error;
}

/** Makes errors of one gateway, by its plugin's name. */
export class Refusals {
  readonly #plugin: string;

  constructor(plugin: string) {
    this.#plugin = plugin;
  }

  /** A refusal that both gateways know. */
  of(code: GatewayCode, message: string, details: Readonly<Record<string, unknown>> = {}): EddyError {
    return this.own(code, STATUS[code], message, details);
  }

  /** A refusal of this gateway alone. */
  own(code: string, status: number, message: string, details: Readonly<Record<string, unknown>> = {}): EddyError {
    return new EddyError(`${this.#plugin}/${code}`, message, {
      kind: 'peer',
      details: { status, ...details },
    });
  }

  /** What was wrong with an SDP, as a refusal; anything else unchanged. */
  ofSdp(error: unknown): unknown {
    if (!(error instanceof SdpError)) return error;
    return this.of(error.reason === 'malformed' ? 'SDP_INVALID' : 'OFFER_UNFIT', error.message);
  }
}

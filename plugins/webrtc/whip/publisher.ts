/** One WHIP session: a publication, the transport that feeds it, and the end of both. */
import { randomBytes } from 'node:crypto';
import {
  asEddyError,
  EddyError,
  type EndCause,
  type HttpRequest,
  type Publication,
  type RtpCaps,
  type RtpHandle,
  type RtpRouters,
  type WebRtcTransport,
} from 'eddy/plugin';
import { IceSession } from '../shared/gateway/ice-session.ts';
import type { Refusals } from '../shared/gateway/refusal.ts';
import { SessionKey } from '../shared/gateway/request.ts';
import { dtlsRoles, writeAnswer } from '../shared/sdp/answer.ts';
import type { TakenMedia } from '../shared/sdp/negotiate.ts';
import type { Offer } from '../shared/sdp/offer.ts';
import type { manifest } from './plugin.ts';

/** Why a session ended: the label of the counter. */
export type PublisherEnd = 'deleted' | 'closed' | 'ice' | 'dtls' | 'worker-died' | 'publication-ended' | 'stopped';

/** What a session is made of. */
export interface PublisherOptions {
  readonly routers: RtpRouters;
  readonly publication: Publication<typeof manifest>;
  readonly offer: Offer;
  readonly media: readonly TakenMedia[];
  readonly request: HttpRequest;
  readonly refusals: Refusals;
  /** Called once. */
  readonly onEnd: (publisher: Publisher, reason: PublisherEnd) => void;
}

/** The publisher has gone by itself, or we have failed it. */
const CAUSES: Readonly<Record<PublisherEnd, EndCause>> = {
  deleted: 'publisher-ended',
  closed: 'publisher-ended',
  ice: 'publisher-ended',
  dtls: 'publisher-ended',
  'worker-died': 'failed',
  'publication-ended': 'publisher-ended',
  stopped: 'stopped',
};

/** See the file's head. */
export class Publisher {
  /** The last part of the session's URL: nobody guesses 144 random bits. */
  readonly id = randomBytes(18).toString('base64url');
  readonly cameraId: string;
  readonly key: SessionKey;
  readonly ice: IceSession;
  readonly answer: string;
  readonly #options: PublisherOptions;
  readonly #transport: WebRtcTransport;
  #end: PublisherEnd | undefined;

  /** Connects and takes the streams in. Rejects as the routers do; then nothing is left open but the publication. */
  static async start(options: PublisherOptions): Promise<Publisher> {
    const { routers, publication, offer, media } = options;
    const transport = await routers.connect(publication.cameraId, { role: 'publisher' });
    try {
      await transport.connect({ role: dtlsRoles(offer).client, fingerprints: [offer.fingerprint] });
      const handles = await Promise.all(media.map(({ kind, rtpParameters }) => transport.produce(kind, rtpParameters)));
      return new Publisher(options, transport, handles);
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  private constructor(options: PublisherOptions, transport: WebRtcTransport, handles: readonly RtpHandle[]) {
    const { publication, offer, media, request, refusals } = options;
    this.#options = options;
    this.#transport = transport;
    this.cameraId = publication.cameraId;
    this.key = new SessionKey(request);
    this.ice = new IceSession(transport, offer, media[0]!, refusals);
    this.answer = writeAnswer(offer, media, transport, { direction: 'recvonly' });
    transport.onState((change) => {
      if (change.state === 'connected') publication.log.info({ peer: request.remoteAddress }, 'publishing by WHIP');
      if (change.state === 'closed') this.end(change.cause);
    });
    publication.signal.addEventListener('abort', this.#aborted, { once: true });
    if (publication.signal.aborted) this.end('publication-ended');
    else this.#announce(handles);
  }

  #announce(handles: readonly RtpHandle[]): void {
    const { publication } = this.#options;
    for (const handle of handles) {
      publication.out.rtp.addTrack(handle.kind, capsOf(handle)).write(handle);
    }
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Why it ended, as an error for a client that still waits for its answer. */
  get reason(): EddyError {
    if (this.#end !== 'publication-ended')
      return new EddyError('WEBRTC_TRANSPORT_CLOSED', 'The connection ended while it was being made.', {
        details: { status: 503, retryAfter: 1 },
      });
    const { code, message } = asEddyError(this.#options.publication.signal.reason);
    return new EddyError(code, message, { details: { status: 409 } });
  }

  /** Ends session and publication. Safe to repeat. */
  end(reason: PublisherEnd): void {
    if (this.ended) return;
    this.#end = reason;
    const { publication, onEnd } = this.#options;
    publication.signal.removeEventListener('abort', this.#aborted);
    // The publication first: its readers are told that the publisher left, not that streams vanished.
    publication.end(CAUSES[reason]);
    this.#transport.close();
    const why = reason === 'publication-ended' ? asEddyError(publication.signal.reason).code : undefined;
    publication.log.info({ reason, code: why }, 'WHIP publisher left');
    onEnd(this, reason);
  }

  readonly #aborted = (): void => this.end('publication-ended');
}

function capsOf({ kind, rtpParameters }: RtpHandle): RtpCaps {
  const codec = rtpParameters.codecs[0]!;
  return {
    kind,
    codec: codec.mimeType.slice(codec.mimeType.indexOf('/') + 1).toLowerCase() as RtpCaps['codec'],
    clockRate: codec.clockRate,
    layers: Math.max(1, rtpParameters.encodings?.length ?? 1),
  };
}

/**
 * The ICE side of a session: PATCH with a fragment is a trickle, or a restart where it brings other credentials
 * (RFC 9725 4.3).
 */
import { randomBytes } from 'node:crypto';
import type { HttpRequest, HttpResponse, WebRtcTransport } from 'eddy/plugin';
import { writeFragment } from '../sdp/answer.ts';
import { parseFragment, type IceFragment } from '../sdp/fragment.ts';
import { SdpError, type Offer } from '../sdp/offer.ts';
import type { TakenMedia } from '../sdp/negotiate.ts';
import type { Refusals } from './refusal.ts';
import { readFragment } from './request.ts';

/** See the file's head. */
export class IceSession {
  readonly #transport: WebRtcTransport;
  readonly #tagged: TakenMedia;
  readonly #refusals: Refusals;
  #remote: string;
  #etag = newTag();
  /** Restarts one after the other: the last answer holds the credentials that count. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(transport: WebRtcTransport, offer: Offer, tagged: TakenMedia, refusals: Refusals) {
    this.#transport = transport;
    this.#tagged = tagged;
    this.#remote = offer.ice.usernameFragment;
    this.#refusals = refusals;
  }

  /** Names the ICE session; a restart changes it. */
  get etag(): string {
    return this.#etag;
  }

  /** Answers a PATCH. Rejects with CONTENT_TYPE_WRONG, FRAGMENT_INVALID or ETAG_STALE. */
  async patch(request: HttpRequest): Promise<HttpResponse> {
    const fragment = this.#parse(await readFragment(request, this.#refusals));
    const answered = this.#turn.then(() => this.#answer(request.headers['if-match'], fragment));
    this.#turn = answered.catch(() => undefined);
    return answered;
  }

  async #answer(condition: string | undefined, fragment: IceFragment): Promise<HttpResponse> {
    const restarts = fragment.usernameFragment !== undefined && fragment.usernameFragment !== this.#remote;
    // Without If-Match RFC 9725 would have us answer 428; clients that are about leave it out, so it counts as a match.
    if (condition !== undefined && condition.trim() !== '*' && !this.#matches(condition)) {
      throw this.#refusals.of('ETAG_STALE', 'The ICE session that this fragment belongs to was restarted.');
    }
    // Candidates are checked and then not needed: an ICE-lite server answers wherever the client comes from.
    if (!restarts) return { status: 204 };
    if (fragment.password === undefined)
      throw this.#refusals.of('FRAGMENT_INVALID', 'An ICE restart needs "a=ice-pwd" beside its "a=ice-ufrag".');
    const iceParameters = await this.#transport.restartIce();
    this.#remote = fragment.usernameFragment!;
    this.#etag = newTag();
    const { iceCandidates, dtlsFingerprints } = this.#transport;
    const { mid } = this.#tagged.offered;
    return {
      status: 200,
      headers: { 'content-type': 'application/trickle-ice-sdpfrag', etag: this.#etag, 'cache-control': 'no-store' },
      body: writeFragment(mid, this.#tagged.kind, { iceParameters, iceCandidates, dtlsFingerprints }),
    };
  }

  /** Strong comparison (RFC 9110 13.1.1). */
  #matches(condition: string): boolean {
    return condition.split(',').some((tag) => tag.trim() === this.#etag);
  }

  #parse(text: string): IceFragment {
    try {
      return parseFragment(text);
    } catch (error) {
      throw error instanceof SdpError ? this.#refusals.of('FRAGMENT_INVALID', error.message) : error;
    }
  }
}

const newTag = (): string => `"${randomBytes(9).toString('base64url')}"`;

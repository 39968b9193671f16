/** `webrtc.whip` at work: the routes of RFC 9725 and the sessions behind them. */
import {
  credentialsOf,
  PeerRate,
  peerOf,
  type Context,
  type HttpRequest,
  type HttpResponse,
  type Running,
} from 'eddy/plugin';
import { iceServerLinks, writeLinks } from '../shared/gateway/links.ts';
import { Refusals, withStatus } from '../shared/gateway/refusal.ts';
import { readSdp } from '../shared/gateway/request.ts';
import { takeForPublishing } from '../shared/sdp/negotiate.ts';
import { parseOffer } from '../shared/sdp/offer.ts';
import { manifest } from './plugin.ts';
import { Publisher, type PublisherEnd } from './publisher.ts';

type Manifest = typeof manifest;

/** W3C WebRTC-SVC: `L3T3_KEY`, `S2T1`. */
const SCALABILITY = /^[LS][1-3]T[1-3](?:h|_KEY|_KEY_SHIFT)?$/;

/** Starts the gateway. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const { http, routers } = ctx.services;
  const { prefix } = ctx.config;
  const refusals = new Refusals(manifest.name);
  const rate = new PeerRate(ctx.clock, ctx.config.posts);
  const sessions = new Map<string, Publisher>();
  let opening = 0;
  const open = ctx.metrics.gauge('whip_sessions', 'WHIP publishers that are connected or about to be.');
  const ended = ctx.metrics.counter('whip_sessions_ended_total', 'WHIP sessions that ended, by reason.');

  const onEnd = (publisher: Publisher, reason: PublisherEnd): void => {
    if (sessions.delete(publisher.id)) open.set(sessions.size);
    ended.add(1, { reason });
  };

  /** A session of this camera whose client proves that it is the same. */
  const find = (request: HttpRequest): Publisher => {
    const publisher = sessions.get(request.params.session ?? '');
    if (!publisher || publisher.cameraId !== request.params.camera)
      throw refusals.of('SESSION_UNKNOWN', 'There is no such session, or it has ended.');
    publisher.key.check(request, refusals);
    return publisher;
  };

  async function start(request: HttpRequest): Promise<Publisher> {
    const text = await readSdp(request, refusals);
    const known = await routers.capabilities();
    const scalability = request.query.get('scalability') ?? '';
    const options = {
      video: ctx.config.codecs,
      scalabilityMode: SCALABILITY.test(scalability) ? scalability : undefined,
      // OBS numbers its layers from the whole picture down.
      highestLayerFirst: /\bobs\b/i.test(request.headers['user-agent'] ?? ''),
    };
    // Looked at before the engine is asked: a broken offer must not take a camera over from one that works.
    let offer, media;
    try {
      offer = parseOffer(text);
      media = takeForPublishing(offer, known, options);
    } catch (error) {
      throw refusals.ofSdp(error);
    }
    const publication = await ctx.cameras.publish({
      cameraId: request.params.camera,
      credentials: credentialsOf(request),
      peer: peerOf(request, 'whip'),
    });
    try {
      return await Publisher.start({ routers, publication, offer, media, request, refusals, onEnd });
    } catch (error) {
      publication.end('failed');
      throw withStatus(error);
    }
  }

  async function post(request: HttpRequest): Promise<HttpResponse> {
    const wait = rate.take(request.remoteAddress);
    if (wait > 0)
      throw refusals.of('TOO_MANY', 'Too many sessions were begun from this address.', { retryAfter: wait });
    if (sessions.size + opening >= ctx.config.sessions)
      throw refusals.of('TOO_MANY', 'There are as many publishers as this server takes.', {
        retryAfter: 30,
        status: 503,
      });
    opening += 1;
    try {
      const link = writeLinks(iceServerLinks(await routers.iceServers()));
      const publisher = await start(request);
      // Replaced, or its worker died, while the routers took it in.
      if (publisher.ended) throw publisher.reason;
      sessions.set(publisher.id, publisher);
      open.set(sessions.size);
      // Whoever hung up does not know its session's address, and could never end it.
      if (request.signal.aborted) publisher.end('closed');
      return {
        status: 201,
        headers: {
          'content-type': 'application/sdp',
          location: `${prefix}/${publisher.cameraId}/${publisher.id}`,
          etag: publisher.ice.etag,
          'accept-patch': 'application/trickle-ice-sdpfrag',
          'cache-control': 'no-store',
          ...(link === undefined ? {} : { link }),
        },
        body: publisher.answer,
      };
    } finally {
      opening -= 1;
    }
  }

  const options = (accept: Readonly<Record<string, string>>) => (): HttpResponse => ({ status: 200, headers: accept });

  return {
    start() {
      const endpoint = `${prefix}/:camera`;
      const session = `${prefix}/:camera/:session`;
      const cors = { cors: true, compress: false } as const;
      for (const unmount of [
        http.route({ ...cors, method: 'POST', path: endpoint, handler: post }),
        http.route({
          ...cors,
          method: 'OPTIONS',
          path: endpoint,
          // Its sessions' methods too: clients look here for PATCH to learn whether they may trickle.
          handler: options({
            'accept-post': 'application/sdp',
            'access-control-allow-methods': 'POST, PATCH, DELETE, OPTIONS',
          }),
        }),
        http.route({
          ...cors,
          method: 'PATCH',
          path: session,
          handler: async (request) => find(request).ice.patch(request),
        }),
        http.route({
          ...cors,
          method: 'DELETE',
          path: session,
          handler: (request) => {
            find(request).end('deleted');
            return { status: 200 };
          },
        }),
        http.route({
          ...cors,
          method: 'OPTIONS',
          path: session,
          handler: options({ 'accept-patch': 'application/trickle-ice-sdpfrag' }),
        }),
      ]) {
        ctx.scope.add(unmount);
      }
    },
    stop() {
      for (const publisher of [...sessions.values()]) publisher.end('stopped');
    },
  };
}

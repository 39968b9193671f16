/** One WHEP session: a transport, its slots, the camera that they show, and the engine's session that allows it. */
import { randomBytes } from 'node:crypto';
import { asEddyError, EddyError, type LatencyFrom, type Session, type WebRtcTransport } from 'eddy/plugin';
import { IceSession } from '../shared/gateway/ice-session.ts';
import { SessionKey } from '../shared/gateway/request.ts';
import { dtlsRoles, writeAnswer } from '../shared/sdp/answer.ts';
import { preferring, type TakenMedia } from '../shared/sdp/negotiate.ts';
import { EventStreams } from './event-streams.ts';
import { describeLayers } from './layers.ts';
import type { LiveCamera } from './live-camera.ts';
import { prepareSlots, type PreparedSlots } from './prepare.ts';
import type { Limits } from './quality.ts';
import { Slot, type LayerCap, type SlotEvent } from './slot.ts';
import { ASKS_AGAIN, type ViewerEnd, type ViewerOptions } from './viewer-options.ts';

/** See the file's head. */
export class Viewer {
  /** The last part of the session's URL: nobody guesses 144 random bits. */
  readonly id = randomBytes(18).toString('base64url');
  /** The camera whose URL the session has; it may show another one by now. */
  readonly home: string;
  readonly key: SessionKey;
  readonly ice: IceSession;
  readonly events: EventStreams;
  readonly transport: WebRtcTransport;
  readonly slots: readonly Slot[];
  #answer = '';
  readonly #options: ViewerOptions;
  readonly #end = new AbortController();
  #session: Session;
  /** What of it is held to now, and the bits a second that follow from it. */
  #held: Limits = {};
  #outgoing = Infinity;
  #camera: LiveCamera;
  #release: () => void;
  #forget: () => void = () => undefined;
  #wasLive = false;
  #state = 'new';
  /** Changes of what is shown, one after the other. */
  #turn: Promise<void> = Promise.resolve();

  /** Connects and begins to send. Rejects as the routers do, or with CODEC_UNFIT; then nothing is left open. */
  static async start(options: ViewerOptions): Promise<Viewer> {
    const { routers, camera, offer, session } = options;
    const transport = await routers.connect(camera.cameraId);
    try {
      await transport.connect({ role: dtlsRoles(offer).client, fingerprints: [offer.fingerprint] });
      const viewer = new Viewer(options, transport);
      await viewer.#limit(session);
      await viewer.#begin();
      return viewer;
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  private constructor(options: ViewerOptions, transport: WebRtcTransport) {
    const { camera, session, offer, media, request, refusals, clock, qualities } = options;
    this.#options = options;
    this.transport = transport;
    this.#camera = camera;
    this.#session = session;
    this.home = camera.cameraId;
    this.key = new SessionKey(request);
    this.ice = new IceSession(transport, offer, media[0]!, refusals);
    this.slots = media.map((each) => new Slot(each, transport, clock, qualities, this.#onSlot));
    this.events = new EventStreams(clock, () => [
      ...(this.#camera.live ? [['active', {}] as const] : []),
      ['viewercount', { viewercount: this.#camera.viewers }] as const,
    ]);
    this.#release = camera.hold();
  }

  /** The SDP answer. */
  get answer(): string {
    return this.#answer;
  }

  get camera(): LiveCamera {
    return this.#camera;
  }

  get session(): Session {
    return this.#session;
  }

  get ended(): boolean {
    return this.#end.signal.aborted;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Why the engine ended it, as an error for a client that still waits for its answer. */
  get reason(): Error {
    const reason: unknown = this.#session.signal.reason;
    return reason instanceof EddyError ? reason : new EddyError('WEBRTC_TRANSPORT_CLOSED', 'the connection has ended');
  }

  get video(): Slot | undefined {
    return this.slots.find(({ kind }) => kind === 'video');
  }

  async #begin(): Promise<void> {
    const { offer, media, session, refusals } = this.#options;
    try {
      await this.#show(await prepareSlots(this.#camera, this.slots, session, refusals));
    } catch (error) {
      this.#release();
      throw error;
    }
    const slotOf = ({ offered }: TakenMedia) => this.slots.find((slot) => slot.media.offered === offered);
    const ordered = media.map((each) => preferring(each, slotOf(each)?.handle?.rtpParameters.codecs[0]));
    this.#answer = writeAnswer(offer, ordered, this.transport, {
      direction: 'sendonly',
      stream: 'eddy',
      encodings: (each) => slotOf(each)?.consumer?.rtpParameters.encodings ?? [],
    });
    this.#watch(session);
    this.#wasLive = this.#camera.live;
    this.#forget = this.#camera.onChange(this.#onCamera);
    this.transport.onState((change) => {
      this.#state = change.state;
      this.#session.update({ state: change.state });
      if (change.state === 'closed') this.end(change.cause);
    });
    // What has changed while the first streams were made.
    this.#onCamera();
  }

  /**
   * Shows another camera in the same session. Its engine session must be open already; it ends the one before. Rejects
   * with CODEC_UNFIT, and then nothing has changed and the caller ends what it opened.
   */
  switchTo(camera: LiveCamera, session: Session): Promise<void> {
    return this.#inTurn(async () => {
      if (this.ended) throw this.reason;
      const prepared = await prepareSlots(camera, this.slots, session, this.#options.refusals);
      const before = { session: this.#session, release: this.#release };
      this.#release = camera.hold();
      this.#forget();
      this.#camera = camera;
      this.#forget = camera.onChange(this.#onCamera);
      before.session.signal.removeEventListener('abort', this.#revoked);
      this.#session = session;
      this.#watch(session);
      before.session.end();
      before.release();
      this.#wasLive = camera.live;
      try {
        await this.#limit(session);
        await this.#show(prepared, true);
      } catch (error) {
        // The camera before is on screen still, whose session has ended.
        this.#cannotGoOn(error);
        throw error;
      }
      this.#onCamera();
    });
  }

  /** A grant may have changed when the authorizer was asked again: what is shown follows. */
  keepToGrant(): void {
    const isHeld = (): boolean =>
      this.#session.maxLines === this.#held.maxLines && this.#session.maxBitrate === this.#held.maxBitrate;
    if (isHeld()) return;
    this.#inTurn(async () => {
      if (this.ended || isHeld()) return;
      const prepared = await prepareSlots(this.#camera, this.slots, this.#session, this.#options.refusals);
      await this.#limit(this.#session);
      await this.#show(prepared);
    }).catch((error: unknown) => this.#cannotGoOn(error));
  }

  /** Sends no more than a session allows. */
  async #limit({ maxLines, maxBitrate }: Session): Promise<void> {
    this.#held = { maxLines, maxBitrate };
    const outgoing = Math.min(this.#options.maxBitrate ?? Infinity, maxBitrate ?? Infinity);
    if (outgoing === this.#outgoing) return;
    this.#outgoing = outgoing;
    await this.transport.limit({ outgoing });
  }

  /** Chooses the highest layer; undefined: automatic. */
  async prefer(cap: LayerCap): Promise<void> {
    await this.video?.prefer(cap);
    this.#session.update({ cap });
  }

  /** Pauses or resumes one kind, or all. */
  async pause(paused: boolean, kind: 'audio' | 'video' | undefined): Promise<void> {
    const slots = this.slots.filter((slot) => kind === undefined || slot.kind === kind);
    await Promise.all(slots.map((slot) => slot.pause(paused)));
    this.#session.update({ paused: this.slots.filter((slot) => slot.paused).map((slot) => slot.kind) });
  }

  /**
   * What its player has measured, ms. Returns from where that counts: a player cannot know whether capture times in the
   * stream are those of the camera, or of its arrival here.
   */
  reportLatency(ms: number, claimed: LatencyFrom): LatencyFrom {
    const from = this.video?.handle?.timedFrom === 'ingest' ? 'ingest' : claimed;
    this.#session.update({ latency: Math.round(ms), latencyFrom: from });
    this.#options.latency.observe(ms / 1000, { camera: this.#camera.cameraId, path: 'webrtc', from });
    return from;
  }

  /** Tells what layers there are, where somebody listens. */
  async tellLayers(): Promise<void> {
    const { video } = this;
    const handle = video?.handle;
    if (!video || !handle || !this.events.wants('layers')) return;
    const figures = await this.#options.routers.stats(handle).catch(() => []);
    const index = this.#options.offer.media.indexOf(video.media.offered);
    this.events.tell('layers', { [index]: describeLayers(handle, figures) });
  }

  /** Ends everything. Safe to repeat. */
  end(reason: ViewerEnd): void {
    if (this.ended) return;
    this.#end.abort();
    if (ASKS_AGAIN.has(reason)) this.events.tell('reconnect', {});
    if (reason === 'camera-away') this.events.tell('inactive', {});
    this.events.end();
    this.#forget();
    this.#session.signal.removeEventListener('abort', this.#revoked);
    this.transport.close();
    this.#release();
    this.#session.end();
    this.#options.onEnd(this, reason);
  }

  #watch(session: Session): void {
    session.signal.addEventListener('abort', this.#revoked, { once: true });
    session.update({ role: 'viewer', state: this.#state });
    if (session.signal.aborted) this.#revoked();
  }

  readonly #revoked = (): void => this.end('session-ended');

  /** The publisher came back, a track was replaced, or one was added: the same session goes on with the new streams. */
  readonly #onCamera = (): void => {
    const { live } = this.#camera;
    if (live !== this.#wasLive) this.events.tell(live ? 'active' : 'inactive', {});
    this.#wasLive = live;
    if (!this.slots.some((slot) => this.#isStale(slot))) return;
    this.#inTurn(async () => {
      if (this.ended) return;
      const stale = this.slots.filter((slot) => this.#isStale(slot));
      if (stale.length > 0) {
        const { refusals } = this.#options;
        await this.#show(await prepareSlots(this.#camera, stale, this.#session, refusals));
      }
    }).catch((error: unknown) => this.#cannotGoOn(error));
  };

  /** Ended, so that whoever comes anew is told why. */
  #cannotGoOn(error: unknown): void {
    const { code, message } = asEddyError(error);
    // The stream has gone meanwhile: the next one, or the end of the transport, is told by itself.
    if (this.ended || code === 'WEBRTC_HANDLE_GONE' || code === 'WEBRTC_TRANSPORT_CLOSED') return;
    this.#options.log.warn({ err: error, session: this.#session.id }, `a viewer cannot go on: ${message}`);
    this.end(code === 'WATCH_REFUSED' ? 'refused' : 'codec-unfit');
  }

  /** True where the camera has another stream for the slot than the one that it shows. */
  #isStale(slot: Slot): boolean {
    const handle = this.#camera.handle(slot.kind);
    return handle !== undefined && handle.producerId !== slot.handle?.producerId;
  }

  /** Video first: sound changes with the picture. Where the camera stays, a stream that it lacks just now stays too. */
  async #show(prepared: PreparedSlots, otherCamera = false): Promise<void> {
    const order = [...prepared].sort(([a], [b]) => Number(b.kind === 'video') - Number(a.kind === 'video'));
    for (const [slot, next] of order) {
      if (next || otherCamera) await slot.show(next, this.#end.signal);
    }
    const video = this.video?.handle?.rtpParameters.codecs[0]?.mimeType;
    this.#session.update({ video: video?.replace('video/', ''), layer: undefined });
    void this.tellLayers();
  }

  readonly #onSlot = (slot: Slot, event: SlotEvent): void => {
    if (event.type === 'refused') return this.#cannotGoOn(event.error);
    if (event.type !== 'layers' || slot.kind !== 'video') return;
    const { spatial, temporal } = event;
    const rid = spatial === undefined ? undefined : slot.handle?.rtpParameters.encodings?.[spatial]?.rid;
    this.#session.update({ layer: { spatial, temporal, ...(rid === undefined ? {} : { rid }) } });
    void this.tellLayers();
  };

  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(change);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

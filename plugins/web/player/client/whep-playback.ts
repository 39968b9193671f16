/**
 * Plays by WebRTC (WHEP). It watches itself: no media for a second is a question to the server, and a session that is gone
 * there, or a connection that failed, ends it. It changes camera without a new connection.
 */
import { readEvents } from '../../shared/client/event-source.ts';
import { SdpSession, SessionRefused } from '../../shared/client/sdp-session.ts';
import { readLayers, type LayerInfo } from './layers.ts';
import type { Failure, Playback } from './playback.ts';
import { preferCaptureTime } from '../../shared/client/capture-time.ts';
import { WhepFigures } from './whep-figures.ts';

/** Options of {@link WhepPlayback}. */
export interface WhepOptions {
  readonly video: HTMLVideoElement;
  /** Of the camera: `/whep/cam1`. */
  readonly endpoint: string;
  /** Known from an earlier answer. */
  readonly iceServers: readonly RTCIceServer[];
  /** How far the server's clock is ahead, ms. */
  readonly clockOffset: () => number;
  /** The highest layer that is wanted, from 0; undefined: automatic. Asked whenever it may have to be told. */
  readonly highestLayer: () => number | undefined;
  /** It cannot go on; the playback has closed itself. */
  readonly onFailure: (failure: Failure) => void;
  /** The element is about to be freed; its picture is still there. */
  readonly onLeave: () => void;
  /** The camera has gone (false) or is there again. */
  readonly onActive: (active: boolean) => void;
  /** True where the element shows something else until {@link WhepPlayback.resume}. */
  readonly suspended?: boolean;
}

/** A connection that takes longer, counted from the server's answer, is blocked somewhere, ms. */
const CONNECT_WITHIN = 5000;
/** The first picture may need a whole GOP of an RTMP camera; then it is told that nothing comes. Ms. */
const MEDIA_WITHIN = 8000;
/** Without media for this long, the server is asked whether the session lives, ms. */
const SILENCE = 1000;
const TICK = 250;
/** How often the server is told what latency its viewer sees, ms. */
const REPORT_EVERY = 5000;

/** See the file's head. */
export class WhepPlayback implements Playback {
  readonly transport = 'webrtc';
  readonly connection: RTCPeerConnection;
  readonly #options: WhepOptions;
  readonly #end = new AbortController();
  readonly #stream = new MediaStream();
  readonly #figures: WhepFigures;
  #session: SdpSession | undefined;
  #answeredAt = 0;
  #connectedAt: number | undefined;
  #active = true;
  #asking = false;
  #suspended: boolean;
  /** The moment of the picture that stands still. */
  #pausedAt: number | undefined;
  #layers: readonly LayerInfo[] = [];
  /** What the server was told last. */
  #toldLayer: number | undefined;
  #reportedAt = performance.now();

  constructor(options: WhepOptions) {
    this.#options = options;
    this.#suspended = options.suspended ?? false;
    this.connection = new RTCPeerConnection({ iceServers: [...options.iceServers], bundlePolicy: 'max-bundle' });
    this.#figures = new WhepFigures(this.connection, options.video, options.clockOffset, this.#end.signal);
    const timer = setInterval(() => void this.#tick(), TICK);
    this.#end.signal.addEventListener('abort', () => clearInterval(timer));
    const { signal } = this.#end;
    const { video } = options;
    video.addEventListener('pause', () => (this.#pausedAt = this.#suspended ? undefined : this.wallClock), { signal });
    video.addEventListener('play', () => (this.#pausedAt = undefined), { signal });
    addEventListener('pagehide', () => this.#session?.end(), { signal: this.#end.signal });
    void this.#begin();
  }

  get codecs(): readonly string[] {
    return this.#figures.codecs;
  }

  get wallClock(): number | undefined {
    const { latency } = this.#figures.link;
    if (this.#pausedAt !== undefined) return this.#pausedAt;
    return latency === undefined ? undefined : Date.now() + this.#options.clockOffset() - latency * 1000;
  }

  readonly livePosition = undefined;

  get link() {
    return this.#figures.link;
  }

  /** When media last came, on the clock of `performance.now()`. */
  get mediaAt(): number {
    return this.#figures.mediaAt;
  }

  /** False while the server says that the camera sends nothing. */
  get active(): boolean {
    return this.#active;
  }

  /** The camera's layers, the lowest first; empty until they are told. */
  get layers(): readonly LayerInfo[] {
    return this.#layers;
  }

  /** Tells the server the highest layer that is wanted, where that has changed. */
  tellHighestLayer(): void {
    const wanted = this.#options.highestLayer();
    const session = this.#session;
    if (!session || wanted === this.#toldLayer) return;
    const before = this.#toldLayer;
    this.#toldLayer = wanted;
    // "At most" and not "this one": a camera with fewer layers is no reason for a refusal.
    const choice = wanted === undefined ? {} : { maxSpatialLayerId: wanted };
    session.post(session.extension('layer')?.target ?? `${session.url}/layer`, choice).catch(() => {
      // Told again with the next word of the camera's layers.
      if (this.#toldLayer === wanted) this.#toldLayer = before;
    });
  }

  /** What the server offers as a detour; for the next attempt. */
  get iceServers(): readonly RTCIceServer[] {
    return this.#session?.iceServers ?? [];
  }

  /** Shows another camera in the same session. Rejects with SessionRefused; then the picture stays as it is. */
  async switchTo(cameraId: string): Promise<void> {
    const session = this.#session;
    const link = session?.links.find(({ parameters }) => parameters.rel === 'urn:eddy:whep:camera');
    if (!session) throw new SessionRefused({ status: 0, message: 'not connected yet' });
    await session.post(link?.target ?? `${session.url}/camera`, { cameraId });
    this.#active = true;
    this.#layers = [];
    this.#figures.restart();
  }

  /** Leaves the element to others. The session goes on, so that live is back with the next picture. */
  suspend(): void {
    if (this.#suspended) return;
    this.#suspended = true;
    this.#options.onLeave();
    this.#options.video.srcObject = null;
  }

  /** Takes the element, which must be free. */
  resume(): void {
    this.#suspended = false;
    this.#pausedAt = undefined;
    this.#figures.mediaAt = performance.now();
    this.#show();
  }

  close(): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.#session?.end();
    if (!this.#suspended) this.#options.onLeave();
    this.connection.close();
    if (!this.#suspended) this.#options.video.srcObject = null;
  }

  #show(): void {
    const { video } = this.#options;
    // Anew, since browsers look at the tracks only then.
    video.srcObject = this.#stream;
    void video.play().catch(() => {});
  }

  async #begin(): Promise<void> {
    const { connection } = this;
    const { endpoint } = this.#options;
    connection.addEventListener('track', ({ track, receiver }) => {
      // Sound and picture leave the buffer as soon as they can: the least delay that plays.
      if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
      this.#stream.addTrack(track);
      if (!this.#suspended) this.#show();
    });
    connection.addEventListener('connectionstatechange', () => this.#onState());
    for (const kind of ['video', 'audio']) {
      preferCaptureTime(connection.addTransceiver(kind, { direction: 'recvonly' }));
    }
    try {
      this.#session = await SdpSession.open(endpoint, connection, this.#end.signal);
    } catch (error) {
      if (!(error instanceof SessionRefused)) this.#fail({ text: String(error), isLost: true });
      else {
        const { message, refusal, retryAfter } = error;
        this.#fail({ text: message, refusal, ...(retryAfter === undefined ? {} : { retryAfter }) });
      }
      return;
    }
    this.#answeredAt = performance.now();
    // Closed while the server answered.
    if (this.#end.signal.aborted) return this.#session.end();
    void this.#follow(this.#session);
  }

  async #follow(session: SdpSession): Promise<void> {
    const events = session.extension('server-sent-events');
    if (!events) return;
    try {
      const created = await session.post(events.target, ['active', 'inactive', 'layers', 'reconnect']);
      const url = new URL(created.headers.get('location') ?? '', events.target).href;
      await readEvents(url, (name, data) => this.#onEvent(name, data), this.#end.signal);
    } catch {
      // Without events the watchdog finds out.
    }
  }

  #onEvent(name: string, data: unknown): void {
    if (this.#end.signal.aborted) return;
    if (name === 'reconnect') this.#fail({ text: 'the server asks to connect anew', isLost: true });
    if (name === 'layers') {
      this.#layers = readLayers(Object.values((data ?? {}) as Record<string, unknown>)[0]);
      this.#figures.setLayers(this.#layers.length);
      this.tellHighestLayer();
    }
    if (name === 'active' || name === 'inactive') {
      this.#active = name === 'active';
      this.#options.onActive(this.#active);
    }
  }

  #onState(): void {
    const { connectionState } = this.connection;
    if (connectionState === 'connected') this.#connectedAt ??= performance.now();
    if (connectionState === 'failed')
      this.#fail({
        text: 'the connection failed',
        isLost: this.#connectedAt !== undefined,
        blocked: this.#connectedAt === undefined,
      });
  }

  async #tick(): Promise<void> {
    await this.#figures.read();
    if (this.#end.signal.aborted || !this.#session) return;
    const now = performance.now();
    if (this.#connectedAt === undefined) {
      if (now - this.#answeredAt > CONNECT_WITHIN) this.#fail({ text: 'no path by UDP or TCP', blocked: true });
      return;
    }
    const silentFor = now - Math.max(this.#figures.mediaAt, this.#connectedAt);
    if (silentFor > SILENCE) await this.#askWhetherAlive(silentFor);
    else if (!this.#suspended && now - this.#reportedAt > REPORT_EVERY) this.#report(this.#session, now);
  }

  async #askWhetherAlive(silentFor: number): Promise<void> {
    if (this.#asking || !this.#session) return;
    this.#asking = true;
    const alive = await this.#session.isAlive();
    if (alive === false) this.#fail({ text: 'the server has ended this session', isLost: true });
    else if (this.#active && silentFor > MEDIA_WITHIN) this.#fail({ text: 'no media comes', isLost: true });
    // Not at every tick: it is one request a second while nothing comes.
    await new Promise((resolve) => setTimeout(resolve, SILENCE));
    this.#asking = false;
  }

  #report(session: SdpSession, now: number): void {
    const { latency, latencyFrom } = this.#figures.link;
    if (latency === undefined || latencyFrom === undefined || latencyFrom === 'network') return;
    this.#reportedAt = now;
    void session
      .post(`${session.url}/report`, { latency: Math.max(0, latency * 1000), from: latencyFrom })
      .then(async (answer) => this.#figures.setOrigin(((await answer.json()) as { from?: unknown }).from))
      .catch(() => {});
  }

  #fail(failure: Failure): void {
    if (this.#end.signal.aborted) return;
    this.close();
    this.#options.onFailure(failure);
  }
}

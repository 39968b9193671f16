/**
 * Which way a camera plays: WebRTC first where the pipeline has it, else LL-HLS; the past by HLS. What speaks against
 * WebRTC is kept as a notice; a session that is lost is made anew.
 */
import { isRefusal, type Refusal } from '../../shared/client/refusal.ts';
import { withToken } from '../../shared/client/server.ts';
import { SessionRefused } from '../../shared/client/sdp-session.ts';
import { getCamera, playlistRefusal } from './api.ts';
import { HlsPlayback, playsNatively } from './hls-playback.ts';
import type { LayerInfo } from './layers.ts';
import type { Meter } from './meter.ts';
import { isNoEndpoint, noticeOf, type Notice } from './notice.ts';
import type { Failure, Playback } from './playback.ts';
import { Standby } from './standby.ts';
import { WhepPlayback } from './whep-playback.ts';

/** Options of {@link Player}. */
export interface PlayerOptions {
  readonly camera: string;
  readonly hls: string;
  readonly whep: string;
  readonly version: string;
  readonly video: HTMLVideoElement;
  readonly meter: Meter;
  readonly clockOffset: () => number;
  /** The server's time, epoch ms. */
  readonly now: () => number;
  /** What plays is about to free the element; its picture is still there. */
  readonly onLeave: () => void;
  /** An attempt begins. */
  readonly onBegin: () => void;
  /** No way is left to try by itself. */
  readonly onFailure: (failure: Failure) => void;
  /** The session lives, but its camera has stopped sending. */
  readonly onInactive: () => void;
}

/** `auto`: WebRTC, else LL-HLS. The page's `?via=` may insist on one. */
type Via = 'auto' | 'webrtc' | 'hls';

/** A camera that the API calls live but WHEP does not have just now is asked for so often before LL-HLS is taken. */
const MAX_TRIES = 4;
/** Refusals of such a moment: its streams are being made, or an SFU worker is being replaced. */
const PASSING: ReadonlySet<string | undefined> = new Set([
  'CAMERA_AWAY',
  'WEBRTC_HANDLE_GONE',
  'WEBRTC_TRANSPORT_CLOSED',
  'WEBRTC_WORKERS_DOWN',
]);
const TRY_AGAIN = 700;
/** How long the server may wait for a camera whose publisher was lost in the same moment, seconds. */
const STAY_ON_THE_LINE = 5;
/** Sessions lost in this time, ms, and how many of them are too many. */
const LOSS_WINDOW = 15_000;
const MAX_LOSSES = 3;
/** A server that refuses to make live ready is not asked at every movement of the pointer, ms. */
const PREPARE_EVERY = 5000;

/** See the file's head. */
export class Player {
  camera: string;
  playback: Playback | undefined;
  notice: Notice | undefined;
  #highestLayer: number | undefined;
  readonly #options: PlayerOptions;
  readonly #catchUp: boolean;
  #via: Via;
  /** There is no WHEP endpoint in this pipeline. */
  #withoutWhep = false;
  #iceServers: readonly RTCIceServer[] = [];
  #tries = 0;
  /** The session before was lost: its camera may be back in a moment. */
  #wasLost = false;
  #losses: number[] = [];
  /** The moment of the past that was asked for, epoch ms; undefined: live. */
  #moment: number | undefined;
  readonly #standby = new Standby();
  /** When live was last made ready. */
  #preparedAt = -Infinity;

  constructor(options: PlayerOptions) {
    this.#options = options;
    this.camera = options.camera;
    const asked = new URLSearchParams(location.search);
    const via = asked.get('via');
    this.#via = via === 'hls' || via === 'webrtc' ? via : 'auto';
    this.#catchUp = asked.has('catchup');
  }

  /** The playlist of what is wanted: live, or the stretch around the moment. */
  get playlist(): string {
    const address = `${this.#options.hls}/${encodeURIComponent(this.camera)}/index.m3u8`;
    if (this.#moment === undefined) return address;
    return `${address}?${stretchAround(this.#moment, this.#options.now(), playsNatively(this.#options.video))}`;
  }

  /** The moment of the past that is wanted, epoch ms; undefined: live. */
  get moment(): number | undefined {
    return this.#moment;
  }

  /** True where the past is wanted. */
  get isPast(): boolean {
    return this.#moment !== undefined;
  }

  /** When media last came by WebRTC; undefined on other ways, where the element itself tells. */
  get mediaAt(): number | undefined {
    return this.playback instanceof WhepPlayback ? this.playback.mediaAt : undefined;
  }

  /** False while a session's camera sends nothing. */
  get active(): boolean {
    return !(this.playback instanceof WhepPlayback) || this.playback.active;
  }

  /** The layers of what plays, the lowest first; none but by WebRTC. */
  get layers(): readonly LayerInfo[] {
    return this.playback instanceof WhepPlayback ? this.playback.layers : [];
  }

  /** Index of the highest layer that is wanted; undefined: automatic. It holds for other cameras and new sessions too. */
  get highestLayer(): number | undefined {
    return this.#highestLayer;
  }

  set highestLayer(wanted: number | undefined) {
    this.#highestLayer = wanted;
    if (this.playback instanceof WhepPlayback) this.playback.tellHighestLayer();
  }

  /** Begins, or begins anew. */
  begin(): void {
    const { video, meter, onBegin } = this.#options;
    this.playback?.close();
    meter.forgive();
    onBegin();
    this.playback = this.#prefersWebRtc && !this.isPast ? this.#playByWebRtc() : this.#playByHls();
    void video.play().catch(() => {});
  }

  get #prefersWebRtc(): boolean {
    return this.#via === 'webrtc' || (this.#via === 'auto' && !this.#withoutWhep && !this.notice);
  }

  /** Shows a moment of the past, epoch ms: within what is loaded or listed by a seek, else by another stretch. */
  goTo(moment: number): void {
    const { playback } = this;
    const { paused } = this.#options.video;
    if (playback instanceof HlsPlayback && playback.isPast === this.isPast && playback.seekTo(moment)) {
      if (this.isPast) this.#moment = moment;
      this.#options.meter.forgive();
      return;
    }
    this.#moment = moment;
    if (playback instanceof WhepPlayback) {
      this.playback = undefined;
      playback.suspend();
      this.#standby.keep(playback);
    }
    this.begin();
    // Who looks at a still picture goes on to another one.
    if (paused && playback) this.#options.video.pause();
  }

  /** Back to live, and playing. */
  goLive(): void {
    const { video, meter, onBegin } = this.#options;
    if (!this.isPast) {
      const live = this.playback?.livePosition;
      if (live !== undefined) {
        meter.forgive();
        video.currentTime = live;
      }
      return void video.play().catch(() => {});
    }
    this.#moment = undefined;
    const waiting = this.#standby.take();
    if (!waiting) return this.begin();
    this.playback?.close();
    meter.forgive();
    onBegin();
    this.playback = waiting;
    waiting.resume();
  }

  /** Somebody reaches for live: it is made ready while the past is still shown. */
  prepareLive(): void {
    const isTooSoon = performance.now() - this.#preparedAt < PREPARE_EVERY;
    if (!this.isPast || this.#standby.isWaiting || !this.#prefersWebRtc || isTooSoon) return;
    this.#preparedAt = performance.now();
    this.#standby.keep(this.#playByWebRtc(true));
  }

  /** The next picture of the past, or the one before. */
  stepFrame(by: -1 | 1): void {
    if (this.playback instanceof HlsPlayback) this.playback.stepFrame(by);
  }

  /** Remembers how far the past has been watched: there a failure goes on. To be called now and then. */
  keepPlace(): void {
    if (this.isPast) this.#moment = this.playback?.wallClock ?? this.#moment;
  }

  /** From now on live is wanted; what plays is left as it is. */
  forgetPast(): void {
    this.#moment = undefined;
  }

  /** Ends what plays. */
  stop(): void {
    this.playback?.close();
    this.playback = undefined;
  }

  /** As `begin`, with everything tried that did not work before. */
  retry(): void {
    this.notice = undefined;
    this.#withoutWhep = false;
    this.#tries = 0;
    this.#losses = [];
    this.begin();
  }

  /** From WebRTC to LL-HLS and back. */
  toggleTransport(): void {
    this.#moment = undefined;
    this.#standby.end();
    this.#via = this.playback?.transport === 'webrtc' ? 'hls' : 'auto';
    this.retry();
  }

  /** Another camera: in the same session where that goes, which `true` says, else by a new beginning. */
  async switchTo(camera: string): Promise<boolean> {
    this.camera = camera;
    this.#moment = undefined;
    this.#standby.end();
    const { playback } = this;
    if (playback instanceof WhepPlayback) {
      try {
        await playback.switchTo(camera);
        if (this.playback === playback) return true;
      } catch (error) {
        if (!(error instanceof SessionRefused)) throw error;
      }
      if (this.camera !== camera) return false;
    }
    // What spoke against the other camera says nothing of this one, but a firewall does.
    if (!this.notice?.blocked) this.notice = undefined;
    this.#tries = 0;
    this.begin();
    return false;
  }

  #playByHls(): HlsPlayback {
    const { video, meter, version, onLeave } = this.#options;
    return new HlsPlayback({
      video,
      onLeave,
      meter,
      url: withToken(this.playlist),
      workerUrl: `/player/hls.worker.js?${version}`,
      catchUp: this.#catchUp,
      ...(this.#moment === undefined ? {} : { moment: this.#moment }),
      onFailure: (failure) => {
        this.playback = undefined;
        if (this.isPast) return this.#options.onFailure(failure);
        // The camera may come back as one that WebRTC takes.
        if (!this.notice?.blocked) this.notice = undefined;
        this.#tries = 0;
        this.#options.onFailure({ ...failure, ...(this.#lastRefusal ? { refusal: this.#lastRefusal } : {}) });
      },
    });
  }
  #lastRefusal: Refusal | undefined;

  #playByWebRtc(suspended = false): WhepPlayback {
    const { video, clockOffset, onInactive, onLeave, whep } = this.#options;
    const playback: WhepPlayback = new WhepPlayback({
      video,
      onLeave,
      clockOffset,
      suspended,
      highestLayer: () => this.#highestLayer,
      endpoint: `${whep}/${encodeURIComponent(this.camera)}${this.#wasLost ? `?wait=${STAY_ON_THE_LINE}` : ''}`,
      iceServers: this.#iceServers,
      onFailure: (failure) => {
        if (this.playback !== playback) return this.#standby.drop(playback);
        this.playback = undefined;
        void this.#onWebRtcFailure(failure, playback.iceServers);
      },
      onActive: (active) => {
        if (!active && this.playback === playback) onInactive();
      },
    });
    return playback;
  }

  async #onWebRtcFailure(failure: Failure, iceServers: readonly RTCIceServer[]): Promise<void> {
    const { refusal, blocked = false } = failure;
    const mayFallBack = this.#via === 'auto';
    this.#lastRefusal = undefined;
    // It had played: what is refused from now on is counted anew.
    this.#wasLost = failure.isLost ?? false;
    if (this.#wasLost) this.#tries = 0;
    if (mayFallBack && refusal && isNoEndpoint(refusal)) {
      this.#withoutWhep = true;
      return this.begin();
    }
    if (blocked && this.#iceServers.length === 0 && iceServers.length > 0) {
      // A detour by TURN is known since the first answer.
      this.#iceServers = iceServers;
      return this.begin();
    }
    if (!refusal && !blocked && this.#mayLoseOneMore()) return this.begin();
    if (refusal?.status === 401 || refusal?.status === 403) return this.#options.onFailure(failure);
    const { camera } = this;
    const [seen, playlist] = await Promise.all([getCamera(camera), playlistRefusal(this.playlist)]);
    // Something else was begun meanwhile.
    if (this.playback || this.camera !== camera) return;
    const isAway = seen !== undefined && (isRefusal(seen) ? seen.code === 'CAMERA_UNKNOWN' : seen.state !== 'live');
    if (isAway || refusal?.status === 0) return this.#options.onFailure(failure);
    if (PASSING.has(refusal?.code) && this.#tries < MAX_TRIES) {
      this.#tries += 1;
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN));
      if (!this.playback && this.camera === camera) this.begin();
      return;
    }
    if (!mayFallBack || (playlist && isNoEndpoint(playlist))) return this.#options.onFailure(failure);
    this.notice = noticeOf(failure);
    this.#lastRefusal = refusal;
    this.begin();
  }

  #mayLoseOneMore(): boolean {
    const now = performance.now();
    this.#losses = [...this.#losses.filter((at) => now - at < LOSS_WINDOW), now];
    return this.#losses.length <= MAX_LOSSES;
  }
}

/** Around a moment this much is listed, ms: a step back and half an hour of playback are no new stretch. */
const BEFORE = 60_000;
const AFTER = 30 * 60_000;
/** Stretches begin at multiples of this, ms: viewers of about the same moment ask for the same one. */
const GRID = 5 * 60_000;

/** The query that asks for the stretch around a moment; `exact` where the player begins at the stretch's own beginning. */
function stretchAround(moment: number, now: number, exact: boolean): string {
  const start = exact ? Math.round(moment) : Math.floor((moment - BEFORE) / GRID) * GRID;
  const end = Math.ceil((moment + AFTER) / GRID) * GRID;
  // What reaches into now goes on for as long as somebody watches.
  return end < now ? `start=${start}&end=${end}` : `start=${start}`;
}

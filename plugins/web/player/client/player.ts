/**
 * Which way a camera plays: WebRTC first where the pipeline has it, else LL-HLS. What speaks against WebRTC is kept as a
 * notice; a session that is lost is made anew.
 */
import { isRefusal, type Refusal } from '../../shared/client/refusal.ts';
import { withToken } from '../../shared/client/server.ts';
import { SessionRefused } from '../../shared/client/sdp-session.ts';
import { getCamera, playlistRefusal } from './api.ts';
import { HlsPlayback } from './hls-playback.ts';
import type { LayerInfo } from './layers.ts';
import type { Meter } from './meter.ts';
import type { Failure, Playback } from './playback.ts';
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
  /** What plays is about to free the element; its picture is still there. */
  readonly onLeave: () => void;
  /** An attempt begins. */
  readonly onBegin: () => void;
  /** No way is left to try by itself. */
  readonly onFailure: (failure: Failure) => void;
  /** The session lives, but its camera has stopped sending. */
  readonly onInactive: () => void;
}

/** Why it plays by LL-HLS although WebRTC is there. */
export interface Notice {
  readonly title: string;
  readonly detail: string;
  readonly mend?: string | undefined;
  readonly code?: string | undefined;
  readonly refusal?: Refusal | undefined;
  readonly blocked?: boolean | undefined;
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

  constructor(options: PlayerOptions) {
    this.#options = options;
    this.camera = options.camera;
    const asked = new URLSearchParams(location.search);
    const via = asked.get('via');
    this.#via = via === 'hls' || via === 'webrtc' ? via : 'auto';
    this.#catchUp = asked.has('catchup');
  }

  get playlist(): string {
    return `${this.#options.hls}/${encodeURIComponent(this.camera)}/index.m3u8`;
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
    const byWebRtc = this.#via === 'webrtc' || (this.#via === 'auto' && !this.#withoutWhep && !this.notice);
    this.playback = byWebRtc ? this.#playByWebRtc() : this.#playByHls();
    void video.play().catch(() => {});
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
    this.#via = this.playback?.transport === 'webrtc' ? 'hls' : 'auto';
    this.retry();
  }

  /** Another camera: in the same session where that goes, which `true` says, else by a new beginning. */
  async switchTo(camera: string): Promise<boolean> {
    this.camera = camera;
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
      onFailure: (failure) => {
        this.playback = undefined;
        // The camera may come back as one that WebRTC takes.
        if (!this.notice?.blocked) this.notice = undefined;
        this.#tries = 0;
        this.#options.onFailure({ ...failure, ...(this.#lastRefusal ? { refusal: this.#lastRefusal } : {}) });
      },
    });
  }
  #lastRefusal: Refusal | undefined;

  #playByWebRtc(): WhepPlayback {
    const { video, clockOffset, onInactive, onLeave, whep } = this.#options;
    const playback: WhepPlayback = new WhepPlayback({
      video,
      onLeave,
      clockOffset,
      highestLayer: () => this.#highestLayer,
      endpoint: `${whep}/${encodeURIComponent(this.camera)}${this.#wasLost ? `?wait=${STAY_ON_THE_LINE}` : ''}`,
      iceServers: this.#iceServers,
      onFailure: (failure) => {
        if (this.playback !== playback) return;
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

/** This server has no such route: no stage webrtc.whep. */
function isNoEndpoint({ status, code }: Refusal): boolean {
  return status === 405 || status === 501 || (status === 404 && (code === undefined || code === 'HTTP_NOT_FOUND'));
}

function noticeOf({ refusal, blocked, text }: Failure): Notice {
  const title = 'Playing by LL-HLS.';
  if (refusal) {
    const { message, mend, code, status } = refusal;
    return { title, detail: message ?? `WebRTC was answered ${status}.`, mend, code, refusal };
  }
  if (blocked) {
    return {
      title,
      blocked,
      detail: 'WebRTC is blocked on the way: neither UDP nor TCP gets through.',
      mend: 'Open the port of webrtc.workers, or give it a TURN server.',
    };
  }
  return { title, detail: `WebRTC does not hold: ${text}.` };
}

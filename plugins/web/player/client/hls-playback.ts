/** Plays one playlist: by hls.js with its default settings, or natively where the browser is Apple's. */
import Hls, { type ErrorData, type Level } from 'hls.js';
import type { Meter } from './meter.ts';
import type { Failure, Playback } from './playback.ts';

/** Options of {@link HlsPlayback}. */
export interface HlsOptions {
  readonly video: HTMLVideoElement;
  /** The multivariant playlist. */
  readonly url: string;
  readonly workerUrl: string;
  readonly meter: Meter;
  /** Plays a little faster after a stall, until it is where live is; else hls.js is left as it comes. */
  readonly catchUp: boolean;
  /** The element is about to be freed; its picture is still there. */
  readonly onLeave: () => void;
  /** It cannot go on; the playback has closed itself. */
  readonly onFailure: (failure: Failure) => void;
}

/** A media error within this time of the last one is not mended again, ms. */
const MEND_AGAIN_AFTER = 10_000;

const CODEC_ERRORS: ReadonlySet<string> = new Set([
  'manifestIncompatibleCodecsError',
  'bufferAddCodecError',
  'bufferIncompatibleCodecsError',
]);

/** One attempt to play. */
export class HlsPlayback implements Playback {
  /** Undefined where the browser plays natively. */
  readonly hls: Hls | undefined;
  readonly #options: HlsOptions;
  readonly #end = new AbortController();
  #mendedAt = -Infinity;
  #codecs: readonly string[] = [];

  constructor(options: HlsOptions) {
    this.#options = options;
    if (playsNatively(options.video)) this.#playNatively();
    else if (Hls.isSupported()) this.hls = this.#playByHls();
    else queueMicrotask(() => this.#fail('This browser has neither Media Source Extensions nor HLS of its own.'));
  }

  get transport(): 'hls.js' | 'native' {
    return this.hls === undefined ? 'native' : 'hls.js';
  }

  get codecs(): readonly string[] {
    return this.#codecs;
  }

  /** Server time of the picture on screen, epoch ms. */
  get wallClock(): number | undefined {
    if (this.hls) return this.hls.playingDate?.getTime();
    const { video } = this.#options;
    const start = (video as { getStartDate?: () => Date }).getStartDate?.().getTime();
    return start === undefined || Number.isNaN(start) ? undefined : start + video.currentTime * 1000;
  }

  /** Where live is, in media time. */
  get livePosition(): number | undefined {
    if (this.hls) return this.hls.liveSyncPosition ?? undefined;
    const { seekable } = this.#options.video;
    return seekable.length > 0 ? seekable.end(seekable.length - 1) - 1.5 : undefined;
  }

  /** Ends it and frees the element. Idempotent. */
  close(): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.#options.onLeave();
    this.hls?.destroy();
    if (!this.hls) {
      this.#options.video.removeAttribute('src');
      this.#options.video.load();
    }
  }

  #playByHls(): Hls {
    const { video, url, workerUrl, meter, catchUp } = this.#options;
    const hls = new Hls({ workerPath: workerUrl, ...(catchUp ? { maxLiveSyncPlaybackRate: 1.2 } : {}) });
    let offered: readonly Level[] = [];
    hls.on(Hls.Events.MANIFEST_LOADED, (_event, { levels }) => {
      // Before hls.js leaves out what the browser cannot play.
      offered = levels as unknown as readonly Level[];
    });
    hls.on(Hls.Events.BUFFER_CODECS, (_event, tracks) => {
      const found = Object.values(tracks).flatMap((track) => (track?.codec ? [track.codec] : []));
      this.#codecs = [...new Set([...(tracks.audio && !tracks.video ? this.#codecs : []), ...found])];
    });
    hls.on(Hls.Events.LEVEL_SWITCHED, () => (this.#codecs = codecsOf(hls.levels[hls.currentLevel]) ?? this.#codecs));
    hls.on(Hls.Events.FRAG_LOADED, (_event, { frag, part }) => {
      // Not the payload's length: it may have been given to the worker already.
      meter.loaded(frag.type, (part ?? frag).stats.loaded, part?.duration ?? frag.duration);
    });
    hls.on(Hls.Events.ERROR, (_event, data) => this.#onHlsError(hls, data, offered));
    hls.loadSource(url);
    hls.attachMedia(video);
    return hls;
  }

  #onHlsError(hls: Hls, data: ErrorData, offered: readonly Level[]): void {
    if (!data.fatal || this.#end.signal.aborted) return;
    if (CODEC_ERRORS.has(data.details)) {
      const all = [
        ...offered.flatMap((level) => codecsOf(level) ?? []),
        ...(data.mimeType ? [codecOfMime(data.mimeType)] : []),
      ];
      const refused = [...new Set(all)].filter((codec) => !isPlayable(codec));
      this.#fail(data.error.message, refused.length > 0 ? refused : all.slice(0, 1));
      return;
    }
    const now = performance.now();
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR && now - this.#mendedAt > MEND_AGAIN_AFTER) {
      this.#mendedAt = now;
      hls.recoverMediaError();
      return;
    }
    this.#fail(`${data.details}: ${data.error.message}`);
  }

  #playNatively(): void {
    const { video, url } = this.#options;
    video.addEventListener(
      'error',
      () => {
        // MEDIA_ERR_DECODE and MEDIA_ERR_SRC_NOT_SUPPORTED say no more than that.
        this.#fail(video.error?.message || 'The browser gave up on this stream.');
      },
      { signal: this.#end.signal },
    );
    video.src = url;
  }

  #fail(text: string, unsupported: readonly string[] = []): void {
    if (this.#end.signal.aborted) return;
    this.close();
    this.#options.onFailure({ text, unsupported });
  }
}

/** Chromium too says "maybe" to HLS by now, without low latency; only Apple's own player is better than hls.js. */
function playsNatively(video: HTMLVideoElement): boolean {
  return navigator.vendor.startsWith('Apple') && video.canPlayType('application/vnd.apple.mpegurl') !== '';
}

function isPlayable(codec: string): boolean {
  const kind = /^(mp4a|opus|ac-3|ec-3|flac|mp3)/i.test(codec) ? 'audio' : 'video';
  return MediaSource.isTypeSupported(`${kind}/mp4; codecs="${codec}"`);
}

function codecsOf(level: Partial<Level> | undefined): string[] | undefined {
  const found = [level?.videoCodec, level?.audioCodec].filter((codec): codec is string => Boolean(codec));
  if (found.length > 0) return found;
  const listed = level?.attrs?.CODECS;
  return listed ? listed.split(',') : undefined;
}

const codecOfMime = (mime: string): string => /codecs="?([^"]+)"?/.exec(mime)?.[1] ?? mime;

/** Buttons, the bar and the keyboard. */
import { byId, setText } from '../../shared/client/dom.ts';
import { clock, dayOf } from '../../shared/client/format.ts';
import type { Meter } from './meter.ts';
import type { Stats } from './stats.ts';

/** Steps of the arrows, without and with shift, seconds. */
const JUMP = 5;
const LEAP = 60;
/** The controls go away this long after the last movement, ms. */
const HIDE_AFTER = 2500;

/** What is elsewhere: where there is a past, the timeline moves, else the element alone. */
export interface ControlOptions {
  readonly video: HTMLVideoElement;
  readonly meter: Meter;
  readonly livePosition: () => number | undefined;
  readonly goLive: () => void;
  /** Back or forward by ms; false where there is no past. */
  readonly step: (by: number) => boolean;
  /** Goes on where it was paused; false where the element can do that. */
  readonly playOn: () => boolean;
  /** Keys of other parts of the page. */
  readonly keys: Readonly<Record<string, () => void>>;
}

/** Connects the controls of the page. */
export function connectControls(options: ControlOptions) {
  const { video, meter, livePosition, goLive } = options;
  const player = byId('player');
  const volume = byId<HTMLInputElement>('volume');
  const keys = byId<HTMLDialogElement>('keys');

  const play = (): void => {
    if (!video.paused) video.pause();
    else if (!options.playOn()) void video.play().catch(() => {});
  };
  const jump = (by: number): void => {
    if (options.step(by * 1000)) return;
    const { seekable } = video;
    if (seekable.length === 0 || video.srcObject) return;
    const end = Math.min(seekable.end(seekable.length - 1), livePosition() ?? Infinity);
    meter.forgive();
    video.currentTime = Math.min(end, Math.max(seekable.start(0), video.currentTime + by));
  };
  const setVolume = (to: number): void => {
    video.volume = Math.min(1, Math.max(0, to));
    video.muted = video.volume === 0;
  };
  const mute = (): void => {
    video.muted = !video.muted;
    if (!video.muted && video.volume === 0) video.volume = 0.5;
  };
  const full = (): void => {
    if (document.fullscreenElement) void document.exitFullscreen();
    // Phones of Apple's only make the video itself full screen.
    else if (player.requestFullscreen) void player.requestFullscreen().catch(() => {});
    else (video as { webkitEnterFullscreen?: () => void }).webkitEnterFullscreen?.();
  };
  const pip = (): void => {
    if (document.pictureInPictureElement) void document.exitPictureInPicture();
    else void video.requestPictureInPicture().catch(() => {});
  };

  const actions: Readonly<Record<string, () => void>> = {
    ...options.keys,
    ' ': play,
    k: play,
    l: goLive,
    m: mute,
    f: full,
    p: pip,
    '?': () => keys.showModal(),
    ArrowLeft: () => jump(-JUMP),
    ArrowRight: () => jump(JUMP),
    'shift ArrowLeft': () => jump(-LEAP),
    'shift ArrowRight': () => jump(LEAP),
    ArrowUp: () => setVolume(video.volume + 0.1),
    ArrowDown: () => setVolume(video.volume - 0.1),
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    const target = event.target as HTMLElement;
    if (target instanceof HTMLInputElement && (target.type !== 'range' || event.key.startsWith('Arrow'))) return;
    // A list answers to arrows, letters and space itself.
    if (target instanceof HTMLSelectElement) return;
    // A focused button answers to space itself.
    if (target instanceof HTMLButtonElement && event.key === ' ') return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = actions[event.shiftKey && event.key.startsWith('Arrow') ? `shift ${name}` : name];
    if (!action) return;
    event.preventDefault();
    wake();
    action();
  });

  byId('play').addEventListener('click', play);
  byId('mute').addEventListener('click', mute);
  byId('unmute').addEventListener('click', mute);
  byId('live').addEventListener('click', goLive);
  byId('full').addEventListener('click', full);
  byId('pip').addEventListener('click', pip);
  byId('help').addEventListener('click', () => keys.showModal());
  byId('pip').hidden = !document.pictureInPictureEnabled;
  video.addEventListener('click', play);
  video.addEventListener('dblclick', full);
  volume.addEventListener('input', () => setVolume(volume.valueAsNumber));
  let timer: number | undefined;
  const wake = (): void => {
    player.classList.add('awake');
    clearTimeout(timer);
    timer = setTimeout(() => player.classList.remove('awake'), HIDE_AFTER);
  };
  for (const event of ['pointermove', 'pointerdown', 'focusin'] as const) player.addEventListener(event, wake);
  wake();

  return {
    /** Brings the controls up to date. */
    update(stats: Stats): void {
      player.classList.toggle('paused', video.paused);
      player.classList.toggle('silent', video.muted);
      byId('play').setAttribute('aria-pressed', String(!video.paused));
      byId('mute').setAttribute('aria-pressed', String(!video.muted));
      byId('unmute').hidden = !video.muted || stats.state !== 'playing';
      if (document.activeElement !== volume) volume.valueAsNumber = video.muted ? 0 : video.volume;
      byId('live').classList.toggle('behind', stats.isBack);
      // While another picture comes, the one on screen is the last one, and so is its time.
      if (stats.wallClock === undefined) return;
      for (const id of ['clock', 'corner-clock']) setText(byId(id), clock(stats.wallClock));
      setText(byId('day'), dayOf(stats.wallClock));
    },
    /** Nothing of what was shown is on screen any more. */
    clear(): void {
      for (const id of ['clock', 'corner-clock', 'day']) setText(byId(id), '');
    },
  };
}

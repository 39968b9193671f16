/** Buttons, the bar and the keyboard. */
import { byId, setText } from '../../shared/client/dom.ts';
import { clock, seconds } from '../../shared/client/format.ts';
import type { Meter } from './meter.ts';
import type { Stats } from './stats.ts';

const JUMP = 5;
/** Beyond this behind the live position the button says how far, seconds. */
const BEHIND = 3;
/** The controls go away this long after the last movement, ms. */
const HIDE_AFTER = 2500;

/** Connects the controls of the page; `more` are keys of other parts of it. */
export function connectControls(
  video: HTMLVideoElement,
  meter: Meter,
  livePosition: () => number | undefined,
  more: Readonly<Record<string, () => void>> = {},
) {
  const stage = byId('stage');
  const seek = byId<HTMLInputElement>('seek');
  const volume = byId<HTMLInputElement>('volume');
  const keys = byId<HTMLDialogElement>('keys');
  let dragging = false;

  const seekTo = (position: number): void => {
    meter.forgive();
    video.currentTime = position;
  };
  const play = (): void => {
    if (video.paused) void video.play().catch(() => {});
    else video.pause();
  };
  const goLive = (): void => {
    const at = livePosition();
    if (at !== undefined) seekTo(at);
    void video.play().catch(() => {});
  };
  const jump = (by: number): void => {
    const { seekable } = video;
    if (seekable.length === 0 || video.srcObject) return;
    const end = Math.min(seekable.end(seekable.length - 1), livePosition() ?? Infinity);
    seekTo(Math.min(end, Math.max(seekable.start(0), video.currentTime + by)));
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
    else if (stage.requestFullscreen) void stage.requestFullscreen().catch(() => {});
    else (video as { webkitEnterFullscreen?: () => void }).webkitEnterFullscreen?.();
  };
  const pip = (): void => {
    if (document.pictureInPictureElement) void document.exitPictureInPicture();
    else void video.requestPictureInPicture().catch(() => {});
  };

  const actions: Readonly<Record<string, () => void>> = {
    ...more,
    ' ': play,
    k: play,
    l: goLive,
    m: mute,
    f: full,
    p: pip,
    '?': () => keys.showModal(),
    ArrowLeft: () => jump(-JUMP),
    ArrowRight: () => jump(JUMP),
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
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
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
  seek.addEventListener('input', () => {
    dragging = true;
    seekTo(seek.valueAsNumber);
  });
  seek.addEventListener('change', () => (dragging = false));

  let timer: number | undefined;
  const wake = (): void => {
    stage.classList.add('awake');
    clearTimeout(timer);
    timer = setTimeout(() => stage.classList.remove('awake'), HIDE_AFTER);
  };
  for (const event of ['pointermove', 'pointerdown', 'focusin'] as const) stage.addEventListener(event, wake);
  wake();

  return {
    /** Brings the controls up to date. */
    update(stats: Stats, live: number | undefined): void {
      const { seekable } = video;
      stage.classList.toggle('paused', video.paused);
      stage.classList.toggle('silent', video.muted);
      byId('play').setAttribute('aria-pressed', String(!video.paused));
      byId('mute').setAttribute('aria-pressed', String(!video.muted));
      byId('unmute').hidden = !video.muted || stats.state !== 'playing';
      if (document.activeElement !== volume) volume.valueAsNumber = video.muted ? 0 : video.volume;
      const isLiveOnly = stats.transport === 'webrtc';
      stage.classList.toggle('live-only', isLiveOnly);
      seek.disabled = isLiveOnly || seekable.length === 0;
      if (!seek.disabled && !dragging) {
        seek.min = String(seekable.start(0));
        seek.max = String(Math.max(live ?? 0, seekable.start(0)));
        seek.valueAsNumber = stats.position;
        seek.setAttribute('aria-valuetext', clock(stats.wallClock));
      }
      const behind = live === undefined ? 0 : live - stats.position;
      byId('live').classList.toggle('behind', behind > BEHIND || video.paused);
      setText(byId('live-text'), behind > BEHIND ? `Live · ${seconds(behind)} behind` : 'Live');
      setText(byId('clock'), clock(stats.wallClock));
    },
  };
}

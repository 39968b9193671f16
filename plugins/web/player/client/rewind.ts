/** Going back in time: the bar, the keys and the links of it, over the player. */
import { byId, setText } from '../../shared/client/dom.ts';
import { seconds } from '../../shared/client/format.ts';
import { copyText } from './clipboard.ts';
import { linkTo } from './links.ts';
import { Past } from './past.ts';
import type { Player } from './player.ts';
import { connectScrubBar } from './scrub-bar.ts';
import type { Stats } from './stats.ts';

/** Nearer to now than this live is meant, ms. */
const LIVE_FROM = 3000;
/** Keys that are held down ask for the next stretch no more often than this, ms. */
const SETTLE = 200;
/** The picture has come where it was wanted when it is this near, ms. */
const ARRIVED = 1500;
/** What plays after this is what there is, ms. */
const GIVE_UP = 5000;
/** What a camera that is away offers, ms before its last moment. */
const LAST_MINUTE = 60_000;
const MINUTE = 60_000;

/** What is around it. */
export interface RewindOptions {
  readonly player: Player;
  readonly video: HTMLVideoElement;
  readonly now: () => number;
  /** Another moment is on its way. */
  readonly onLeave: () => void;
  /** True where the camera says that it is not recorded. */
  readonly isLiveOnly: () => boolean;
}

/** Connects it to the page. */
export function connectRewind({ player, video, now, onLeave, isLiveOnly }: RewindOptions) {
  let past = new Past(player.camera, now);
  /** The moment on its way to the screen, epoch ms. */
  let wanted: number | undefined;
  let wantedAt = -Infinity;
  let pending: number | undefined;

  /** Where the viewer is, or will be in a moment. */
  const place = (): number | undefined => wanted ?? player.playback?.wallClock;

  function go(moment: number): void {
    if (past.isGrowing && moment > now() - LIVE_FROM) return live();
    const playable = past.playableAt(moment);
    if (playable === undefined) return;
    wanted = playable;
    if (pending !== undefined) return;
    const wait = Math.max(0, wantedAt + SETTLE - performance.now());
    const start = (): void => {
      pending = undefined;
      if (wanted === undefined) return;
      wantedAt = performance.now();
      onLeave();
      player.goTo(wanted);
    };
    if (wait === 0) start();
    else pending = setTimeout(start, wait);
  }

  function live(): void {
    wanted = undefined;
    if (player.isPast) onLeave();
    player.goLive();
    forgetMoment();
  }

  /** From where the viewer is; false where there is no past to go to. */
  function step(by: number): boolean {
    const from = place();
    if (from === undefined || !past.exists) return false;
    go(Math.max(past.extent.start, from + by));
    return true;
  }

  /** The next picture, or the one before, paused. */
  function stepFrame(by: -1 | 1): void {
    video.pause();
    if (player.isPast) player.stepFrame(by);
    else step(0);
  }

  /** Goes on where live was paused; false where playing on is right. */
  function playOn(): boolean {
    const from = place();
    if (player.isPast || !video.srcObject || from === undefined || !past.exists) return false;
    go(from);
    void video.play().catch(() => {});
    return true;
  }

  async function copyLink(): Promise<void> {
    const button = byId('link');
    const link = linkTo(location.href, player.camera, place());
    const isCopied = await copyText(link);
    button.classList.toggle('done', isCopied);
    setText(byId('said'), isCopied ? 'The link to this moment is copied.' : link);
    setTimeout(() => {
      button.classList.remove('done');
      setText(byId('said'), '');
    }, 2500);
  }

  function reachForLive(): void {
    if (past.isGrowing) player.prepareLive();
  }

  const bar = connectScrubBar({
    past: () => past,
    camera: () => player.camera,
    now,
    onSeek: go,
    onLive: live,
    onReachForLive: reachForLive,
  });
  byId('link').addEventListener('click', () => void copyLink());
  byId('recorded').addEventListener('click', () => {
    const last = past.spans.findLast(({ kind }) => kind === 'media');
    if (last) go(Math.max(last.start, last.end - LAST_MINUTE));
    void video.play().catch(() => {});
  });
  for (const event of ['pointerenter', 'focus'] as const) byId('live').addEventListener(event, reachForLive);
  // The bar's own keys, as sliders have them; the others are the page's.
  byId('scrub').addEventListener('keydown', (event) => {
    const steps: Readonly<Record<string, number>> = {
      ArrowUp: MINUTE,
      ArrowDown: -MINUTE,
      PageUp: 10 * MINUTE,
      PageDown: -10 * MINUTE,
    };
    const by = steps[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    step(by);
  });

  return {
    go,
    live,
    step,
    playOn,
    /** For the keyboard of the page. */
    keys: {
      Home: () => go(past.extent.start),
      End: live,
      ',': () => stepFrame(-1),
      '.': () => stepFrame(1),
      '+': () => bar.zoom(-1),
      '-': () => bar.zoom(1),
      s: () => void copyLink(),
    },
    get past(): Past {
      return past;
    },
    /** A stretch is over: goes on with what comes after it. False where that is nothing. */
    goOn(): boolean {
      const at = player.playback?.wallClock;
      if (at === undefined || past.isLast(at)) return false;
      // Past the end that was reached, however its last picture was rounded.
      go(at + 100);
      return true;
    },
    /** Another camera is shown. */
    async show(): Promise<void> {
      wanted = undefined;
      past = new Past(player.camera, now);
      bar.reset();
      await past.refresh();
    },
    /** The moment that the page was opened with, or that another camera was left at; settles when it is on its way. */
    async open(moment: number): Promise<boolean> {
      await past.refresh();
      if (!past.exists || moment > now()) return false;
      go(moment);
      return player.isPast;
    },
    /** Brings it up to date; to be called a few times a second. */
    update(stats: Stats): void {
      void past.refresh();
      const { wallClock } = stats;
      const isNear = wallClock !== undefined && wanted !== undefined && Math.abs(wallClock - wanted) < ARRIVED;
      const isLate = performance.now() - wantedAt > GIVE_UP && pending === undefined;
      if ((isNear || isLate) && (stats.state === 'playing' || stats.state === 'paused')) wanted = undefined;
      const hasBar = past.exists;
      byId('timeline').hidden = !hasBar;
      for (const id of ['zoom', 'link']) byId(id).hidden = !hasBar;
      const note = byId('no-past');
      note.hidden = hasBar || !past.isKnown;
      setText(note, noPast(past, isLiveOnly()));
      if (hasBar) bar.update(wanted ?? wallClock, !stats.isBack && wanted === undefined && stats.transport !== 'none');
      setText(byId('lag'), stats.isBack && wallClock !== undefined ? lagText((now() - wallClock) / 1000) : '');
    },
  };
}

const lagText = (behind: number): string => `${seconds(behind).replace(/\.\d/, '')} ago`;

function noPast({ refusal }: Past, isLiveOnly: boolean): string {
  if (refusal?.status === 401 || refusal?.status === 403) return 'Live only: this key does not open the past.';
  if (refusal?.code === 'HTTP_NOT_FOUND') return 'Live only: this pipeline keeps no past.';
  if (isLiveOnly) return 'Live only: this camera is not recorded.';
  return refusal ? (refusal.message ?? '') : 'Nothing has been recorded yet.';
}

/** The page's own address names no moment any more. */
function forgetMoment(): void {
  const address = new URL(location.href);
  if (!address.searchParams.has('at')) return;
  address.searchParams.delete('at');
  history.replaceState(history.state, '', address);
}

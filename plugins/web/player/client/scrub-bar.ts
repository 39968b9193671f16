/**
 * The scrub bar: a camera's past in wall-clock time, with its holes, the picture that is shown, and the one under the pointer.
 * Dragged by mouse and touch, zoomed by wheel and two fingers.
 */
import { byId, make, setText } from '../../shared/client/dom.ts';
import { clock, dayOf } from '../../shared/client/format.ts';
import type { Past } from './past.ts';
import { ScrubPeek } from './scrub-peek.ts';
import { lengthName, moveTo, nextLength, ticksOf, wholeOf, zoomTo, type View } from './view.ts';

/** What the bar shows at first, ms: an hour, or what there is. */
const FIRST_LENGTH = 3_600_000;
/** Width of a label of the scale, pixels. */
const LABEL = 76;
/** Within this many pixels of its right end the bar means live. */
const LIVE_ZONE = 8;
/** A drag that leaves the bar moves what it shows by this share at every update. */
const PAN_STEP = 0.03;
/** A picture that moves further between two updates was sent for, ms. */
const JUMP = 3000;

/** What the bar needs. */
export interface ScrubOptions {
  past(): Past;
  camera(): string;
  /** The server's time, epoch ms. */
  now(): number;
  onSeek(moment: number): void;
  onLive(): void;
  /** The pointer is near live. */
  onReachForLive(): void;
}

/** Connects the bar of the page. */
export function connectScrubBar(options: ScrubOptions) {
  const scrub = byId('scrub');
  const rail = byId('rail');
  const scale = byId('scale');
  const playhead = byId('playhead');
  const ahead = byId('ahead');
  const peek = new ScrubPeek(options);
  /** Pixels from the left end, by pointer; two of them zoom. */
  const pointers = new Map<number, number>();
  let length = FIRST_LENGTH;
  let view: View = { start: 0, end: 1 };
  /** The right end goes on with now. */
  let isFollowing = true;
  let dragged: number | undefined;
  let hovered: number | undefined;
  let shown: number | undefined;
  /** Who looks elsewhere is left there, until the picture jumps. */
  let isInside = true;
  let drawn = '';

  const width = (): number => Math.max(1, scrub.clientWidth);
  const momentOf = (x: number): number => view.start + (x / width()) * (view.end - view.start);
  const share = (moment: number): number => (moment - view.start) / (view.end - view.start);
  const isShowing = (moment: number): boolean => share(moment) >= 0 && share(moment) <= 1;
  const isLiveAt = (x: number): boolean =>
    options.past().isGrowing && x > share(options.now()) * width() - LIVE_ZONE && share(options.now()) <= 1.01;
  const within = (): View => options.past().extent;

  function setView(next: View): void {
    view = next;
    length = view.end - view.start;
    isFollowing = view.end >= within().end - length * 0.002;
    isInside = shown === undefined || isShowing(shown);
    draw();
  }

  /** Follows now, or the picture where that leaves the bar. */
  function follow(hasJumped: boolean): void {
    const extent = within();
    if (isFollowing) {
      const whole = wholeOf(extent);
      const shownLength = Math.min(length, whole);
      view = { start: extent.end - shownLength, end: extent.end };
    }
    if (shown === undefined) return;
    const isLost = !isShowing(shown) && (isInside || hasJumped);
    if (isLost) setView(moveTo({ start: shown - length * 0.4, end: shown + length * 0.6 }, extent));
    else isInside ||= isShowing(shown);
  }

  function draw(): void {
    // What is narrower than a pixel is drawn as one with what is next to it.
    const least = (view.end - view.start) / width();
    const entries: { kind: string; start: number; end: number }[] = [];
    for (const { kind, start, end } of options.past().current) {
      if (end < view.start || start > view.end) continue;
      const last = entries.at(-1);
      if (last && (last.kind === kind || (kind === 'gap' && end - start < least))) last.end = end;
      else entries.push({ kind, start, end });
    }
    const ticks = ticksOf(view, Math.max(2, width() / LABEL));
    const key = `${view.start} ${view.end} ${width()} ${entries.map(({ start, end }) => `${start}-${end}`).join()}`;
    if (key !== drawn) {
      drawn = key;
      fill(rail, entries.length, 'span', (element, index) => {
        const { kind, start, end } = entries[index]!;
        const from = Math.max(0, share(start));
        element.className = kind;
        element.style.left = `${from * 100}%`;
        element.style.width = `${(Math.min(1, share(end)) - from) * 100}%`;
      });
      fill(scale, ticks.length, 'time', (element, index) => {
        const { moment, label } = ticks[index]!;
        setText(element, label);
        element.style.left = `${share(moment) * 100}%`;
      });
    }
    const at = dragged ?? shown;
    playhead.hidden = at === undefined || !isShowing(at);
    if (at !== undefined) playhead.style.left = ahead.style.left = `${Math.min(1, Math.max(0, share(at))) * 100}%`;
    if (hovered !== undefined) peek.show(hovered, momentOf(hovered), view, isLiveAt(hovered));
  }

  function hover(x: number | undefined): void {
    hovered = x;
    if (x === undefined) return peek.hide();
    if (isLiveAt(x)) options.onReachForLive();
    draw();
  }

  const xOf = (event: PointerEvent | WheelEvent): number => event.clientX - scrub.getBoundingClientRect().left;

  scrub.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    scrub.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, xOf(event));
    // The second finger makes a zoom of what began as a drag.
    dragged = pointers.size === 1 ? momentOf(xOf(event)) : undefined;
    hover(pointers.size === 1 ? xOf(event) : undefined);
  });
  scrub.addEventListener('pointermove', (event) => {
    const x = xOf(event);
    if (pointers.size === 2 && pointers.has(event.pointerId)) return pinch(event.pointerId, x);
    if (pointers.has(event.pointerId)) {
      pointers.set(event.pointerId, x);
      if (dragged === undefined) return;
      dragged = momentOf(Math.min(width(), Math.max(0, x)));
    }
    hover(Math.min(width(), Math.max(0, x)));
  });
  const release = (event: PointerEvent): void => {
    const x = pointers.get(event.pointerId);
    pointers.delete(event.pointerId);
    if (x === undefined || dragged === undefined) return;
    const wanted = dragged;
    dragged = undefined;
    if (event.type === 'pointerup') {
      if (isLiveAt(x)) options.onLive();
      else {
        options.onSeek(wanted);
        // There at once, not with the next update.
        shown = wanted;
        tell(false);
      }
    }
    // A finger that has left the glass points at nothing.
    if (event.pointerType !== 'mouse') hover(undefined);
    draw();
  };
  scrub.addEventListener('pointerup', release);
  scrub.addEventListener('pointercancel', release);
  scrub.addEventListener('pointerleave', () => pointers.size === 0 && hover(undefined));
  scrub.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
        const by = (sideways / width()) * length;
        setView(moveTo({ start: view.start + by, end: view.end + by }, within()));
      } else setView(zoomTo(view, length * Math.exp(event.deltaY / 400), momentOf(xOf(event)), within()));
    },
    { passive: false },
  );

  /** What those hear who do not see the bar. */
  function tell(isLive: boolean): void {
    const { start, end } = within();
    scrub.setAttribute('aria-valuemin', String(Math.round(start / 1000)));
    scrub.setAttribute('aria-valuemax', String(Math.round(end / 1000)));
    scrub.setAttribute('aria-valuenow', String(Math.round((shown ?? end) / 1000)));
    scrub.setAttribute('aria-valuetext', isLive ? 'live' : `${dayOf(shown)} ${clock(shown).slice(0, 8)}`.trim());
  }

  /** Two fingers: their moments stay under them. */
  function pinch(id: number, x: number): void {
    const [other] = [...pointers].filter(([pointer]) => pointer !== id);
    const before = pointers.get(id)!;
    pointers.set(id, x);
    const still = other![1];
    const spread = Math.max(24, Math.abs(x - still));
    setView(zoomTo(view, (length * Math.max(24, Math.abs(before - still))) / spread, momentOf(still), within()));
  }

  /** Shows more (1) or less (-1) of time, around the picture. */
  function zoom(by: -1 | 1): void {
    const anchor = Math.min(view.end, Math.max(view.start, shown ?? view.end));
    setView(zoomTo(view, nextLength(view.end - view.start, by, wholeOf(within())), anchor, within()));
  }
  byId('zoom-in').addEventListener('click', () => zoom(-1));
  byId('zoom-out').addEventListener('click', () => zoom(1));

  return {
    zoom,
    /** Another camera. */
    reset(): void {
      length = FIRST_LENGTH;
      isFollowing = true;
      shown = undefined;
      peek.reset();
    },
    /** Brings the bar up to date; `moment` is that of the picture, or the one on its way. */
    update(moment: number | undefined, isLive: boolean): void {
      const before = shown;
      shown = isLive ? options.now() : moment;
      const hasJumped = before !== undefined && shown !== undefined && Math.abs(shown - before) > JUMP;
      const x = [...pointers.values()][0];
      if (dragged !== undefined && x !== undefined && (x < 0 || x > width())) {
        const by = Math.sign(x) * length * PAN_STEP;
        setView(moveTo({ start: view.start + by, end: view.end + by }, within()));
        dragged = momentOf(Math.min(width(), Math.max(0, x)));
      } else if (pointers.size === 0) follow(hasJumped);
      draw();
      scrub.classList.toggle('is-live', isLive);
      tell(isLive);
      setText(byId('zoom-text'), lengthName(view.end - view.start));
    },
  };
}

/** Makes an element have this many children, and sets each. */
function fill(
  parent: HTMLElement,
  count: number,
  tag: 'span' | 'time',
  set: (element: HTMLElement, index: number) => void,
): void {
  while (parent.childElementCount > count) parent.lastElementChild!.remove();
  while (parent.childElementCount < count) parent.append(make(tag, {}));
  for (let index = 0; index < count; index += 1) set(parent.children[index] as HTMLElement, index);
}

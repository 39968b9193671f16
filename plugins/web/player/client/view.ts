/** The stretch of time that the scrub bar shows, and its scale. Pure, times in epoch ms. */

/** What the bar shows, from its left end to its right end. */
export interface View {
  readonly start: number;
  readonly end: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The least that is shown. */
export const LEAST = MINUTE;
/** Lengths that the buttons step through; what lies beyond the past is left out. */
const STEPS = [5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 31 * DAY];
/** A bar of its whole past has this much air before the oldest moment. */
const AIR = 1.02;

/** How much there is to show. */
export const wholeOf = ({ start, end }: View): number => Math.max(LEAST, (end - start) * AIR);

/** The next length inwards (-1) or outwards (1); the whole past is the last one outwards. */
export function nextLength(length: number, by: -1 | 1, whole: number): number {
  const steps = [...STEPS.filter((step) => step < whole), whole];
  if (by > 0) return steps.find((step) => step > length * 1.01) ?? whole;
  return steps.findLast((step) => step < length * 0.99) ?? Math.min(LEAST, whole);
}

/** This length, with the anchor where it was, and inside of what there is. */
export function zoomTo(view: View, length: number, anchor: number, within: View): View {
  const whole = wholeOf(within);
  const wanted = Math.min(whole, Math.max(Math.min(LEAST, whole), length));
  const share = (anchor - view.start) / (view.end - view.start);
  return moveTo({ start: anchor - share * wanted, end: anchor + (1 - share) * wanted }, within);
}

/** The view, moved so that it shows nothing of the future, and nothing from before the past where it need not. */
export function moveTo({ start, end }: View, within: View): View {
  const length = end - start;
  const last = within.end;
  const earliest = Math.min(last - length, last - wholeOf(within));
  const from = Math.min(last - length, Math.max(earliest, start));
  return { start: from, end: from + length };
}

/** A length as its button says it: `5 min`, `1 h`, `1 h 20 min`, `3 d`. */
export function lengthName(ms: number): string {
  if (ms < 2 * MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < DAY) {
    const minutes = Math.round(ms / MINUTE);
    const rest = minutes % 60;
    return rest === 0 || minutes >= 180 ? `${Math.round(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
  }
  const days = ms / DAY;
  return `${days < 10 && days % 1 > 0.05 ? days.toFixed(1) : Math.round(days)} d`;
}

const TICKS = [1, 2, 5, 10, 15, 30].flatMap((each) => [each * SECOND, each * MINUTE]);
TICKS.push(HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY);
TICKS.sort((a, b) => a - b);

/** A line of the scale. */
export interface Tick {
  readonly moment: number;
  readonly label: string;
}

/** The scale: at most `most` lines, at round local times. */
export function ticksOf({ start, end }: View, most: number): Tick[] {
  const step = TICKS.find((each) => (end - start) / each <= most) ?? TICKS.at(-1)!;
  // Local midnight is a round time everywhere, also where the offset is half an hour.
  const shift = new Date(start).getTimezoneOffset() * MINUTE;
  const ticks: Tick[] = [];
  for (let moment = Math.ceil((start - shift) / step) * step + shift; moment <= end; moment += step)
    ticks.push({ moment, label: tickLabel(moment, step) });
  return ticks;
}

function tickLabel(moment: number, step: number): string {
  const at = new Date(moment);
  if (step >= DAY || (at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0))
    return at.toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return step < MINUTE ? `${minutes}:${two(at.getSeconds())}` : minutes;
}

/** A camera's past as the timeline tells it: stretches of media, and holes with their causes. Pure, times in epoch ms. */

/** A stretch of media or a hole; a list of them is in order and without overlap. */
export interface Span {
  readonly kind: 'media' | 'gap';
  readonly start: number;
  readonly end: number;
  /** Of a hole: a `GapCause`. */
  readonly cause?: string;
}

/** Where nothing is left to play after a moment, the last of what there is: this long, ms. */
const LAST = 10_000;

/**
 * What was known before `from`, and what is told now of everything after it. Who is asked for the end alone may not know that there was
 * anything before: what lies between is a hole, of which nobody has said the cause yet.
 */
export function mergeSpans(known: readonly Span[], told: readonly Span[], from: number): Span[] {
  const merged = known.filter(({ start }) => start < from).map((span) => ({ ...span, end: Math.min(span.end, from) }));
  for (const span of told) {
    if (span.end <= from) continue;
    const start = Math.max(span.start, from);
    const last = merged.at(-1);
    if (last && last.end < start) merged.push({ kind: 'gap', start: last.end, end: start });
    else if (last?.kind === span.kind && last.cause === span.cause) {
      last.end = span.end;
      continue;
    }
    merged.push({ ...span, start });
  }
  return merged;
}

/** The span that holds the moment. */
export const spanAt = (spans: readonly Span[], moment: number): Span | undefined =>
  spans.find(({ start, end }) => start <= moment && moment < end);

/**
 * The moment that plays where this one is asked for: itself, else the next media, else the last seconds of what there is;
 * undefined where nothing was recorded.
 */
export function playableAt(spans: readonly Span[], moment: number): number | undefined {
  const media = spans.filter(({ kind }) => kind === 'media');
  const next = media.find(({ end }) => end > moment);
  if (next) return Math.max(moment, next.start);
  const last = media.at(-1);
  return last && Math.max(last.start, last.end - LAST);
}

const CAUSES: Readonly<Record<string, string>> = {
  'publisher-lost': 'the camera was away',
  crash: 'the server crashed',
  'store-outage': 'the store was away',
  dropped: 'media was dropped',
  restart: 'the server restarted',
  'no-key-frame': 'the camera sent no key frame',
};

/** Why there is a hole, as people say it. */
export const causeName = (cause = ''): string => CAUSES[cause] ?? (cause || 'nobody knows why');

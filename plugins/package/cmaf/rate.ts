/** What a video track's first frames tell: its rate, the timescale that makes it exact, and the target of its parts. */
import type { Rational } from 'eddy/plugin';

/** How a video track counts time in its segments. */
export interface VideoRate {
  /** Ticks a second of the output. */
  readonly timescale: number;
  /** Ticks of one frame; the mean at a variable rate. */
  readonly frameTicks: number;
  /** True where every frame measured has the same duration, as far as the source's timescale can tell. */
  readonly constant: boolean;
  /**
   * Frame durations between which a source with coarse timestamps may turn out to run (30 or 29.97 frames a second), the
   * likelier one first; empty where the source's own ticks are kept.
   */
  readonly grid: readonly number[];
  readonly frameRate?: Rational;
}

/** Below this many ticks a second a source's timestamps are too coarse to be frame durations: RTMP's milliseconds. */
const COARSE = 10_000;

/** A rate is taken as a well-known one within this distance, or within what the measurement can tell. */
const SNAP = 0.004;

/** Measures the rate of frames at these decode times; `hint` is what the track's caps say. Needs two frames or more. */
export function measureRate(dts: readonly number[], timescale: number, hint?: Rational): VideoRate {
  const intervals = dts.slice(1).map((at, i) => Math.max(0, at - dts[i]!));
  const median = intervals.toSorted((a, b) => a - b)[intervals.length >> 1] ?? 0;
  if (median <= 0) return fallback(timescale, hint);
  // A frame that was lost makes one interval of two: count frames, not intervals.
  const frames = intervals.reduce((sum, each) => sum + Math.max(1, Math.round(each / median)), 0);
  const span = intervals.reduce((sum, each) => sum + each, 0);
  const mean = span / frames;
  // Rounded timestamps are up to a tick off at either end of an interval.
  const tolerance = timescale < COARSE ? 1.01 : Math.max(1.01, mean * 0.01);
  const constant = intervals.every((each) => Math.abs(each - Math.max(1, Math.round(each / mean)) * mean) <= tolerance);
  const measured = timescale / mean;
  if (timescale >= COARSE) return { timescale, frameTicks: mean, constant, grid: [], ...rateOf(measured, hint) };
  const known = constant ? snap(measured, Math.max(SNAP, 1.1 / span)) : undefined;
  if (!known) return { timescale: 90_000, frameTicks: (mean / timescale) * 90_000, constant, grid: [] };
  const hinted = hint && hint.num / hint.den;
  // 29.97 and 30 differ by one millisecond a second: which it is shows later, so both stay possible.
  const slow = hinted === undefined ? measured < known * 0.9994 : Math.abs(hinted * 1.001 - known) < known * 0.0004;
  const grid = slow ? [1001, 1000] : [1000, 1001];
  return {
    timescale: known * 1000,
    frameTicks: grid[0]!,
    constant,
    grid,
    frameRate: { num: known * 1000, den: grid[0]! },
  };
}

function fallback(timescale: number, hint: Rational | undefined): VideoRate {
  const rate = hint ? hint.num / hint.den : 30;
  const scale = timescale < COARSE ? 90_000 : timescale;
  return { timescale: scale, frameTicks: scale / rate, constant: false, grid: [] };
}

function rateOf(measured: number, hint: Rational | undefined): { frameRate?: Rational } {
  return hint && Math.abs(hint.num / hint.den / measured - 1) < 0.01 ? { frameRate: hint } : {};
}

/** The whole or half number of frames a second that this is, or is slowed down by 1001/1000. */
function snap(rate: number, within: number): number | undefined {
  const nearest = [Math.round(rate), Math.round(rate * 1.001), Math.round(rate * 2) / 2];
  return nearest.find(
    (each) => each > 0 && (Math.abs(rate / each - 1) <= within || Math.abs((rate * 1.001) / each - 1) <= within),
  );
}

/**
 * The target duration of parts in seconds: as many whole frames as come nearest to the wish, plus what timestamps may
 * stretch them by, so that a full part never passes it and is seldom a frame short. That is a millisecond where the rate
 * is constant (coarse timestamps), a quarter of a frame where it wanders.
 */
export function partTargetOf(frameSeconds: number, wishSeconds: number, constant: boolean): number {
  const frames = Math.max(1, Math.round(wishSeconds / frameSeconds));
  const slack = constant ? 0.001 : frameSeconds / 4;
  return Math.ceil((frames * frameSeconds + slack) * 1000 - 1e-6) / 1000;
}

/**
 * Keeps sound at a loudness: what goes into the gain is measured, and the gain follows, so slowly that nobody hears it move. Runs in the host's
 * process, where the samples are.
 */
import type { MonitorRaw } from 'eddy/plugin';
import { LoudnessMeter } from './r128.ts';

/** What it is told. */
export type LoudnessOptions = {
  /** LUFS. */
  readonly target: number;
  readonly rate: number;
  readonly channels: number;
  /** The `volume` element that it moves. */
  readonly gain: string;
};

/** Seconds that are looked back on: about a scene. */
const WINDOW_S = 30;
/** Least sound that tells anything, s. */
const LEAST_S = 0.4;
/** Until so much was heard the gain goes to where it belongs at once, s; after that nobody is to hear it move. */
const FIRST_S = 3;
/** dB in one step, a tenth of a second. */
const STEP = { first: 1, later: 0.1 } as const;
/** What is so near is left alone, dB. */
const NEAR = 0.2;
/** dB up or down: more would be hiss, or a source that is not meant to be heard. `volume` takes no more. */
export const MOST = 20;

/** The gain of the next tenth of a second, dB. */
export function nextGain(now: number, wanted: number, heard: number): number {
  const goal = Math.min(MOST, Math.max(-MOST, wanted));
  const step = heard < FIRST_S ? STEP.first : STEP.later;
  if (Math.abs(goal - now) < NEAR) return now;
  return now + Math.min(step, Math.max(-step, goal - now));
}

/** Run by the host for each launch. */
export const monitor: MonitorRaw<LoudnessOptions> = ({ target, rate, channels, gain }, set) => {
  const meter = new LoudnessMeter(rate, channels, WINDOW_S);
  let now = 0;
  return (data) => {
    // A copy: the host's bytes may begin anywhere in their memory, samples only where four begin.
    const samples = new Float32Array(new Uint8Array(data).buffer, 0, data.length >> 2);
    let parts = meter.add(samples);
    const { heard, loudness } = meter;
    if (loudness === undefined || heard < LEAST_S) return;
    const before = now;
    for (; parts > 0; parts -= 1) now = nextGain(now, target - loudness, heard);
    if (now !== before) set(gain, 'volume', 10 ** (now / 20));
  };
};

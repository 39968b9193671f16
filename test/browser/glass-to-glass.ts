/**
 * Glass to glass: the block clock in the picture on screen against this machine's clock, in any page with a <video>.
 * Floor of the method: one frame of the page, since a picture is read when the browser is about to show it.
 */
import type { Page } from 'playwright-core';
import { blockClockSource } from '../../core/media/block-clock.ts';

/** What was measured on one page. */
export interface GlassToGlass {
  /** Pictures whose clock was read, and those whose checksum did not fit. */
  readonly read: number;
  readonly unreadable: number;
  /** Latency in ms. */
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  /** The longest time between two pictures shown, ms. */
  readonly longestGap: number;
  /** Pictures that went backwards in time. */
  readonly backwards: number;
  /** What the player of ours counts; zero on other pages. */
  readonly stalls: number;
  readonly stalledSeconds: number;
  /** Stalls seen from outside the player: times that no new picture came for `gapIsStall` ms. */
  readonly gaps: number;
}

/** Options of {@link measureGlassToGlass}. */
export interface GlassOptions {
  readonly seconds: number;
  /** The video element; default `video`. */
  readonly selector?: string;
  /** No new picture for this long is a stall, ms; default 500. */
  readonly gapIsStall?: number;
}

/** Runs in the page: reads the clock of every picture that is shown. */
const reader = (selector: string): string => `(() => {
  ${blockClockSource}
  const video = document.querySelector(${JSON.stringify(selector)});
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const seen = (window.__glass = { samples: [], unreadable: 0 });
  const onFrame = () => {
    const now = performance.timeOrigin + performance.now();
    const { videoWidth: width, videoHeight: height } = video;
    if (width > 0) {
      const strip = Math.ceil(width / 16);
      if (canvas.width !== width) { canvas.width = width; canvas.height = strip; }
      context.drawImage(video, 0, 0, width, strip, 0, 0, width, strip);
      const clock = decodeBlockClock(context.getImageData(0, 0, width, strip));
      if (clock) seen.samples.push([now, clock.epochMs]);
      else seen.unreadable += 1;
    }
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
})()`;

interface Seen {
  readonly samples: readonly (readonly [shownAt: number, epochMs: number])[];
  readonly unreadable: number;
}

/** Measures several pages for the same `seconds`; each must show a playing video already. */
export async function measureGlassToGlass(pages: readonly Page[], options: GlassOptions): Promise<GlassToGlass[]> {
  const { seconds, selector = 'video', gapIsStall = 500 } = options;
  const stalls = async (page: Page): Promise<{ stalls: number; stalledSeconds: number }> =>
    page.evaluate<{ stalls: number; stalledSeconds: number }>(
      'window.eddy ? window.eddy.stats() : { stalls: 0, stalledSeconds: 0 }',
    );
  const before = await Promise.all(pages.map(stalls));
  for (const page of pages) await page.evaluate(reader(selector));
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return Promise.all(
    pages.map(async (page, index) => {
      const seen = await page.evaluate<Seen>('window.__glass');
      const after = await stalls(page);
      return {
        ...summarize(seen, gapIsStall),
        stalls: after.stalls - before[index]!.stalls,
        stalledSeconds: after.stalledSeconds - before[index]!.stalledSeconds,
      };
    }),
  );
}

/** The figures of a list of readings. */
export function summarize(seen: Seen, gapIsStall: number): Omit<GlassToGlass, 'stalls' | 'stalledSeconds'> {
  const { samples, unreadable } = seen;
  const latencies = samples.map(([shownAt, epochMs]) => shownAt - epochMs).sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? NaN);
  const steps = samples.slice(1).map(([shownAt, epochMs], index) => {
    const [shownBefore, epochBefore] = samples[index]!;
    return { gap: shownAt - shownBefore, back: epochMs < epochBefore };
  });
  return {
    read: samples.length,
    unreadable,
    p50: at(0.5),
    p95: at(0.95),
    max: at(1),
    longestGap: Math.round(Math.max(0, ...steps.map((step) => step.gap))),
    backwards: steps.filter((step) => step.back).length,
    gaps: steps.filter((step) => step.gap > gapIsStall).length,
  };
}

/** Waits until a player of ours plays; the error says what its page says. */
export async function untilPlaying(page: Page, timeout = 20_000): Promise<void> {
  const deadline = performance.now() + timeout;
  for (;;) {
    // Asked from here: the page's own policy forbids the eval that waitForFunction needs.
    const seen = await page.evaluate<{ stats: { state: string } } | undefined>(
      'window.eddy && { stats: window.eddy.stats(), reason: window.eddy.reason() }',
    );
    if (seen?.stats.state === 'playing') return;
    if (performance.now() > deadline) throw new Error(`it does not play: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

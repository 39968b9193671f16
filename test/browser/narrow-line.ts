/** A viewer whose line becomes narrow and wide again: which layer is shown, how soon, and how long nothing is. */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { until } from '../support/eddy.ts';
import { startUdpRelay } from '../support/udp-relay.ts';
import { throughRelay } from './relayed.ts';
import { watch } from './webrtc-pages.ts';

/** Notes when each picture was shown and how wide it was, in the page. */
export const recordPictures = (page: Page): Promise<unknown> =>
  page.evaluate(`(() => {
    const video = document.querySelector('video');
    window.shown = [];
    const onFrame = (_now, { width }) => {
      window.shown.push([performance.timeOrigin + performance.now(), width]);
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  })()`);

type Shown = readonly (readonly [at: number, width: number])[];
export const shownOn = (page: Page): Promise<Shown> => page.evaluate('window.shown');

/** Waits until pictures of this width are shown, and tells when the first of them was: epoch ms. */
async function untilWidth(
  page: Page,
  fits: (width: number) => boolean,
  since: number,
  timeout: number,
): Promise<number> {
  const found = await until(
    'another layer',
    async () => (await shownOn(page)).find(([at, width]) => at > since && fits(width)),
    { timeout },
  );
  return found[0];
}

/** The longest that no new picture came, ms. */
export const longestGap = (shown: Shown): number =>
  Math.round(Math.max(0, ...shown.slice(1).map(([at], index) => at - shown[index]![0])));

/** What a viewer saw. */
export interface Run {
  /** Seconds from the line's change to the first picture of the other layer. */
  readonly down: number;
  readonly up: number;
  readonly gap: number;
}

/** A line that becomes narrow. */
export interface Line {
  /** Width of the highest layer. */
  readonly top: number;
  /** Bits a second while it is narrow. */
  readonly narrow: number;
}

/** Lets a page watch behind a line that is wide, narrow and wide again, and closes it. */
export async function narrowAndWide(player: Page, whep: string, { top, narrow }: Line, patience: number): Promise<Run> {
  const relay = await startUdpRelay();
  try {
    await throughRelay(player, relay);
    expect((await watch(player, whep, { audio: false })).status).toBe(201);
    await recordPictures(player);
    await untilWidth(player, (width) => width === top, 0, patience);
    const cut = Date.now();
    relay.set({ down: { rate: narrow } });
    const down = await untilWidth(player, (width) => width < top, cut, patience);
    // It stays below while the line is narrow.
    await new Promise((resolve) => setTimeout(resolve, 4000));
    const freed = Date.now();
    expect((await shownOn(player)).at(-1)![1]).toBeLessThan(top);
    relay.set({ down: {} });
    const up = await untilWidth(player, (width) => width === top, freed, patience);
    const gap = longestGap(await shownOn(player));
    return { down: (down - cut) / 1000, up: (up - freed) / 1000, gap };
  } finally {
    await player.close();
    await relay.close();
  }
}

/** For the table. */
export const words = ({ down, up, gap }: Run): string =>
  `down in ${down.toFixed(1)} s, up in ${up.toFixed(1)} s, longest without a picture ${gap} ms`;

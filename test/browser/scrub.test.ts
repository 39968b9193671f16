/**
 * The scrub bar of our player: from live by WebRTC to any moment of the past by HLS and back, judged by the clock in the picture.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { until } from '../support/eddy.ts';
import { launchChromium, openPage } from './chromium.ts';
import { untilPlaying } from './glass-to-glass.ts';
import { peekedAt, seen, startScrubSite, watchPictures, type ScrubSite, type Seen } from './scrub.ts';

/** Each step has a limit of its own; that of the whole must not come first on a busy machine. ms. */
const LIMIT = 120_000;
const HOUR = 3600;
/** What was recorded before the camera went live, seconds. */
const RECORDED = atLevel({ test: 40, proof: 600 });
/** How often each way is gone. */
const TIMES = atLevel({ test: 1, proof: 10 });
/** Steps of five seconds that are gone back from live. */
const BACK = atLevel({ test: 1, proof: 6 });
/** How far the picture may be from the moment that was asked for, ms: what the bar says is rounded to a second. */
const NEAR = 1500;
/** The latest that a picture of now may be, ms: by WebRTC, on a machine that has other work. */
const NOW = atLevel({ test: 3000, proof: 1000 });

let browser: Browser;
let site: ScrubSite;
const pages: Page[] = [];

beforeAll(async () => {
  const hole = RECORDED / 2;
  [browser, site] = await Promise.all([
    launchChromium(),
    startScrubSite({ ago: HOUR + RECORDED + 30, seconds: RECORDED, hole }),
  ]);
}, 300_000);
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});
afterAll(async () => {
  await browser?.close();
  await site?.stop();
});

async function open(query = ''): Promise<{ page: Page; errors: string[] }> {
  const opened = await openPage(browser);
  pages.push(opened.page);
  await opened.page.goto(`${site.eddy.http}/watch/cam${query}`);
  await untilPlaying(opened.page);
  await watchPictures(opened.page);
  return opened;
}

interface Reading {
  readonly transport: string;
  readonly isBack: boolean;
  readonly wallClock: number;
}
const stats = (page: Page) => page.evaluate<Reading>('window.eddy.stats()');

/** Where the bar says that the viewer is, or will be in a moment; epoch ms. */
const told = async (page: Page): Promise<number> =>
  Number(await page.locator('#scrub').getAttribute('aria-valuenow')) * 1000;

/** The first picture that is of the wanted moment, nothing held over it, and how long after the act it was there. */
async function shownAfter(
  page: Page,
  act: () => Promise<unknown>,
  isRight: (picture: Seen & { readonly epochMs: number }) => boolean,
): Promise<{ ms: number; epochMs: number }> {
  const before = (await seen(page)).length;
  const at = Date.now();
  await act();
  return until('the picture of the moment', async () => {
    for (const picture of (await seen(page)).slice(before)) {
      const { epochMs, held } = picture;
      if (epochMs !== undefined && !held && isRight({ ...picture, epochMs })) return { ms: picture.at - at, epochMs };
    }
    return undefined;
  });
}

const isNow = ({ at, epochMs }: { readonly at: number; readonly epochMs: number }): boolean => at - epochMs < NOW;

/** Clicks on the oldest stretch of media, at a share of its width, and waits for the picture that the bar promises. */
async function clickAt(page: Page, share: number): Promise<{ ms: number; epochMs: number; wanted: number }> {
  const bar = (await page.locator('#scrub').boundingBox())!;
  const media = (await page.locator('#rail .media').first().boundingBox())!;
  let wanted = NaN;
  const act = async (): Promise<void> => {
    await page.mouse.click(media.x + media.width * share, bar.y + 15);
    wanted = await told(page);
  };
  const shown = await shownAfter(page, act, ({ epochMs }) => Math.abs(epochMs - wanted) <= NEAR);
  return { ...shown, wanted };
}

/** The page's clock against the one in the picture, ms. */
async function clockError(page: Page): Promise<number> {
  const { wallClock, epochMs } = await page.evaluate<{ wallClock: number; epochMs: number }>(
    '({ wallClock: window.eddy.stats().wallClock, epochMs: window.seen.findLast(({ epochMs }) => epochMs).epochMs })',
  );
  return Math.abs(wallClock - epochMs);
}

const secondsIn = (time: string): number => time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
const secondOfDay = (epochMs: number): number => {
  const at = new Date(epochMs);
  return (at.getHours() * 60 + at.getMinutes()) * 60 + at.getSeconds();
};

const p95 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1]!;

it(
  'goes from live to the past, over an hour and a gap, and back to live, always to the right moment',
  async () => {
    const { page, errors } = await open();
    await until('a bar with the past', async () => page.locator('#rail .gap').first().isVisible());
    // All of the past.
    await page.keyboard.press('-');
    const rewound: number[] = [];
    const live: number[] = [];
    for (let time = 0; time < TIMES; time += 1) {
      expect(await stats(page)).toMatchObject({ transport: 'webrtc', isBack: false });
      // The past that it goes back to has to be there.
      await until(
        'media to go back to',
        async () => {
          const answer = await site.eddy.json<{ spans: { kind: string; start: number }[] }>(
            '/api/v1/cameras/cam/timeline',
          );
          const last = answer.spans.findLast(({ kind }) => kind === 'media');
          return last !== undefined && last.start < Date.now() - (BACK + 1) * 5000;
        },
        { timeout: 60_000 },
      );
      const wanted = (): number => Date.now() - BACK * 5000;
      const back = await shownAfter(
        page,
        async () => {
          for (let step = 0; step < BACK; step += 1) await page.keyboard.press('ArrowLeft');
        },
        ({ epochMs }) => Math.abs(epochMs - wanted()) < NOW + NEAR,
      );
      expect(await stats(page)).toMatchObject({ transport: 'hls.js', isBack: true });
      // A processor that is shared may make it wait for a moment after its first picture.
      await until('the state "recorded"', async () => (await page.locator('#state').innerText()) === 'recorded');

      const old = await clickAt(page, 0.2 + (time / TIMES) * 0.6);
      expect(Date.now() - old.wanted).toBeGreaterThan(HOUR * 1000);
      expect(await clockError(page)).toBeLessThan(500);
      rewound.push(back.ms, old.ms);

      live.push((await shownAfter(page, () => page.keyboard.press('l'), isNow)).ms);
    }
    expect(await stats(page)).toMatchObject({ transport: 'webrtc', isBack: false });
    expect(errors).toEqual([]);
    if (level !== 'proof') return;
    const times = (values: readonly number[]): string => `p95 ${Math.round(p95(values))} ms of ${values.length}`;
    meetBar({
      what: 'the scrub bar in Chromium: live, back 30 s, back 1 h over a gap, live again',
      bar: 'the right burned-in moment each time; first rewound frame p95 <= 1 s',
      measured: `all right, ${times(rewound)}`,
      pass: p95(rewound) <= 1000,
    });
    meetBar({
      what: 'the scrub bar in Chromium: back to live',
      bar: 'a picture of now <= 1 s',
      measured: `${times(live)}, at most ${Math.round(Math.max(...live))} ms`,
      pass: Math.max(...live) <= 1000,
    });
  },
  LIMIT * atLevel({ test: 1, proof: 4 }),
);

it(
  'opens a link to a moment, plays on over the hole behind it with a clock that jumps, and says what the hole is',
  async () => {
    const { page, errors } = await open(`?at=${new Date(site.hole.start - 3000).toISOString()}`);
    const first = await until('pictures', async () => (await seen(page)).find(({ epochMs }) => epochMs));
    expect(first.epochMs).toBeGreaterThan(site.hole.start - 3500);
    expect(first.epochMs).toBeLessThan(site.hole.start);
    await until('the media after the hole', async () =>
      (await seen(page)).some(({ epochMs = 0 }) => epochMs >= site.hole.end),
    );
    await until('a clock that has jumped', async () => (await clockError(page)) < 500);
    expect(
      (await seen(page)).filter(({ epochMs = 0 }) => epochMs > site.hole.start && epochMs < site.hole.end),
    ).toEqual([]);
    // Near enough for the hole to be seen.
    await page.keyboard.press('-');
    for (let step = 0; step < 6; step += 1) await page.keyboard.press('+');
    await page.locator('#rail .gap').first().hover({ force: true });
    await until('its cause', async () =>
      (await page.locator('#peek-note').innerText()).startsWith('No recording for 10.0 s: the camera was away'),
    );
    // Two seconds between pictures, each the key frame before.
    await page.locator('#rail .media').first().hover({ force: true });
    await until('the picture of the moment under the pointer', async () => {
      const picture = await peekedAt(page);
      const time = await page.locator('#peek-time').innerText();
      return picture !== undefined && Math.abs(secondOfDay(picture) - secondsIn(time)) <= 5;
    });
    expect(errors).toEqual([]);
  },
  LIMIT,
);

it(
  'shows the past of a camera that has gone, and waits for it at its end',
  async () => {
    await site.camera.stop();
    const { page } = await openPage(browser);
    pages.push(page);
    await page.goto(`${site.eddy.http}/watch/cam`);
    await page.getByRole('button', { name: 'Watch its last minute' }).click({ timeout: 40_000 });
    await untilPlaying(page);
    await watchPictures(page);
    expect(await stats(page)).toMatchObject({ transport: 'hls.js', isBack: true });
    await page.locator('#scrub').focus();
    await page.keyboard.press('Home');
    await until('the oldest moment', async () =>
      (await seen(page)).some(({ epochMs = 0 }) => Math.abs(epochMs - site.oldest) < NEAR),
    );
    expect(await page.locator('#scrub').getAttribute('aria-valuetext')).toMatch(/\d\d:\d\d:\d\d$/);
  },
  LIMIT,
);

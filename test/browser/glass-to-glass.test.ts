/** The measuring itself: a page that draws the clock into a canvas and shows the canvas as a video is its floor. */
import { expect, it } from 'vitest';
import { blockClockSource } from '../../core/media/block-clock.ts';
import { launchChromium, openPage } from './chromium.ts';
import { measureGlassToGlass, summarize } from './glass-to-glass.ts';

const drawer = (delay: number): string => `(() => {
  ${blockClockSource}
  document.body.innerHTML = '<canvas width="640" height="360"></canvas><video autoplay muted></video>';
  const canvas = document.querySelector('canvas');
  const context = canvas.getContext('2d');
  let counter = 0;
  const draw = () => {
    const bits = blockClockBits(Math.round(performance.timeOrigin + performance.now()) - ${delay}, counter++ % 1024);
    bits.forEach((bit, i) => {
      context.fillStyle = bit ? '#fff' : '#000';
      context.fillRect((i % 32) * 20, Math.floor(i / 32) * 20, 20, 20);
    });
    requestAnimationFrame(draw);
  };
  draw();
  document.querySelector('video').srcObject = canvas.captureStream(30);
})()`;

it('reads the clock of what is on screen: a picture made 700 ms ago is 700 ms old, within the floor of the method', async () => {
  const browser = await launchChromium();
  try {
    const { page, errors } = await openPage(browser);
    await page.evaluate(drawer(700));
    await page.waitForFunction('document.querySelector("video").videoWidth > 0');
    const [result] = await measureGlassToGlass([page], { seconds: 2 });
    expect(result!.read).toBeGreaterThan(20);
    expect(result!.unreadable).toBe(0);
    expect(result!.p50).toBeGreaterThanOrEqual(700);
    expect(result!.p50).toBeLessThan(900);
    expect(result!.backwards).toBe(0);
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
  }
});

it('sums up latency, gaps and steps back', () => {
  const samples = [
    [1000, 100],
    [1040, 140],
    [1800, 180],
    [1840, 160],
  ] as const;
  expect(summarize({ samples, unreadable: 3 }, 500)).toEqual({
    read: 4,
    unreadable: 3,
    p50: 1620,
    p95: 1680,
    max: 1680,
    longestGap: 760,
    backwards: 1,
    gaps: 1,
  });
});

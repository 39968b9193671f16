/** Seeking by wall clock in bare players: how soon the first picture is there, and of which moment it is. */
import type { Page } from 'playwright-core';
import { blockClockSource } from '../../core/media/block-clock.ts';
import type { PlayerName } from './dash-pages.ts';

/** The first picture after a seek. */
export interface Shown {
  /** From the command to the picture, ms. */
  readonly ms: number;
  /** What its clock says, epoch ms; undefined where it could not be read. */
  readonly epochMs: number | undefined;
}

/** Runs in the page: `eddyShow(go)` calls `go` and settles with the first picture after it. */
const SHOWER = `(() => {
  ${blockClockSource}
  const video = document.querySelector('video');
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const read = () => {
    const width = video.videoWidth, height = Math.ceil(width / 16);
    if (width === 0) return undefined; // between two sources
    canvas.width = width; canvas.height = height;
    context.drawImage(video, 0, 0, width, height, 0, 0, width, height);
    return decodeBlockClock(context.getImageData(0, 0, width, height))?.epochMs;
  };
  window.eddyShow = (go, at) => new Promise((resolve, reject) => {
    const began = performance.now();
    let armed = false;
    const arm = () => { armed = true; };
    // Another source; or a seek inside what is loaded, which is not the one that a player makes of itself at its start.
    if (at === undefined) video.addEventListener('loadeddata', arm, { once: true });
    else video.addEventListener('seeked', () => Math.abs(video.currentTime - at) < 2 && arm());
    const look = () => {
      if (!armed) return void video.requestVideoFrameCallback(look);
      clearTimeout(late);
      resolve({ ms: performance.now() - began, epochMs: read() });
    };
    const late = setTimeout(() => reject(new Error('no picture: ' + JSON.stringify([video.currentTime, video.readyState,
      eddyErrors, [...Array(video.buffered.length).keys()].map((i) => [video.buffered.start(i), video.buffered.end(i)])]))), 15000);
    video.requestVideoFrameCallback(look);
    go();
  });
  /** The clock of what is on screen. */
  window.eddyNow = read;
})()`;

/** Makes a player's page ready for the functions below. */
export const prepare = (page: Page): Promise<unknown> => page.evaluate(SHOWER);

/** Sets a player as docs/guides/rewind.md says, for seeking over holes. */
export const setForHoles = (page: Page): Promise<unknown> => page.evaluate('window.eddyOneBufferAPeriod?.()');

/** Loads a URL. */
export const showUrl = (page: Page, url: string): Promise<Shown> =>
  page.evaluate<Shown>(
    `eddyShow(() => void eddyLoad(${JSON.stringify(url)}).catch((error) => eddyErrors.push(String(error.code ?? error))))`,
  );

/** Seeks to a moment (epoch ms) within what is loaded; `zero` is the moment at which a static manifest begins. */
export function showMoment(page: Page, player: PlayerName, moment: number, zero: number): Promise<Shown> {
  const position =
    player === 'hls.js'
      ? // As an integrator would: by the dates in the playlist.
        `(() => { const frags = eddyPlayer.levels[eddyPlayer.currentLevel].details.fragments.filter((one) => !one.gap);
          const frag = frags.findLast((one) => one.programDateTime <= ${moment}) ?? frags[0];
          return frag.start + (${moment} - frag.programDateTime) / 1000; })()`
      : String((moment - zero) / 1000);
  return page.evaluate<Shown>(`(() => { const at = ${position}; return eddyShow(() => {
    const video = document.querySelector('video'); video.currentTime = at; video.play(); }, at); })()`);
}

/** The clock of what is on screen, epoch ms. */
export const shownNow = (page: Page): Promise<number | undefined> => page.evaluate<number | undefined>('eddyNow()');

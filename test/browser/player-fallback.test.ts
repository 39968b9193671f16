/** From WebRTC to LL-HLS: the player in Chromium against real playlists and a scripted WHEP endpoint. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { EddyError, type HttpRequest, type HttpResponse } from '../../core/plugin/index.ts';
import { encodeClip, type Clip } from '../support/live-source.ts';
import { launchChromium, openPage } from './chromium.ts';
import { untilPlaying } from './glass-to-glass.ts';
import { startSite } from './player-server.ts';

let browser: Browser;
let clip: Clip;
let site: Awaited<ReturnType<typeof startSite>>;
const pages: Page[] = [];

beforeAll(async () => {
  [browser, clip, site] = await Promise.all([launchChromium(), encodeClip(), startSite()]);
});
afterAll(async () => {
  await browser?.close();
  await site?.stop();
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});

const whep = (camera: string, handler: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>): (() => void) =>
  site.http.route({ method: 'POST', path: `/whep/${camera}`, handler });

const WITHOUT_CANDIDATES = /a=candidate.*\r\n/g;

async function open(path: string): Promise<Page> {
  const { page } = await openPage(browser);
  pages.push(page);
  await page.goto(site.url + path);
  return page;
}
const transport = (page: Page) => page.evaluate<string>('window.eddy.stats().transport');

it('a camera that WebRTC cannot carry plays by LL-HLS, with code and mend', async () => {
  const gone = site.live('bframes', clip);
  const tokens: (string | undefined)[] = [];
  const unmount = whep('bframes', ({ headers }) => {
    tokens.push(headers.authorization);
    throw new EddyError('WEBRTC_CODEC_UNFIT', 'The camera sends H.264 with B-frames.', { details: { status: 409 } });
  });
  const page = await open('/watch/bframes?token=abc');
  await untilPlaying(page);
  expect(await transport(page)).toBe('hls.js');
  const notice = await page.locator('#notice').innerText();
  expect(notice).toContain('The camera sends H.264 with B-frames.');
  expect(notice).toContain('watch by LL-HLS');
  expect(notice).toContain('WEBRTC_CODEC_UNFIT');
  expect(tokens).toEqual(['Bearer abc']);
  // By hand it is asked once more.
  await page.keyboard.press('w');
  await expect.poll(() => tokens.length).toBe(2);
  await untilPlaying(page);
  unmount();
  await gone();
}, 30_000);

it('where neither UDP nor TCP gets through it plays by LL-HLS, and the session is ended', async () => {
  const gone = site.live('walled', clip);
  const answerer = await openPage(browser);
  pages.push(answerer.page);
  await answerer.page.goto('about:blank');
  let deleted = 0;
  const unmounts = [
    whep('walled', async (request) => {
      const offer = new TextDecoder().decode(await request.body());
      // A true answer, of a peer to which no candidate leads.
      const answer = await answerer.page.evaluate<string>(`(async (sdp) => {
        window.peer = new RTCPeerConnection();
        await window.peer.setRemoteDescription({ type: 'offer', sdp });
        await window.peer.setLocalDescription();
        return window.peer.localDescription.sdp;
      })(${JSON.stringify(offer.replace(WITHOUT_CANDIDATES, ''))})`);
      const headers = { 'content-type': 'application/sdp', location: '/whep/walled/1' };
      return { status: 201, headers, body: answer.replace(WITHOUT_CANDIDATES, '') };
    }),
    site.http.route({ method: 'DELETE', path: '/whep/walled/1', handler: () => ((deleted += 1), { status: 200 }) }),
  ];
  const page = await open('/watch/walled');
  await untilPlaying(page);
  expect(await transport(page)).toBe('hls.js');
  expect(await page.locator('#notice').innerText()).toMatch(/neither UDP nor TCP gets through.*TURN/s);
  await expect.poll(() => deleted).toBe(1);
  for (const unmount of unmounts) unmount();
  await gone();
}, 40_000);

it('?via=hls asks no WHEP endpoint; ?catchup lets hls.js speed up', async () => {
  const gone = site.live('plain', clip);
  let asked = 0;
  const unmount = whep('plain', () => ((asked += 1), { status: 500 }));
  const page = await open('/watch/plain?via=hls&catchup');
  await untilPlaying(page);
  expect(await transport(page)).toBe('hls.js');
  expect(asked).toBe(0);
  expect(await page.locator('#notice').isVisible()).toBe(false);
  unmount();
  await gone();
}, 30_000);

/** From WebRTC to LL-HLS: the player in Chromium against real playlists and a scripted WHEP endpoint. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished } from 'vitest';
import { EddyError, type HttpRequest, type HttpResponse, type HttpServer } from '../../core/plugin/index.ts';
import { encodeClip, type Clip } from '../support/live-source.ts';
import { launchChromium, openPage } from './chromium.ts';
import { untilPlaying } from './glass-to-glass.ts';
import { startSite, status } from './player-server.ts';

/** Each step has a limit of its own; that of the whole must not come first on a busy machine. ms. */
const LIMIT = 120_000;

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

/** Taken away after its test however that ended, so that a second attempt begins anew. */
function route(...args: Parameters<HttpServer['route']>): void {
  onTestFinished(site.http.route(...args));
}
const whep = (camera: string, handler: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>): void =>
  route({ method: 'POST', path: `/whep/${camera}`, handler });
const live = (camera: string): void => onTestFinished(site.live(camera, clip));

const WITHOUT_CANDIDATES = /a=candidate.*\r\n/g;

async function open(path: string, { url } = site): Promise<Page> {
  const { page } = await openPage(browser);
  pages.push(page);
  await page.goto(url + path);
  return page;
}
const transport = (page: Page) => page.evaluate<string>('window.eddy.stats().transport');

it(
  'a camera that WebRTC cannot carry plays by LL-HLS, with code and mend',
  async () => {
    live('bframes');
    const tokens: (string | undefined)[] = [];
    whep('bframes', ({ headers }) => {
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
    await expect.poll(() => tokens.length, { timeout: 10_000 }).toBe(2);
    await untilPlaying(page);
  },
  LIMIT,
);

it(
  'where neither UDP nor TCP gets through it plays by LL-HLS, and the session is ended',
  async () => {
    live('walled');
    const answerer = await openPage(browser);
    pages.push(answerer.page);
    await answerer.page.goto('about:blank');
    let deleted = 0;
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
    });
    route({ method: 'DELETE', path: '/whep/walled/1', handler: () => ((deleted += 1), { status: 200 }) });
    const page = await open('/watch/walled');
    await untilPlaying(page);
    expect(await transport(page)).toBe('hls.js');
    expect(await page.locator('#notice').innerText()).toMatch(/neither UDP nor TCP gets through.*TURN/s);
    await expect.poll(() => deleted, { timeout: 10_000 }).toBe(1);
  },
  LIMIT,
);

it(
  '?via=hls asks no WHEP endpoint; ?catchup lets hls.js speed up',
  async () => {
    live('plain');
    let asked = 0;
    whep('plain', () => ((asked += 1), { status: 500 }));
    const page = await open('/watch/plain?via=hls&catchup');
    await untilPlaying(page);
    expect(await transport(page)).toBe('hls.js');
    expect(asked).toBe(0);
    expect(await page.locator('#notice').isVisible()).toBe(false);
  },
  LIMIT,
);

it(
  'goes on by itself between whichever two questions about it the camera comes back',
  async () => {
    // Where nothing publishes HLS, nothing but WebRTC can bring it back.
    const site = await startSite({ hls: '/none' });
    const cameras = [1, 2, 3, 4, 5, 6].map((returnsAfter) => {
      const id = `back${returnsAfter}`;
      const camera = { id, posts: 0, questions: 0, here: true };
      const handler = (): never => {
        camera.posts += 1;
        // From the first POST on the camera is away.
        if (camera.posts === 1) camera.here = false;
        throw new EddyError('CAMERA_AWAY', 'Nobody publishes it now.', { details: { status: 409, retryAfter: 2 } });
      };
      site.http.route({ method: 'POST', path: `/whep/${id}`, handler });
      const seen = {
        ...status(id),
        get state() {
          if (camera.here) return 'live' as const;
          camera.questions += 1;
          camera.here = camera.questions >= returnsAfter;
          return 'lingering' as const;
        },
      };
      return { camera, seen };
    });
    site.engine.cameras = cameras.map(({ seen }) => seen);
    await Promise.all(
      cameras.map(async ({ camera }) => {
        const page = await open(`/watch/${camera.id}`, site);
        await expect.poll(() => camera.posts, { timeout: 15_000, message: camera.id }).toBeGreaterThan(1);
        // What it says meanwhile promises that it goes on.
        // While it tries again it says nothing for a moment.
        await expect
          .poll(() => page.evaluate('window.eddy.reason()?.kind'), { message: camera.id, timeout: 15_000 })
          .toBe('waiting');
      }),
    );
    await Promise.all(pages.splice(0).map((page) => page.close()));
    await site.stop();
  },
  LIMIT,
);

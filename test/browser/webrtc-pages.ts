/**
 * WHIP and WHEP clients of a few lines for pages of tests, as text: `window.webrtc` in a page of any origin.
 *
 * `publish(url, options)` sends a canvas with the block clock (and a tone) by WHIP, `watch(url, options)` plays by WHEP into
 * a <video>; both give what was said over HTTP too.
 */
import type { Page } from 'playwright-core';
import { blockClockSource } from '../../core/media/block-clock.ts';
import { beepsSource } from './av-sync.ts';
import { openBlank } from './chromium.ts';

/** What a page is told to send. */
export interface PublishOptions {
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  /** Restricts the offer to this codec: `VP8`. Default: as the browser offers. */
  readonly codec?: string;
  readonly simulcast?: readonly { rid: string; scaleResolutionDownBy?: number; maxBitrate?: number }[];
  readonly audio?: boolean;
  /** Beeps at every half second of the wall clock in place of a steady tone, for `av-sync.ts`. */
  readonly beeps?: boolean;
  /** Colour of the picture below the clock, to tell cameras apart. */
  readonly hue?: number;
  readonly token?: string;
  readonly bitrate?: number;
}

/** What came of a POST. */
export interface Started {
  readonly status: number;
  readonly offer: string;
  readonly body: string;
  readonly location: string;
  readonly etag: string;
  readonly link: string;
}

const library = `(() => {
  ${blockClockSource}
  const pcs = {};
  const sessions = {};
  const post = async (pc, url, token) => {
    const auth = token ? { authorization: 'Bearer ' + token } : {};
    const response = await fetch(url, {
      method: 'POST', body: pc.localDescription.sdp, headers: { 'content-type': 'application/sdp', ...auth },
    });
    const started = {
      status: response.status, offer: pc.localDescription.sdp, body: await response.text(),
      location: new URL(response.headers.get('location') ?? '', url).href,
      etag: response.headers.get('etag') ?? '', link: response.headers.get('link') ?? '',
    };
    if (response.status === 201) await pc.setRemoteDescription({ type: 'answer', sdp: started.body });
    return started;
  };
  const connected = (pc) => new Promise((resolve, reject) => {
    const look = () => {
      if (pc.connectionState === 'connected') resolve();
      if (pc.connectionState === 'failed') reject(new Error('the connection failed'));
    };
    pc.addEventListener('connectionstatechange', look);
    look();
  });
  const gathered = (pc) => new Promise((resolve) => {
    const look = () => pc.iceGatheringState === 'complete' && resolve();
    pc.addEventListener('icegatheringstatechange', look);
    look();
  });
  const paint = ({ width = 640, height = 360, fps = 30, hue = 0 }) => {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d');
    const size = width / 32;
    let count = 0;
    const draw = () => {
      const now = performance.timeOrigin + performance.now();
      context.fillStyle = 'hsl(' + hue + ',60%,' + (40 + (count % 20)) + '%)';
      context.fillRect(0, 2 * size, width, height);
      context.fillStyle = '#fff';
      context.fillRect((count * 7) % width, height / 2, 40, 40);
      blockClockBits(Math.floor(now), count % 1024).forEach((bit, i) => {
        context.fillStyle = bit ? '#fff' : '#000';
        context.fillRect((i % 32) * size, Math.floor(i / 32) * size, size, size);
      });
      count += 1;
    };
    draw();
    setInterval(draw, 1000 / fps);
    return canvas.captureStream(fps);
  };
  const tone = () => {
    const audio = new AudioContext();
    const source = audio.createOscillator();
    const sink = audio.createMediaStreamDestination();
    source.connect(sink);
    source.start();
    return sink.stream.getAudioTracks()[0];
  };
  ${beepsSource}
  const offerOf = async (pc, options, stream) => {
    const { codec, simulcast, audio = true, bitrate = 2_500_000 } = options;
    const sender = pc.addTransceiver(stream.getVideoTracks()[0], {
      direction: 'sendonly', streams: [stream],
      sendEncodings: simulcast ? [...simulcast] : [{ maxBitrate: bitrate }],
    });
    if (codec) {
      const { codecs } = RTCRtpSender.getCapabilities('video');
      const rank = (c) => c.mimeType === 'video/' + codec || c.mimeType === 'video/rtx';
      sender.setCodecPreferences(codecs.filter(rank));
    }
    if (audio) pc.addTransceiver(options.beeps ? beeps() : tone(), { direction: 'sendonly', streams: [stream] });
    await pc.setLocalDescription();
  };
  window.webrtc = {
    pcs,
    async publish(url, options = {}) {
      const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      (pcs[url] ??= []).push(pc);
      await offerOf(pc, options, paint(options));
      const started = await post(pc, url, options.token);
      if (started.status === 201) await connected(pc);
      return started;
    },
    async watch(url, { token, audio = true, video = true } = {}) {
      const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      (pcs[url] ??= []).push(pc);
      const stream = new MediaStream();
      pc.ontrack = ({ track }) => stream.addTrack(track);
      if (video) pc.addTransceiver('video', { direction: 'recvonly' });
      if (audio) pc.addTransceiver('audio', { direction: 'recvonly' });
      await pc.setLocalDescription();
      const element = document.createElement('video');
      Object.assign(element, { muted: true, autoplay: true, playsInline: true, width: 640 });
      document.body.append(element);
      element.srcObject = stream;
      const asked = performance.now();
      const started = await post(pc, url, token);
      if (started.status !== 201) return started;
      sessions[url] = { pc, location: started.location };
      if (video) await new Promise((resolve) => element.requestVideoFrameCallback(resolve));
      else await connected(pc);
      return { ...started, firstFrame: performance.now() - asked };
    },
    /** Ends the last connection to this address, as players do. */
    async leave(url) {
      const { pc, location } = sessions[url];
      await fetch(location, { method: 'DELETE' });
      pc.close();
      document.querySelector('video')?.remove();
    },
    /** Half of a connection from page to page, without a server: what the method itself costs. */
    async floorOffer(options = {}) {
      const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      (pcs.floor ??= []).push(pc);
      await offerOf(pc, { codec: 'H264', audio: false, ...options }, paint(options));
      await gathered(pc);
      return pc.localDescription.sdp;
    },
    async floorAnswer(sdp) {
      const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      (pcs.floor ??= []).push(pc);
      const element = document.createElement('video');
      Object.assign(element, { muted: true, autoplay: true, playsInline: true, width: 640 });
      document.body.append(element);
      const stream = (element.srcObject = new MediaStream());
      pc.ontrack = ({ track }) => stream.addTrack(track);
      await pc.setRemoteDescription({ type: 'offer', sdp });
      await pc.setLocalDescription();
      await gathered(pc);
      window.firstFrame = new Promise((resolve) => element.requestVideoFrameCallback(() => resolve()));
      return pc.localDescription.sdp;
    },
    floorConnect: (sdp) => pcs.floor[0].setRemoteDescription({ type: 'answer', sdp }),
    /** Settles with the ms until a picture is shown whose hue is nearest to this one, and its size. */
    untilHue(hue, timeout = 5000) {
      const video = document.querySelector('video');
      const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
      const context = canvas.getContext('2d', { willReadFrequently: true });
      const began = performance.now();
      return new Promise((resolve, reject) => {
        // The picture's own size: the element's follows a moment later.
        const look = (_now, { width, height }) => {
          context.drawImage(video, width * 0.1, height * 0.85, 8, 8, 0, 0, 1, 1);
          const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
          const max = Math.max(r, g, b), span = max - Math.min(r, g, b) || 1;
          const seen = 60 * (max === r ? ((g - b) / span + 6) % 6 : max === g ? (b - r) / span + 2 : (r - g) / span + 4);
          const apart = Math.abs(((seen - hue + 540) % 360) - 180);
          if (apart < 30) {
            // What was drawn may be newer than the picture that this call is about: the next one's own size counts.
            const after = performance.now() - began;
            return video.requestVideoFrameCallback((_now, { width, height }) => resolve({ after, width, height }));
          }
          if (performance.now() - began > timeout) return reject(new Error('hue ' + seen + ' instead of ' + hue));
          video.requestVideoFrameCallback(look);
        };
        video.requestVideoFrameCallback(look);
      });
    },
    async stats(url) {
      const reports = await pcs[url].at(-1).getStats();
      return [...reports.values()].filter(({ type }) => type === 'inbound-rtp' || type === 'outbound-rtp');
    },
    async offer(options) {
      const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      if (options) await offerOf(pc, options, paint(options));
      else {
        pc.addTransceiver('video', { direction: 'recvonly' });
        pc.addTransceiver('audio', { direction: 'recvonly' });
        await pc.setLocalDescription();
      }
      await gathered(pc);
      const { sdp } = pc.localDescription;
      pc.close();
      return sdp;
    },
  };
})()`;

/** Opens an empty page of this origin with the library in it. */
export async function webrtcPage(page: Page, origin: string): Promise<Page> {
  await openBlank(page, origin);
  await page.evaluate(library);
  return page;
}

const call = (name: string, ...args: unknown[]): string =>
  `window.webrtc.${name}(${args.map((arg) => JSON.stringify(arg) ?? 'undefined').join(', ')})`;

/** Publishes from a page; settles when it is connected, or was refused. */
export const publish = (page: Page, url: string, options: PublishOptions = {}): Promise<Started> =>
  page.evaluate(call('publish', url, options));

/** Watches in a page; settles with the first picture, or the refusal. */
export const watch = (
  page: Page,
  url: string,
  options: { token?: string; audio?: boolean; video?: boolean } = {},
): Promise<Started & { readonly firstFrame?: number }> => page.evaluate(call('watch', url, options));

/** Ends what this page watches at this address. */
export const leave = (page: Page, url: string): Promise<void> => page.evaluate(call('leave', url));

/** A publisher in one page and a player in another, without a server between them. */
export async function floor(from: Page, to: Page, options: PublishOptions = {}): Promise<void> {
  const sdp = await from.evaluate<string>(call('floorOffer', options));
  const answer = await to.evaluate<string>(call('floorAnswer', sdp));
  await from.evaluate(call('floorConnect', answer));
  await to.evaluate('window.firstFrame');
}

/** Waits for a picture of this hue; `after` is ms. */
export const untilHue = (page: Page, hue: number): Promise<{ after: number; width: number; height: number }> =>
  page.evaluate(call('untilHue', hue));

/** An offer of this browser, with its candidates: to publish, or without options to watch. */
export const offer = (page: Page, options?: PublishOptions): Promise<string> => page.evaluate(call('offer', options));

/** RTP figures of the last connection to this address. */
export const statsOf = (page: Page, url: string): Promise<Record<string, number>[]> =>
  page.evaluate(call('stats', url));

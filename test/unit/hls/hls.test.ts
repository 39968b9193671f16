import { EddyError } from 'eddy/plugin';
import { describe, expect, it } from 'vitest';
import { audioCaps, chunk, FIRST, segments, START, videoCaps } from '../../support/chunks.ts';
import { readMediaPlaylist } from '../../support/hls-text.ts';
import { settle } from '../../../core/testing/clock.ts';
import { hlsStage } from './stage.ts';

const LIVE = '/hls/cam1/video/live.m3u8';

async function liveStage(options: Parameters<typeof hlsStage>[0] = {}) {
  const stage = await hlsStage(options);
  const flow = stage.open();
  const video = flow.track('video', videoCaps());
  const feed = (...chunks: ReturnType<typeof segments>) => chunks.forEach((one) => void video.item(one));
  feed(...segments(0, 2));
  return { ...stage, flow, video, feed };
}

/** Tells whether a promise has settled, without waiting for it. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  void promise.then(() => (pending = false));
  await settle();
  return pending;
}

describe('blocking reloads', () => {
  it('answer when the part is there, at once, and may be cached under their query', async () => {
    const { ask, feed } = await liveStage();
    const answer = ask(`${LIVE}?_HLS_msn=${FIRST + 3}&_HLS_part=1`);
    feed(chunk(3, 0));
    expect(await isPending(answer)).toBe(true);
    feed(chunk(3, 1));
    const { status, headers, text } = await answer;
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('max-age=24');
    expect(text).toContain(`-${FIRST + 3}.w1.1.m4s"`);
  });

  it('take a part past the last as the first of the next segment', async () => {
    const { ask, feed } = await liveStage();
    const answer = ask(`${LIVE}?_HLS_msn=${FIRST + 2}&_HLS_part=4`);
    expect(await isPending(answer)).toBe(true);
    feed(chunk(3, 0));
    expect((await answer).text).toContain(`-${FIRST + 3}.w1.0.m4s"`);
  });

  it('for a whole segment wait until it is told as a whole', async () => {
    const { ask, feed } = await liveStage();
    const answer = ask(`${LIVE}?_HLS_msn=${FIRST + 3}`);
    feed(...segments(3, 3));
    expect(await isPending(answer)).toBe(true);
    feed(chunk(4, 0));
    expect((await answer).text).toContain(`-${FIRST + 3}.w1.m4s\n`);
  });

  it.each([
    [`_HLS_msn=${FIRST + 5}`, 'more than 2 segments ahead'],
    ['_HLS_part=1', 'needs _HLS_msn'],
    ['_HLS_msn=x', 'whole number'],
    [`_HLS_msn=${FIRST + 2}&_HLS_part=10`, 'parts ahead'],
  ])('refuse %s with 400', async (query, message) => {
    const { ask } = await liveStage();
    const { status, code, text } = await ask(`${LIVE}?${query}`);
    expect([status, code]).toEqual([400, 'publish.hls/DIRECTIVE_INVALID']);
    expect(text).toContain(message);
  });

  it('give up with 503 after three target durations', async () => {
    const { ask, clock } = await liveStage();
    const answer = ask(`${LIVE}?_HLS_msn=${FIRST + 3}&_HLS_part=0`);
    await settle();
    await clock.advance(11_900);
    expect(await isPending(answer)).toBe(true);
    await clock.advance(200);
    expect(await answer).toMatchObject({ status: 503, code: 'publish.hls/UPDATE_TIMEOUT' });
  });

  it('stop waiting when the client goes', async () => {
    const { ask } = await liveStage();
    const gone = new AbortController();
    const answer = ask(`${LIVE}?_HLS_msn=${FIRST + 3}&_HLS_part=0`, { signal: gone.signal });
    gone.abort();
    expect((await answer).status).toBe(503);
  });

  it('without directives answer at once and are not cached', async () => {
    const { ask } = await liveStage();
    expect((await ask(LIVE)).headers['cache-control']).toBe('no-cache');
  });

  it('give a thousand viewers the same bytes', async () => {
    const { ask, feed } = await liveStage();
    const query = `${LIVE}?_HLS_msn=${FIRST + 3}&_HLS_part=0`;
    const both = [ask(query), ask(query, { address: '10.0.0.9' })];
    feed(chunk(3, 0));
    const [one, other] = await Promise.all(both);
    expect(one!.bytes).toBe(other!.bytes);
  });
});

describe('a rendition that stops while another goes on', () => {
  const LOW = '/hls/cam1/low/live.m3u8';
  const gap = (number: number) =>
    [0, 1, 2, 3].map((part) => chunk(number, part, { gap: true, independent: false, data: new Uint8Array() }));

  async function stopped() {
    const stage = await liveStage();
    const low = stage.flow.track('low', videoCaps());
    segments(0, 2).forEach((one) => void low.item(one));
    stage.feed(...segments(3, 3));
    return { ...stage, tell: (number: number) => gap(number).forEach((one) => void low.item(one)) };
  }

  it('has a playlist that goes on, and tells of a segment without media as soon as that is known', async () => {
    const { ask, tell } = await stopped();
    const answer = ask(`${LOW}?_HLS_msn=${FIRST + 3}`);
    expect(await isPending(answer)).toBe(true);
    tell(3);
    const playlist = readMediaPlaylist((await answer).text, (finding) => expect.fail(finding));
    const segment = playlist.segments.at(-1)!;
    expect(segment).toMatchObject({ number: FIRST + 3, gap: true, duration: 2, programDateTime: START + 6000 });
    expect(segment.parts.map((part) => part.gap)).toEqual([true, true, true, true]);
    expect(playlist.segments.filter((each) => each.gap)).toHaveLength(1);
    expect((await ask(`/hls/cam1/low/${segment.uri}`)).status).toBe(404);
  });

  it('is not offered to newcomers until it has media again, but reported to those who play another', async () => {
    const { ask, tell, feed, flow } = await stopped();
    const index = async () => (await ask('/hls/cam1/index.m3u8')).text;
    expect(await index()).toContain('low/live.m3u8');
    tell(3);
    expect(await index()).not.toContain('low/live.m3u8');
    expect((await ask(LIVE)).text).toContain(`URI="../low/live.m3u8",LAST-MSN=${FIRST + 3},LAST-PART=3`);
    feed(chunk(4, 0));
    void flow.track('low', videoCaps()).item(chunk(4, 0));
    expect(await index()).toContain('low/live.m3u8');
  });

  it('counts a discontinuity that lies in its gap', async () => {
    const { ask, flow, feed } = await stopped();
    feed(chunk(4, 0, { discontinuity: true }));
    const low = flow.track('low', videoCaps());
    for (const one of [...gap(3), ...gap(4)]) {
      void low.item({ ...one, discontinuity: one.segment === FIRST + 4 && one.part === 0 });
    }
    const [mine, other] = await Promise.all([ask(LOW), ask(LIVE)]);
    expect(mine.text.match(/#EXT-X-DISCONTINUITY\n/g)).toHaveLength(1);
    expect(other.text.match(/#EXT-X-DISCONTINUITY\n/g)).toHaveLength(1);
  });
});

describe('media', () => {
  it('has immutable names, and parts make up their segment', async () => {
    const { ask } = await liveStage();
    const stem = `/hls/cam1/video/${START}-${FIRST}.w1`;
    const whole = await ask(`${stem}.m4s`);
    const parts = await Promise.all([0, 1, 2, 3].map((part) => ask(`${stem}.${part}.m4s`)));
    expect(Buffer.concat(parts.map(({ bytes }) => bytes))).toEqual(Buffer.from(whole.bytes));
    expect(whole.headers).toEqual({ 'content-type': 'video/mp4', 'cache-control': 'max-age=31536000, immutable' });
    expect((await ask(`/hls/cam1/video/init-${FIRST}.w1.mp4`)).bytes).toEqual(videoCaps().init);
  });

  it('that is hinted is sent as soon as it exists', async () => {
    const { ask, feed } = await liveStage();
    const hint = /PRELOAD-HINT:TYPE=PART,URI="([^"]*)"/.exec((await ask(LIVE)).text)![1]!;
    const answer = ask(`/hls/cam1/video/${hint}`);
    expect(await isPending(answer)).toBe(true);
    const next = chunk(3, 0);
    feed(next);
    expect((await answer).bytes).toEqual(next.data);
  });

  it('that was hinted and never came is 404 as soon as that is known', async () => {
    const { ask, feed } = await liveStage();
    feed(chunk(3, 0));
    const hint = /PRELOAD-HINT:TYPE=PART,URI="([^"]*)"/.exec((await ask(LIVE)).text)![1]!;
    const answer = ask(`/hls/cam1/video/${hint}`);
    feed(chunk(4, 0));
    expect(await answer).toMatchObject({ status: 404, code: 'publish.hls/MEDIA_UNKNOWN' });
  });

  it('that nobody made is 404, not a wait', async () => {
    const { ask } = await liveStage();
    for (const name of [
      `${START}-${FIRST}.w2.m4s`,
      `${START}-${FIRST}.w1.9.m4s`,
      `${START}-${FIRST + 9}.w1.0.m4s`,
      'x.m4s',
    ]) {
      expect(await ask(`/hls/cam1/video/${name}`)).toMatchObject({ status: 404, code: 'publish.hls/MEDIA_UNKNOWN' });
    }
  });

  it('that left the playlist comes from the timeline', async () => {
    const old = Uint8Array.of(7);
    const timeline = {
      read: async (_c: string, _t: string, name: string) => (name.startsWith('1-') ? old : undefined),
      init: async () => undefined,
      tracks: async () => [],
    };
    const { ask } = await liveStage({ timeline });
    expect((await ask('/hls/cam1/video/1-2.w1.m4s')).bytes).toEqual(old);
    expect((await ask('/hls/cam1/video/3-4.w1.m4s')).status).toBe(404);
  });
});

describe('viewers', () => {
  it('are asked for once, however many requests they make', async () => {
    const { ask, sessions } = await liveStage();
    const moved = await ask('/hls/cam1/index.m3u8?token=a');
    expect(moved).toMatchObject({ status: 302, headers: { location: '/~sealed-cam1/hls/cam1/index.m3u8' } });
    expect((await ask(moved.headers.location!)).status).toBe(200);
    await ask(`/~sealed-cam1${LIVE}`);
    await ask(`/~sealed-cam1${LIVE}`, { address: '10.0.0.9' });
    await ask(LIVE, { headers: { authorization: 'Bearer a' } });
    expect(sessions).toHaveLength(1);
    expect(sessions[0]!.request).toMatchObject({
      ...{ cameraId: 'cam1', action: 'watch', credentials: { token: 'a' } },
      peer: { address: '127.0.0.1', protocol: 'hls', userAgent: 'test' },
    });
  });

  it('who were away too long bring their session, which the engine opens again', async () => {
    const { ask, sessions } = await liveStage();
    expect((await ask(`/~of-another-day${LIVE}`)).status).toBe(200);
    expect(sessions[0]!.request.credentials).toEqual({ session: 'of-another-day' });
  });

  it('keep all else that they asked for when their token is changed for a session', async () => {
    const { ask } = await liveStage();
    const { headers } = await ask(`${LIVE}?_HLS_msn=${FIRST}&token=a&x=%26`);
    expect(headers.location).toBe(`/~sealed-cam1${LIVE}?_HLS_msn=${FIRST}&x=%26`);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('carry their session in a cookie where the pipeline says so', async () => {
    const { ask, sessions } = await liveStage({ carry: 'cookie' });
    const first = await ask('/hls/cam1/index.m3u8?token=a');
    expect(first).toMatchObject({ status: 200, headers: { 'cache-control': 'private, no-store' } });
    expect(first.headers['set-cookie']).toBe('eddy-session-cam1=sealed-cam1; Path=/; HttpOnly; SameSite=Lax');
    const next = await ask(LIVE, { headers: { cookie: 'x=y; eddy-session-cam1=sealed-cam1' } });
    expect(next.headers['cache-control']).toMatch(/^private, /);
    expect(sessions).toHaveLength(1);
  });

  it('are told apart by the session that their player tells, where all else is alike', async () => {
    const { ask, sessions } = await liveStage();
    for (const sid of ['a', 'b', 'a']) await ask(`${LIVE}?CMCD=${encodeURIComponent(`br=1,sid="${sid}"`)}`);
    await ask(LIVE, { headers: { 'cmcd-session': 'sid="b",st=l' } });
    expect(sessions).toHaveLength(2);
  });

  it.each([[{ maxLines: 360 }], [{ maxBitrate: 2000 }]])('have no more than their grant says: %o', async (limits) => {
    const { ask, gates, flow } = await liveStage();
    const large = flow.track('video-720p', videoCaps({ width: 1280, height: 720, bitrate: 5000 }));
    segments(0, 2).forEach((one) => void large.item(one));
    expect((await ask('/hls/cam1/index.m3u8')).text).toContain('video-720p');
    gates.limits = limits;
    const viewer = { address: '10.0.0.2' };
    const { text } = await ask('/hls/cam1/index.m3u8', viewer);
    expect(text).toContain('video/live.m3u8');
    expect(text).not.toContain('video-720p');
    for (const path of ['live.m3u8', `${START}-${FIRST}.w1.m4s`, `${START}-${FIRST}.w1.0.m4s`])
      expect((await ask(`/hls/cam1/video-720p/${path}`, viewer)).code, path).toBe('WATCH_REFUSED');
    expect((await ask(LIVE, viewer)).status).toBe(200);
    gates.limits = { maxLines: 240 };
    expect((await ask('/hls/cam1/index.m3u8', { address: '10.0.0.3' })).code).toBe('WATCH_REFUSED');
  });

  it('need the right to rewind for media that is older than a live player holds', async () => {
    const timeline = { read: async () => Uint8Array.of(7), init: async () => undefined, tracks: async () => [] };
    const { ask, gates, clock } = await liveStage({ timeline });
    const aged = (ms: number) => `/hls/cam1/video/${Math.round(clock.now() - ms)}-7.w1.m4s`;
    gates.tooDeep = new EddyError('REWIND_TOO_DEEP', 'no');
    expect((await ask(aged(119_000))).status).toBe(200);
    expect((await ask(aged(121_000))).code).toBe('REWIND_TOO_DEEP');
    expect((await ask(`/hls/cam1/index.m3u8?start=${Math.round(clock.now() - 121_000)}`)).code).toBe('REWIND_TOO_DEEP');
  });

  it('differ by camera, token, address and player', async () => {
    const { ask, sessions, open } = await liveStage();
    void open('cam2').track('video', videoCaps()).item(chunk(0, 0));
    await ask(LIVE);
    await ask(`${LIVE}?token=a`);
    await ask(LIVE, { address: '10.0.0.1' });
    await ask(LIVE, { headers: { 'user-agent': 'other' } });
    void ask('/hls/cam2/video/live.m3u8');
    expect(sessions).toHaveLength(5);
  });

  it('have left after 30 s of silence; a request that waits is no silence', async () => {
    const { ask, clock, sessions, feed } = await liveStage();
    await ask(LIVE);
    await clock.advance(20_000);
    void ask(`${LIVE}?_HLS_msn=${FIRST + 3}&_HLS_part=0`);
    await clock.advance(11_000);
    expect(sessions[0]!.ended).toBe(false);
    feed(chunk(3, 0));
    await clock.advance(36_000);
    expect(sessions[0]!.ended).toBe(true);
    await ask(LIVE);
    expect(sessions).toHaveLength(2);
  });

  it('who are refused are refused on every route, and asked for again', async () => {
    const { ask, gates } = await liveStage();
    gates.refuse = new EddyError('WATCH_REFUSED', 'no', { details: { reason: 'forbidden' } });
    for (const path of ['/hls/cam1/index.m3u8', LIVE, `/hls/cam1/video/${START}-${FIRST}.w1.0.m4s`]) {
      expect((await ask(path)).code).toBe('WATCH_REFUSED');
    }
    delete gates.refuse;
    expect((await ask(LIVE)).status).toBe(200);
  });

  it('who are revoked lose the answer that they wait for', async () => {
    const { ask, sessions, feed, gates } = await liveStage();
    await ask(LIVE);
    const answer = ask(`${LIVE}?_HLS_msn=${FIRST + 3}&_HLS_part=0`);
    await settle();
    gates.refuse = new EddyError('WATCH_REFUSED', 'revoked');
    sessions[0]!.revoke(gates.refuse);
    feed(chunk(3, 0));
    expect((await answer).code).toBe('WATCH_REFUSED');
    expect((await ask(LIVE)).code).toBe('WATCH_REFUSED');
  });
});

describe('a camera', () => {
  it('that has just begun is waited for, then told as not ready', async () => {
    const stage = await hlsStage();
    const flow = stage.open();
    const index = stage.ask('/hls/cam1/index.m3u8');
    expect(await isPending(index)).toBe(true);
    const video = flow.track('video', videoCaps());
    [...segments(0, 0), chunk(1, 0)].forEach((one) => void video.item(one));
    expect((await index).text).toContain('video/live.m3u8');

    stage.open('cam2');
    const never = stage.ask('/hls/cam2/index.m3u8');
    await settle();
    await stage.clock.advance(11_000);
    expect(await never).toMatchObject({ status: 503, code: 'publish.hls/NOT_READY' });
  });

  it('is offered with its audio even where that comes a little later', async () => {
    const { ask, flow, feed } = await liveStage();
    const audio = flow.track('audio', audioCaps());
    const index = ask('/hls/cam1/index.m3u8');
    expect(await isPending(index)).toBe(true);
    segments(3, 4, { timescale: 48_000 }).forEach((one) => void audio.item(one));
    feed(...segments(3, 3));
    expect((await index).text).toContain('TYPE=AUDIO');
  });

  it('keeps its playlist live while its publisher is awaited, and goes on in it', async () => {
    const { ask, flow, video, states } = await liveStage();
    states.set('cam1', 'lingering');
    void video.end('publisher-ended');
    expect((await ask(LIVE)).text).not.toContain('ENDLIST');
    expect((await ask('/hls/cam1/index.m3u8')).status).toBe(200);
    const back = flow.track('video', videoCaps());
    segments(3, 3, { discontinuity: true, startTs: START + 30_000 }).forEach((one) => void back.item(one));
    const { text } = await ask(LIVE);
    expect(text).toContain(`#EXT-X-MEDIA-SEQUENCE:${FIRST}\n`);
    expect(text).toMatch(/EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME/);
  });

  it('that is away ends its playlists, answers who waits, then is gone', async () => {
    const { ask, flow, states, clock, emit } = await liveStage();
    const waiting = ask(`${LIVE}?_HLS_msn=${FIRST + 3}&_HLS_part=0`);
    states.set('cam1', 'away');
    await flow.close();
    emit({ type: 'camera.away', cameraId: 'cam1' as never });
    expect((await waiting).text).toContain('#EXT-X-ENDLIST');
    expect((await ask('/hls/cam1/index.m3u8')).code).toBe('CAMERA_AWAY');
    await clock.advance(31_000);
    expect((await ask(LIVE)).code).toBe('CAMERA_AWAY');
  });

  it('whose flow is restarted goes on in the same playlist', async () => {
    const { ask, flow, open } = await liveStage();
    await flow.close();
    const video = open().track('video', videoCaps());
    segments(3, 3, { discontinuity: true }).forEach((one) => void video.item(one));
    const { text } = await ask(LIVE);
    expect(text).not.toContain('ENDLIST');
    expect(text).toContain(`#EXT-X-MEDIA-SEQUENCE:${FIRST}\n`);
    expect(text).toContain(`${FIRST + 3}.w1.0.m4s`);
  });

  it('that returns after its end has a new playlist with higher numbers', async () => {
    const { ask, flow, states, open } = await liveStage();
    states.delete('cam1');
    await flow.close();
    expect((await ask(LIVE)).text).toContain('ENDLIST');
    const video = open().track('video', videoCaps());
    segments(9, 10).forEach((one) => void video.item(one));
    expect((await ask(LIVE)).text).toContain(`#EXT-X-MEDIA-SEQUENCE:${FIRST + 9}\n`);
  });

  it('whose sound goes for good ends that rendition and is offered without it', async () => {
    const { ask, flow, feed } = await liveStage();
    const audio = flow.track('audio', audioCaps());
    segments(0, 2, { timescale: 48_000 }).forEach((one) => void audio.item(one));
    void audio.end('publisher-ended');
    feed(...segments(3, 6));
    expect((await ask('/hls/cam1/audio/live.m3u8')).text).toContain('ENDLIST');
    expect((await ask('/hls/cam1/index.m3u8')).text).not.toContain('AUDIO');
    expect((await ask(LIVE)).text).not.toContain('RENDITION-REPORT');
  });

  it('has no track by that name', async () => {
    const { ask } = await liveStage();
    expect(await ask('/hls/cam1/nope/live.m3u8')).toMatchObject({ status: 404, code: 'publish.hls/MEDIA_UNKNOWN' });
  });
});

it('unmounts its routes and ends its sessions with its scope', async () => {
  const { ask, routes, scope, sessions } = await liveStage();
  await ask(LIVE);
  await scope.close();
  await settle();
  expect(routes).toHaveLength(0);
  expect(sessions[0]!.ended).toBe(true);
});

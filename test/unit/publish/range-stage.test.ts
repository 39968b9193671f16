/** Stretches of the past on HLS and DASH: what is listed, for cameras that are live and for those that are away. */
import { describe, expect, it } from 'vitest';
import type { CameraId } from 'eddy/plugin';
import { FakeTimeline } from '../../../core/testing/fakes/segments.ts';
import { audioCaps, FIRST, segments, START, videoCaps } from '../../support/chunks.ts';
import { checkMpd } from '../../support/dash-rules.ts';
import { readMpd } from '../../support/dash-text.ts';
import { readMediaPlaylist } from '../../support/hls-text.ts';
import { recordTrack } from '../../support/recorder.ts';
import { dashStage, hlsStage } from '../hls/stage.ts';

const CAMERA = 'cam1' as CameraId;

/** Ten segments of two seconds, a hole of seven, then ten by another writer. */
async function recorded() {
  const timeline = new FakeTimeline();
  const tracks = { video: videoCaps(), audio: audioCaps() };
  for (const [id, caps] of Object.entries(tracks)) {
    const reader = recordTrack(timeline, CAMERA, id, caps);
    const { timescale } = caps;
    for (const one of segments(0, 9, { timescale })) await reader.item(one);
    for (const one of segments(10, 19, { timescale, writer: 'w2' })) {
      await reader.item({
        ...one,
        startTs: one.startTs + 7000,
        discontinuity: one.segment === FIRST + 10 && one.part === 0,
      });
    }
  }
  return timeline;
}

function playlist(text: string) {
  const findings: string[] = [];
  return { ...readMediaPlaylist(text, (finding) => findings.push(finding)), findings };
}

describe('HLS', () => {
  it('begins exactly at the moment, with the segment that holds it', async () => {
    const { ask } = await hlsStage({ timeline: await recorded() });
    const index = await ask(`/hls/cam1/index.m3u8?start=${START + 5250}&duration=4s`);
    expect(index.text).toContain('#EXT-X-START:TIME-OFFSET=1.250,PRECISE=YES');
    expect(index.text).toContain(`video/range.m3u8?start=${START + 5250}&end=${START + 9250}`);
    const { text, headers } = await ask(`/hls/cam1/video/range.m3u8?start=${START + 5250}&end=${START + 9250}`);
    expect(text).toContain('#EXT-X-START:TIME-OFFSET=1.250,PRECISE=YES');
    expect(headers['cache-control']).toBe('max-age=60');
    const { segments: listed, ended, findings } = playlist(text);
    expect(findings).toEqual([]);
    expect(ended).toBe(true);
    expect(listed.map(({ programDateTime }) => programDateTime! - START)).toEqual([4000, 6000, 8000]);
  });

  it('tells a hole as one GAP and a DISCONTINUITY, alike in every track', async () => {
    const { ask } = await hlsStage({ timeline: await recorded() });
    const kinds = await Promise.all(
      ['video', 'audio'].map(async (track) => {
        const { text } = await ask(`/hls/cam1/${track}/range.m3u8?start=${START + 16_000}&end=${START + 31_000}`);
        return playlist(text).segments.map(({ gap, discontinuity }) => (gap ? 'gap' : discontinuity ? 'cut' : 'media'));
      }),
    );
    expect(kinds[0]).toEqual(['media', 'media', 'gap', 'cut', 'media']);
    expect(kinds[1]).toEqual(kinds[0]);
  });

  it('a moment within a hole is the first media after it', async () => {
    const { ask } = await hlsStage({ timeline: await recorded() });
    const { text } = await ask(`/hls/cam1/video/range.m3u8?start=${START + 22_000}&end=${START + 31_000}`);
    expect(text).toContain('TIME-OFFSET=0.000');
    expect(playlist(text).segments[0]!.programDateTime).toBe(START + 27_000);
  });

  it('an open end follows the camera while it is live, by updates that leave out what is known', async () => {
    const timeline = await recorded();
    const { ask, states, clock } = await hlsStage({ timeline });
    states.set('cam1', 'live');
    const url = `/hls/cam1/video/range.m3u8?start=${START}`;
    const { text, headers } = await ask(url);
    expect(headers['cache-control']).toBe('no-cache');
    expect(text).toContain('#EXT-X-PLAYLIST-TYPE:EVENT');
    expect(playlist(text)).toMatchObject({ ended: false });
    const more = recordTrack(timeline, CAMERA, 'video', videoCaps());
    for (const one of segments(20, 20, { writer: 'w2' })) await more.item({ ...one, startTs: one.startTs + 7000 });
    await clock.advance(1000);
    const grown = playlist((await ask(url)).text).segments;
    expect(grown).toHaveLength(playlist(text).segments.length + 1);
    const delta = (await ask(`${url}&_HLS_skip=YES`)).text;
    expect(delta).toContain(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${grown.length - 7}`);
    expect(delta).toContain(`-${FIRST + 20}.w2.m4s`);
  });

  it('the same bytes are given to whoever asks for the same again', async () => {
    const { ask } = await hlsStage({ timeline: await recorded() });
    const url = `/hls/cam1/video/range.m3u8?start=${START}&duration=30s`;
    expect((await ask(url)).raw).toBe((await ask(url)).raw);
  });

  it('asks whether the viewer may rewind, and gives a rewinder the media', async () => {
    const { ask, sessions } = await hlsStage({ timeline: await recorded() });
    await ask(`/hls/cam1/video/range.m3u8?start=${START}&duration=30s`);
    expect((await ask(`/hls/cam1/video/${START}-${FIRST}.w1.m4s`)).status).toBe(200);
    expect(sessions.map(({ request }) => request.action)).toEqual(['rewind']);
    await ask('/hls/cam1/video/live.m3u8');
    // The same viewer, who watches now.
    expect(sessions).toHaveLength(1);
  });

  it.each([
    ['start=yesterday', 400, 'RANGE_INVALID'],
    [`start=${START - 90_000}&duration=5s`, 404, 'RANGE_EMPTY'],
  ])('refuses %s', async (query, status, code) => {
    const { ask } = await hlsStage({ timeline: await recorded() });
    expect(await ask(`/hls/cam1/index.m3u8?${query}`)).toMatchObject({ status, code: `publish.hls/${code}` });
  });

  it('without a timeline there is no past', async () => {
    const { ask } = await hlsStage();
    expect((await ask(`/hls/cam1/index.m3u8?start=${START}`)).code).toBe('publish.hls/RANGE_EMPTY');
  });
});

describe('DASH', () => {
  it('lists every segment, in a Period for each stretch, and finds each by its media time', async () => {
    const { ask } = await dashStage({ timeline: await recorded() });
    const { text } = await ask(`/dash/cam1/manifest.mpd?start=${START + 5250}&end=${START + 40_000}`);
    const mpd = readMpd(text);
    expect(checkMpd(mpd)).toEqual([]);
    expect(mpd.dynamic).toBe(false);
    expect(mpd.periods.map(({ start, duration }) => [start, duration])).toEqual([
      [0, 16],
      [23, 14],
    ]);
    for (const period of mpd.periods) {
      for (const { media, segments: listed, initialization } of period.tracks) {
        expect((await ask(`/dash/cam1/${initialization}`)).status).toBe(200);
        for (const { time } of listed!) {
          expect((await ask(`/dash/cam1/${media.replace('$Time$', String(time))}`)).bytes).toHaveLength(400);
        }
      }
    }
  });

  it('an open end is a live manifest whose players begin at the moment, whenever they look again', async () => {
    const { ask, states, clock } = await dashStage({ timeline: await recorded(), now: START + 50_000 });
    states.set('cam1', 'live');
    const { text } = await ask(`/dash/cam1/manifest.mpd?start=${START + 5250}`);
    const { root, dynamic, periods } = readMpd(text);
    expect(dynamic).toBe(true);
    expect(checkMpd(readMpd(text))).toEqual([]);
    expect(periods.at(-1)!.duration).toBeUndefined();
    expect(root.attributes.suggestedPresentationDelay).toBe('PT44.75S');
    const location = root.children.find(({ name }) => name === 'Location')!.text;
    await clock.advance(5000);
    const again = readMpd((await ask(`/dash/cam1/${location}`)).text);
    expect(again.root.attributes.suggestedPresentationDelay).toBe('PT44.75S');
  });

  it.each([
    ['end=5', 400, 'RANGE_INVALID'],
    [`start=${START - 90_000}&duration=5s`, 404, 'RANGE_EMPTY'],
  ])('refuses %s', async (query, status, code) => {
    const { ask } = await dashStage({ timeline: await recorded() });
    expect(await ask(`/dash/cam1/manifest.mpd?${query}`)).toMatchObject({ status, code: `publish.dash/${code}` });
  });
});

describe('the live playlist after a restart', () => {
  it('goes on with what was before, a discontinuity, and numbers that never go back', async () => {
    const { ask, open } = await hlsStage({
      timeline: await recorded(),
      config: { window: 600_000 },
      now: START + 50_000,
    });
    const video = open().track('video', videoCaps());
    for (const one of segments(21, 22, { writer: 'w3' })) await video.item({ ...one, startTs: one.startTs + 9000 });
    const { segments: listed, findings } = playlist((await ask('/hls/cam1/video/live.m3u8')).text);
    expect(findings).toEqual([]);
    expect(listed.map(({ number }) => number - FIRST)).toEqual(Array.from({ length: 23 }, (_, index) => index));
    expect(listed.filter(({ discontinuity }) => discontinuity).map(({ number }) => number - FIRST)).toEqual([10, 21]);
    // Number 20 never was.
    expect(listed.filter(({ gap }) => gap).map(({ number }) => number - FIRST)).toEqual([20]);
    expect((await ask(`/hls/cam1/video/${listed[3]!.uri}`)).bytes).toHaveLength(400);
  });

  it('and DASH tells of it in Periods of its own', async () => {
    const { ask, open } = await dashStage({
      timeline: await recorded(),
      config: { window: 600_000 },
      now: START + 50_000,
    });
    const video = open().track('video', videoCaps());
    for (const one of segments(21, 23, { writer: 'w3' })) await video.item({ ...one, startTs: one.startTs + 9000 });
    const mpd = readMpd((await ask('/dash/cam1/manifest.mpd')).text);
    expect(checkMpd(mpd)).toEqual([]);
    expect(mpd.periods.map(({ id }) => id)).toEqual([`w1-${FIRST}`, `w2-${FIRST + 10}`, `w3-${FIRST + 21}`]);
    const [{ media, startNumber }] = mpd.periods[0]!.tracks as [(typeof mpd.periods)[0]['tracks'][0]];
    expect((await ask(`/dash/cam1/${media.replace('$Number$', String(startNumber! + 3))}`)).bytes).toHaveLength(400);
  });
});

import { describe, expect, it } from 'vitest';
import { beginAt, momentAt, positionOf } from '../../../plugins/web/player/client/fragments.ts';
import { linkTo, parseMoment } from '../../../plugins/web/player/client/links.ts';
import { parseStoryboard } from '../../../plugins/web/player/client/webvtt.ts';
import { dayOf } from '../../../plugins/web/shared/client/format.ts';

const T = Date.UTC(2026, 4, 4, 12);
const iso = (ms: number): string => new Date(ms).toISOString();

describe('between media time and the wall clock', () => {
  const fragments = [
    { start: 0, duration: 2, programDateTime: T },
    { start: 2, duration: 2, programDateTime: T + 2000 },
    { start: 4, duration: 2, programDateTime: T + 4000, gap: true },
    { start: 6, duration: 2, programDateTime: T + 600_000 },
  ];

  it('finds a moment, and not one that is in a hole or not listed', () => {
    expect(positionOf(fragments, T + 3500)).toBe(3.5);
    expect(positionOf(fragments, T + 600_500)).toBe(6.5);
    expect(positionOf(fragments, T - 1)).toBe(0);
    for (const moment of [T - 5, T + 4500, T + 300_000, T + 602_000])
      expect(positionOf(fragments, moment)).toBeUndefined();
  });

  it('tells the moment of a position, over a hole too', () => {
    expect(momentAt(fragments, 2.25)).toBe(T + 2250);
    expect(momentAt(fragments, 7)).toBe(T + 601_000);
    expect(momentAt([], 7)).toBeUndefined();
    expect(momentAt([{ start: 1, duration: 1, programDateTime: T }], 0)).toBeUndefined();
  });
});

describe('where a playlist begins', () => {
  const segment = (at: number, tags = ''): string =>
    `${tags}#EXT-X-PROGRAM-DATE-TIME:${iso(at)}\n#EXTINF:2.00000,\n${at}.m4s`;
  const playlist = [
    '#EXTM3U',
    '#EXT-X-START:TIME-OFFSET=0.000,PRECISE=YES',
    '#EXT-X-TARGETDURATION:2',
    segment(T),
    segment(T + 2000),
    segment(T + 4000).replace('#EXTINF', '#EXT-X-GAP\n#EXTINF'),
    segment(T + 600_000, '#EXT-X-DISCONTINUITY\n'),
    '#EXT-X-ENDLIST\n',
  ].join('\n');
  const offset = (moment: number): string[] =>
    beginAt(playlist, moment)
      .split('\n')
      .filter((line) => line.startsWith('#EXT-X-START'));

  it('is at the moment, or at the next media after it', () => {
    expect(offset(T + 3250)).toEqual(['#EXT-X-START:TIME-OFFSET=3.250,PRECISE=YES']);
    expect(offset(T - 5000)).toEqual(['#EXT-X-START:TIME-OFFSET=0.000,PRECISE=YES']);
    expect(offset(T + 300_000)).toEqual(['#EXT-X-START:TIME-OFFSET=6.000,PRECISE=YES']);
    expect(offset(T + 601_500)).toEqual(['#EXT-X-START:TIME-OFFSET=7.500,PRECISE=YES']);
    // Nothing else is touched.
    expect(
      beginAt(playlist, T)
        .split('\n')
        .filter((line) => !line.includes('START')),
    ).toEqual(playlist.split('\n').filter((line) => !line.includes('START')));
  });

  it('is left to the media playlists by a multivariant one', () => {
    const text = '#EXTM3U\n#EXT-X-START:TIME-OFFSET=1.0,PRECISE=YES\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n';
    expect(beginAt(text, T)).toBe('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n');
  });
});

it('reads storyboards: moments from their own zero, places in sheets beside the text', () => {
  const text = `WEBVTT\n\nNOTE 0 is then\n\n00:00:00.000 --> 00:00:10.000\nstoryboard.jpg?at=1&places=2#xywh=0,0,160,90\n
01:00:10.000 --> 01:00:20.500\nstoryboard.jpg?at=1&places=2#xywh=160,90,160,90\n`;
  expect(parseStoryboard(text, 'http://x/api/v1/cameras/a/storyboard.vtt?start=5', T)).toEqual([
    {
      start: T,
      end: T + 10_000,
      url: 'http://x/api/v1/cameras/a/storyboard.jpg?at=1&places=2',
      x: 0,
      y: 0,
      width: 160,
      height: 90,
    },
    {
      start: T + 3_610_000,
      end: T + 3_620_500,
      url: 'http://x/api/v1/cameras/a/storyboard.jpg?at=1&places=2',
      x: 160,
      y: 90,
      width: 160,
      height: 90,
    },
  ]);
  expect(parseStoryboard('WEBVTT\n', 'http://x/', T)).toEqual([]);
});

it('reads the moments of links, and nothing that is none', () => {
  expect(parseMoment(String(T))).toBe(T);
  expect(parseMoment('2026-05-04T12:00:00Z')).toBe(T);
  expect(parseMoment('2026-05-04T14:00:00.250+02:00')).toBe(T + 250);
  expect(parseMoment('2026-05-04T14:00 02:00')).toBe(T);
  for (const text of [null, '', 'yesterday', '2026-05-04T12:00:00', '2026-13-04T12:00:00Z', '-5'])
    expect(parseMoment(text)).toBeUndefined();
});

it('makes links to a moment that carry no key', () => {
  const here = 'http://eddy:8080/watch/cam1?token=secret&via=hls';
  expect(linkTo(here, 'door 1', T)).toBe('http://eddy:8080/watch/door%201?at=2026-05-04T12%3A00%3A00.000Z');
  expect(linkTo(here, 'door1', undefined)).toBe('http://eddy:8080/watch/door1');
});

it('names the day where it is not today', () => {
  const now = new Date(2026, 4, 4, 15).getTime();
  expect([dayOf(now - 3_600_000, now), dayOf(now - 86_400_000, now), dayOf(undefined, now)]).toEqual([
    '',
    'Sun 3 May',
    '',
  ]);
});

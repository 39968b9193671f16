import { describe, expect, it } from 'vitest';
import { mediaPlaylist, partHoldBackOf } from '../../../plugins/publish/hls/media-playlist.ts';
import { multivariantPlaylist } from '../../../plugins/publish/hls/multivariant.ts';
import { LiveTrack } from '../../../plugins/publish/shared/live-track.ts';
import { audioCaps, chunk, FIRST, segments, START, videoCaps } from '../../support/chunks.ts';
import { readMediaPlaylist } from '../../support/hls-text.ts';

const OPTIONS = { window: 30, grace: 30 };

function track(chunks: ReturnType<typeof segments> = [], caps = videoCaps(), id = 'video'): LiveTrack {
  const made = new LiveTrack(id, caps, 0, OPTIONS);
  for (const one of chunks) expect(made.append(one)).toBe(true);
  return made;
}

function render(of: LiveTrack, changes: Partial<Parameters<typeof mediaPlaylist>[1]> = {}): string {
  return mediaPlaylist(of, {
    skip: false,
    partHoldBack: partHoldBackOf(of, undefined),
    others: [],
    ...changes,
  });
}

const read = (text: string) =>
  readMediaPlaylist(text, (finding) => {
    throw new Error(`${finding}\n${text}`);
  });

describe('a live media playlist', () => {
  it('says what low latency needs, in numbers that fit each other', () => {
    const { tags } = read(render(track(segments(0, 2))));
    expect(tags).toMatchObject({
      ...{
        targetDuration: 4,
        partTarget: 0.5,
        partHoldBack: 1.5,
        holdBack: 12,
        canSkipUntil: 24,
        canBlockReload: true,
      },
      ...{ mediaSequence: FIRST, discontinuitySequence: 0, independentSegments: true },
    });
  });

  it('names segments and parts by server time, number and writer', () => {
    const playlist = read(render(track(segments(0, 1))));
    const [first, second] = playlist.segments;
    expect(first).toMatchObject({ uri: `${START}-${FIRST}.w1.m4s`, duration: 2, programDateTime: START });
    expect(second!.parts.map(({ uri }) => uri)).toContain(`${START + 2000}-${FIRST + 1}.w1.2.m4s`);
    expect(first!.map).toBe(`init-${FIRST}.w1.mp4`);
  });

  it('marks the parts at which decoding can begin', () => {
    const [first] = read(render(track(segments(0, 0)))).segments;
    expect(first!.parts.map(({ independent }) => independent)).toEqual([true, false, false, false]);
  });

  it('tells a segment as a whole only with the first part of the next (the hls.js stall)', () => {
    const live = track(segments(0, 1));
    expect(read(render(live)).segments.map(({ uri }) => uri !== undefined)).toEqual([true, false]);
    live.append(chunk(2, 0));
    expect(read(render(live)).segments.map(({ uri }) => uri !== undefined)).toEqual([true, true, false]);
  });

  it('keeps the name under which it hinted a part, though the clock was slewed meanwhile', () => {
    const live = track(segments(0, 0));
    const hinted = read(render(live)).hint;
    live.append(chunk(1, 0, { startTs: START + 2000.9 }));
    const listed = read(render(live)).segments[1]!;
    expect(listed.parts[0]!.uri).toBe(hinted);
    expect(live.findPart(hinted!.replace(/\.0\.m4s$/, ''), 0)?.data).toBeDefined();
    expect(read(render(live)).hint).toBe(hinted!.replace(/\.0\.m4s$/, '.1.m4s'));
  });

  it('lists parts for three target durations from the end and no further', () => {
    const playlist = read(render(track(segments(0, 11))));
    expect(playlist.segments.map(({ parts }) => parts.length > 0)).toEqual([
      ...Array(6).fill(false),
      ...Array(6).fill(true),
    ]);
  });

  it('keeps the window and counts EXT-X-MEDIA-SEQUENCE on', () => {
    const live = track(segments(0, 20));
    const { tags, segments: listed } = read(render(live));
    expect(tags.mediaSequence).toBe(FIRST + 5);
    expect(listed).toHaveLength(16);
    expect(live.find(`${START}-${FIRST}.w1.m4s`)?.data()).toHaveLength(4);
  });

  it('leaves out what the player has, up to the skip boundary', () => {
    const whole = render(track(segments(0, 14)));
    const delta = render(track(segments(0, 14)), { skip: true });
    const { skipped, segments: listed, tags } = read(delta);
    expect(skipped).toBe(2);
    expect(listed[0]!.number).toBe(tags.mediaSequence + 2);
    expect(listed.reduce((sum, { duration }) => sum + (duration ?? 2), 0)).toBeGreaterThanOrEqual(24);
    expect(read(whole).segments.slice(2)).toEqual(listed);
  });

  it('skips nothing where there is nothing to skip', () => {
    expect(render(track(segments(0, 3)), { skip: true })).not.toContain('EXT-X-SKIP');
  });

  it('marks a discontinuity, and counts it once its segment has left', () => {
    const live = track([...segments(0, 1), ...segments(2, 2, { discontinuity: true })]);
    expect(read(render(live)).segments.map(({ discontinuity }) => discontinuity)).toEqual([false, false, true]);
    for (const one of segments(3, 18)) live.append(one);
    expect(read(render(live)).tags).toMatchObject({ mediaSequence: FIRST + 3, discontinuitySequence: 1 });
  });

  it('does not count a discontinuity that is still listed', () => {
    const live = track([...segments(0, 1), ...segments(2, 16, { discontinuity: false })]);
    live.append(chunk(17, 0, { discontinuity: true }));
    expect(read(render(live)).tags.discontinuitySequence).toBe(0);
  });

  it('gives a changed init segment a name of its own, with a discontinuity', () => {
    const live = track(segments(0, 0));
    live.pause();
    live.begin(videoCaps({ init: Uint8Array.of(9) }));
    live.append(chunk(1, 0));
    const { segments: listed } = read(render(live));
    expect(listed[1]).toMatchObject({ map: `init-${FIRST + 1}.w1.mp4`, discontinuity: true });
    expect(live.findInit(`init-${FIRST + 1}.w1.mp4`)?.caps.init).toEqual(Uint8Array.of(9));
    expect(live.findInit(`init-${FIRST}.w1.mp4`)?.caps.init).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('keeps the init segment over a publisher that came back unchanged', () => {
    const live = track(segments(0, 0));
    live.pause();
    live.begin(videoCaps({ init: Uint8Array.of(1, 2, 3) }));
    live.append(chunk(1, 0, { discontinuity: true }));
    expect(new Set(read(render(live)).segments.map(({ map }) => map))).toEqual(new Set([`init-${FIRST}.w1.mp4`]));
  });

  it('keeps the place of a segment that never came', () => {
    const live = track([...segments(0, 0), ...segments(2, 2)]);
    const { segments: listed } = read(render(live));
    expect(listed.map(({ number, gap }) => [number - FIRST, gap])).toEqual([
      [0, false],
      [1, true],
      [2, false],
    ]);
    expect(listed[1]).toMatchObject({ duration: 2, programDateTime: START + 2000 });
    expect(listed[1]!.parts.every(({ gap }) => gap)).toBe(true);
  });

  it('keeps the place of a part that never came', () => {
    const live = track([chunk(0, 0), chunk(0, 2), chunk(0, 3), chunk(1, 0)]);
    const [first] = read(render(live)).segments;
    expect(first!.parts.map(({ gap }) => gap)).toEqual([false, true, false, false]);
    expect(first!.duration).toBe(2);
  });

  it('begins anew after a jump that no gap could fill, marked as a discontinuity', () => {
    const live = track(segments(0, 2));
    live.append(chunk(1000, 0));
    expect(read(render(live)).segments).toMatchObject([{ number: FIRST + 1000, discontinuity: true }]);
  });

  it('refuses what is late, twice, or the middle of a segment', () => {
    const live = track(segments(0, 1));
    expect(live.append(chunk(0, 3))).toBe(false);
    expect(live.append(chunk(1, 3))).toBe(false);
    expect(live.append(chunk(2, 1))).toBe(false);
  });

  it('claims independent segments only while it is true', () => {
    const live = track([...segments(0, 0), ...segments(1, 1, { independent: false }), chunk(2, 0)]);
    expect(read(render(live)).tags.independentSegments).toBe(false);
    for (const one of [chunk(2, 1), chunk(2, 2), chunk(2, 3), ...segments(3, 20)]) live.append(one);
    expect(read(render(live)).tags.independentSegments).toBe(true);
  });

  it('reports where the other renditions stand', () => {
    const audio = track(
      [...segments(0, 0, { timescale: 48_000 }), chunk(1, 0, { timescale: 48_000 })],
      audioCaps(),
      'audio',
    );
    const { reports } = read(render(track(segments(0, 1)), { others: [audio] }));
    expect(reports).toEqual([{ uri: '../audio/live.m3u8', msn: FIRST + 1, part: 0 }]);
  });

  it('names everything relatively, so that a session in the path goes with it', () => {
    const text = render(track(segments(0, 2)));
    const uris = [...text.matchAll(/URI="([^"]*)"/g)]
      .map(([, uri]) => uri!)
      .concat(text.split('\n').filter((line) => /^[^#]/.test(line)));
    expect(uris.length).toBeGreaterThan(10);
    expect(uris.filter((uri) => /^[/?]|:\/\//.test(uri))).toEqual([]);
  });

  it('ends with all that came, no hint and ENDLIST', () => {
    const live = track([...segments(0, 0), chunk(1, 0), chunk(1, 1)]);
    live.pause();
    live.ended = true;
    const playlist = read(render(live));
    expect(playlist).toMatchObject({ ended: true, hint: undefined, reports: [] });
    expect(playlist.segments[1]).toMatchObject({ duration: 1, uri: `${START + 2000}-${FIRST + 1}.w1.m4s` });
  });

  it.each([
    [1001 / 3000, '0.333667'],
    [1 / 3, '0.333334'],
    [0.334, '0.334'],
  ])('writes PART-TARGET %f so that no part is longer by rounding', (partTarget, written) => {
    expect(render(track([], videoCaps({ partTarget })))).toContain(`PART-TARGET=${written}\n`);
  });
});

describe('the multivariant playlist', () => {
  const audio = () => track(segments(0, 2, { timescale: 48_000 }), audioCaps({ language: 'en' }), 'audio');

  it('tells codecs, size, rate, measured bit rates and the audio group', () => {
    const text = multivariantPlaylist([track(segments(0, 2)), audio()]);
    expect(text).toContain(
      '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/live.m3u8"',
    );
    // 4 parts of 100 bytes in 2 s: 1600 bits a second a track.
    expect(text).toContain(
      '#EXT-X-STREAM-INF:BANDWIDTH=3200,AVERAGE-BANDWIDTH=3200,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO="audio",CLOSED-CAPTIONS=NONE\nvideo/live.m3u8',
    );
  });

  it('lets no publisher write lines of its own', () => {
    const odd = track(segments(0, 1), audioCaps({ language: 'en",URI="x\n#EXT-X-ENDLIST' }), 'a"b');
    const text = multivariantPlaylist([track(segments(0, 2)), odd]);
    expect(text).toContain('NAME="ab",LANGUAGE="en,URI=x#EXT-X-ENDLIST",');
    expect(text).not.toMatch(/^#EXT-X-ENDLIST/m);
  });

  it('lets players begin at a key frame where segments begin without one', () => {
    const live = track();
    for (const number of [0, 1, 2, 3]) {
      for (const part of [0, 1, 2, 3])
        live.append(chunk(number, part, { last: part === 3, independent: part === 0 && number === 1 }));
    }
    // Two segments and the key frame's own after it, of 2 s each.
    expect(multivariantPlaylist([live, audio()])).toContain('#EXT-X-START:TIME-OFFSET=-6.000,PRECISE=YES\n');
    // A key frame nearer to the end than players may be is not yet theirs.
    live.append(chunk(4, 0));
    expect(multivariantPlaylist([live, audio()])).toContain('TIME-OFFSET=-6.500,');
    for (const part of [1, 2]) live.append(chunk(4, part));
    expect(multivariantPlaylist([live, audio()])).toContain('TIME-OFFSET=-1.500,');
    expect(multivariantPlaylist([live, audio()], 2)).toContain('TIME-OFFSET=-7.500,');
    expect(multivariantPlaylist([track(segments(0, 2)), audio()])).not.toContain('EXT-X-START');
  });

  it('makes an audio-only camera a variant of its own', () => {
    const text = multivariantPlaylist([audio()]);
    expect(text).toContain('CODECS="mp4a.40.2"\naudio/live.m3u8');
    expect(text).not.toContain('EXT-X-MEDIA');
  });

  it('takes the peak over runs of segments, not over a lone short one', () => {
    const live = track();
    live.append(chunk(0, 0, { last: true, duration: 9_000, data: new Uint8Array(10_000) }));
    for (const one of segments(1, 4)) live.append(one);
    expect(live.bitrate.average()!).toBeLessThan(live.bitrate.peak(4)!);
  });
});

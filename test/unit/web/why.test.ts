import { describe, expect, it } from 'vitest';
import { bitrate, clock, codecName, seconds } from '../../../plugins/web/shared/client/format.ts';
import { explain, type CameraView, type Facts } from '../../../plugins/web/player/client/why.ts';

const camera = (state: CameraView['state'], tracks: CameraView['tracks'] = []): CameraView => ({
  cameraId: 'cam1',
  state,
  since: 0,
  tracks,
  findings: [],
  limits: [],
});
const why = (facts: Partial<Facts>) => explain({ cameraId: 'cam1', camera: camera('live'), ...facts });

const hevc: CameraView['tracks'] = [
  {
    stage: 'rtmp',
    pad: 'video',
    track: 'video',
    caps: { codec: 'hevc', codecString: 'hvc1.1.6.L93.B0' },
    links: [
      {
        to: 'sfu.video',
        active: false,
        code: 'LINK_INACTIVE',
        reason: 'takes h264, not hevc',
        mend: 'put transcode.video between',
      },
      { to: 'tap.in', active: true },
    ],
  },
];

describe('explain', () => {
  it('names the codec that this browser cannot play, and what to do, before anything else', () => {
    const reason = why({ unsupported: ['hvc1.1.6.L93.B0', 'hvc1.2.4.L93'], camera: camera('away') });
    expect(reason).toMatchObject({ kind: 'stuck', title: 'This browser cannot play HEVC' });
    expect(reason.mend).toMatch(/Safari/);
  });

  it('asks for a key where one is missing or wrong, by the playlist or the API', () => {
    expect(why({ playlist: { status: 401, message: 'A key is needed here.' } })).toEqual({
      kind: 'key',
      title: 'This camera needs a key',
      detail: 'A key is needed here.',
    });
    expect(why({ camera: { status: 403 } })).toMatchObject({
      kind: 'key',
      title: expect.stringContaining('does not open'),
    });
  });

  it('waits for what comes back by itself', () => {
    const cases: [Partial<Facts>, RegExp][] = [
      [{ camera: camera('away'), playlist: { status: 404, code: 'CAMERA_AWAY' } }, /is away/],
      [{ camera: camera('lingering') }, /was interrupted/],
      [{ camera: { status: 404, code: 'CAMERA_UNKNOWN' } }, /No camera cam1 yet/],
      [{ playlist: { status: 503, code: 'publish.hls/NOT_READY', message: 'soon' } }, /Starting/],
      [{ camera: { status: 503, code: 'GATE_CLOSED' } }, /Starting/],
      [{ camera: undefined }, /does not answer/],
      [{ failure: 'fragLoadError' }, /interrupted/],
    ];
    for (const [facts, title] of cases)
      expect(why(facts)).toMatchObject({ kind: 'waiting', title: expect.stringMatching(title) });
  });

  it('knows a camera that is only remembered, and says of the past what is true of the past', () => {
    const unknown = { status: 404, code: 'CAMERA_UNKNOWN' };
    expect(why({ camera: unknown, hasPast: true }).title).toBe('cam1 is away');
    // That nobody publishes it does not explain why its past does not play.
    expect(why({ camera: camera('away'), isPast: true, failure: 'fragLoadError' })).toMatchObject({
      kind: 'waiting',
      title: 'Playback was interrupted',
      detail: 'fragLoadError',
    });
    const empty = { status: 404, code: 'publish.hls/RANGE_EMPTY' };
    expect(why({ isPast: true, playlist: empty })).toMatchObject({ kind: 'stuck', title: 'Nothing was recorded then' });
    expect(why({ isPast: true, playlist: { status: 401 } }).kind).toBe('key');
  });

  it('tells which link does not carry the camera, why, and the mend', () => {
    expect(why({ camera: camera('live', hevc), playlist: { status: 404, code: 'publish.hls/MEDIA_UNKNOWN' } })).toEqual(
      {
        kind: 'stuck',
        title: "This pipeline does not carry the camera's HEVC to here",
        detail: 'rtmp.video to sfu.video: takes h264, not hevc',
        mend: 'put transcode.video between',
      },
    );
  });

  it('tells where nothing publishes HLS, and what no camera name is', () => {
    expect(why({ playlist: { status: 404, code: 'HTTP_NOT_FOUND' } })).toMatchObject({
      kind: 'stuck',
      mend: expect.stringContaining('publish.hls'),
    });
    expect(
      why({ camera: { status: 404, code: 'CAMERA_ID_INVALID', message: 'no', mend: 'plain names' } }),
    ).toMatchObject({
      kind: 'stuck',
      mend: 'plain names',
    });
  });
});

it('writes numbers as people read them', () => {
  expect([seconds(1.44), seconds(75), seconds(3700), seconds(undefined)]).toEqual([
    '1.4 s',
    '1 min 15 s',
    '1 h 01 min',
    '–',
  ]);
  expect([bitrate(96_000), bitrate(2_530_000), bitrate(12_400_000), bitrate(0)]).toEqual([
    '96 kbps',
    '2.5 Mbps',
    '12 Mbps',
    '–',
  ]);
  expect(['avc1.64001f', 'mp4a.40.2', 'mp4a.40.34', 'av01.0.04M.08', 'xyz'].map(codecName)).toEqual([
    'H.264',
    'AAC',
    'MP3',
    'AV1',
    'xyz',
  ]);
  expect(clock(undefined)).toBe('');
  expect(clock(new Date(2026, 0, 2, 3, 4, 5, 678).getTime())).toBe('03:04:05.6');
});

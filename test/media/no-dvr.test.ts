/** A camera that WebRTC shows and nothing here can record: VP8 by WHIP into a pipeline with a past. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CameraStatus } from '../../core/plugin/index.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import {
  fakePictures,
  fakeVp8Pictures,
  play,
  publishByWhip,
  type PublisherOptions,
} from '../support/libdatachannel.ts';

const PIPELINE = `version: 1
name: no-dvr
cameras: { linger: 1s }
services:
  http: { plugin: http.server, listen: HTTP }
  rtc: { plugin: webrtc.workers, workers: 1, listen: "127.0.0.1:0" }
stages:
  whip: { plugin: webrtc.whip }
  sfu: { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 2m }
  hls: { plugin: publish.hls }
links:
  - whip.rtp -> sfu.rtp
  - sfu.out -> whep.in
  - sfu.video -> cmaf.video
  - sfu.audio -> cmaf.audio
  - cmaf.chunks -> dvr.chunks: { queue: 2s, full: block }
  - dvr.live -> hls.chunks
`;

let eddy: RunningEddy;
beforeAll(async () => {
  eddy = await startEddy(PIPELINE);
}, 40_000);
afterAll(() => eddy?.stop());

const statusOf = (camera: string): Promise<CameraStatus> => eddy.json<CameraStatus>(`/api/v1/cameras/${camera}`);
const isCarried = ({ tracks }: CameraStatus, from: string, to: string): boolean =>
  tracks.some(
    ({ stage, pad, links }) => `${stage}.${pad}` === from && links.some((link) => link.to === to && link.active),
  );

/** On air until `look` has seen what it looks for. */
async function onAir(camera: string, options: PublisherOptions, look: () => Promise<void>): Promise<void> {
  const publisher = await publishByWhip(`${eddy.http}/whip/${camera}`, options);
  const stop = play([publisher]);
  try {
    await look();
  } finally {
    stop();
    await publisher.leave();
  }
}

it('VP8 is told as no-dvr with the mend, and goes to WebRTC viewers; its sound is recorded', async () => {
  await onAir('vp8', { codec: 'vp8', pictures: fakeVp8Pictures() }, async () => {
    const [limit] = await until('the state', async () => {
      const { limits } = await statusOf('vp8');
      return limits.length > 0 ? limits : false;
    });
    expect(limit).toMatchObject({ limit: 'no-dvr', kind: 'video', code: 'CAMERA_NO_DVR', to: 'cmaf.video' });
    expect(limit!.reason).toMatch(/^the track is VP8 video/);
    expect(limit!.mend).toMatch(/publish H\.264, VP9 or AV1/);
    await until('its sound to be packaged', async () => isCarried(await statusOf('vp8'), 'sfu.audio', 'cmaf.audio'));
    const status = await statusOf('vp8');
    expect(status.state).toBe('live');
    expect(status.limits).toHaveLength(1);
    expect(isCarried(status, 'sfu.out', 'whep.in')).toBe(true);
  });
}, 60_000);

it('H.264 in the same pipeline is not', async () => {
  await onAir('h264', { pictures: fakePictures(300_000) }, async () => {
    await until('it to be packaged', async () => isCarried(await statusOf('h264'), 'sfu.video', 'cmaf.video'));
    expect((await statusOf('h264')).limits).toEqual([]);
  });
}, 60_000);

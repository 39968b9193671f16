/** Clips of real streams with B-frames, decoded by ffmpeg: the very pictures of the source, from the frame that was asked for. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CameraId } from 'eddy/plugin';
import { FakeTimeline, harness } from 'eddy/testing';
import plugin, { type manifest } from '../../plugins/publish/clips/plugin.ts';
import { recordTrack } from '../support/recorder.ts';
import { fromFlv } from './flv-file.ts';
import { ffmpeg, pictures, segmented } from './support/readers.ts';

let dir = '';
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'eddy-clips-'))));
afterAll(() => rm(dir, { recursive: true, force: true }));

it.each([0, 2])('a clip of H.264 with %d B-frames has each picture, and none besides', async (bFrames) => {
  const source = join(dir, `b${bFrames}.flv`);
  const encode = `-c:v libx264 -preset veryfast -bf ${bFrames} -g 60 -c:a aac -ar 48000 -f flv -`;
  const flv = await ffmpeg(
    ...'-f lavfi -i testsrc2=s=322x180:r=30 -f lavfi -i sine=r=48000 -t 7'.split(' '),
    ...encode.split(' '),
  );
  await writeFile(source, flv);
  const { recorder } = await segmented(dir, fromFlv(flv));
  const timeline = new FakeTimeline();
  for (const id of ['video', 'audio']) {
    const reader = recordTrack(timeline, 'cam1' as CameraId, id, recorder.of(id).caps);
    for (const chunk of recorder.chunks(id)) await reader.item(chunk);
    await reader.end?.('publisher-ended');
  }
  const stage = await harness<typeof manifest>(plugin, { services: { timeline }, clock: 'real' });
  try {
    const start = (await timeline.segments('cam1' as CameraId, { start: 0, end: Infinity }, 'video'))[0]!.startTs;
    const all = await pictures(source);
    for (const [from, to] of [
      [40, 170],
      [61, 64],
      [0, 60],
    ] as const) {
      const query = `start=${Math.round(start + (from * 1000) / 30)}&end=${Math.round(start + (to * 1000) / 30)}`;
      const answer = await stage.fakes.http.request(`/api/v1/cameras/cam1/export.mp4?${query}`);
      const clip = join(dir, 'clip.mp4');
      await writeFile(clip, await answer.bytes());
      expect(await pictures(clip)).toEqual(all.slice(from, to));
    }
  } finally {
    await stage.close();
  }
});

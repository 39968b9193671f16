import { readFile } from 'node:fs/promises';
import type { Context, Publication, Running } from 'eddy/plugin';
import { type Clip, readFlv } from '../live-source.ts';
import type { manifest } from './plugin.ts';

type Manifest = typeof manifest;

/** One publication a stretch; the last one stays until the stage stops. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const { camera, file, 'start-at': startAt, stretches, fps } = ctx.config;

  async function run(): Promise<void> {
    const clip = { fps, seconds: 0, ...readFlv(await readFile(file)) };
    const parts = stretches.split(' ').map((one) => one.split('..').map(Number) as [number, number]);
    for (const [index, [from, to]] of parts.entries()) {
      const publication = await ctx.cameras.publish({
        cameraId: camera,
        credentials: {},
        peer: { address: '127.0.0.1', protocol: 'internal' },
        startAt: Number(startAt),
      });
      await send(clip, publication, from, to);
      if (index < parts.length - 1) publication.end('publisher-ended');
    }
    ctx.log.info({}, 'replayed');
  }

  return {
    open() {
      run().catch((error: unknown) => ctx.fail(error));
    },
  };
}

async function send(clip: Clip, publication: Publication<Manifest>, from: number, to: number): Promise<void> {
  const { fps, pictures, sounds } = clip;
  const video = publication.out.video.addTrack('video', clip.video);
  const audio = publication.out.audio.addTrack('audio', clip.audio);
  const step = 90_000 / fps;
  const arrivedAt = Date.now();
  let sound = Math.ceil((from * 48_000) / 1024);
  for (let picture = from * fps; picture < to * fps && !publication.signal.aborted; picture += 1) {
    const sample = pictures[picture];
    if (!sample) return;
    const dts = picture * step;
    if (!video.write({ ...sample, dts, pts: dts, duration: step, arrivedAt })) await video.ready();
    for (; (sound * 1024) / 48_000 <= (picture + 1) / fps; sound += 1) {
      const pts = sound * 1024;
      const unit = { ...sounds[sound % sounds.length]!, dts: pts, pts, duration: 1024, arrivedAt };
      if (!audio.write(unit)) await audio.ready();
    }
  }
}

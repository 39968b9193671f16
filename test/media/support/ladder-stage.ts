/** A stage transcode.video on real hosts: units in as fast as it takes them, the units of every rung out. */
import { harness, type FakeHttpServer, type Harness } from 'eddy/testing';
import type { AccessUnit, VideoCaps } from 'eddy/plugin';
import plugin, { type manifest } from '../../../plugins/transcode/video/plugin.ts';
import type { Clip } from '../../support/live-source.ts';
import { hostsOfTest } from './hosts-of-test.ts';

/** The stage under test. */
export type Stage = Harness<typeof manifest>;

const test = hostsOfTest();

/** Starts the stage; it ends with its test. Its clock stands: a busy machine, on which units are fed as fast as they go, is not one that sheds rungs. */
export async function start(
  config: Readonly<Record<string, unknown>>,
  services: { http?: FakeHttpServer } = {},
): Promise<Stage> {
  const block = { full: 'block' as const, queue: '2s' };
  return test.keep(
    await harness<typeof manifest>(plugin, {
      config,
      services: { hosts: test.native.hosts, ...services },
      links: { in: block, out: block },
    }),
  );
}

/** The clip's pictures as units, from a moment on. */
export function unitsOf({ pictures, fps }: Clip, seconds = 0): AccessUnit[] {
  const now = Date.now();
  const step = 90_000 / fps;
  return pictures.map(({ data, key, offset = 0 }, index) => {
    const dts = Math.round(seconds * 90_000 + index * step);
    // FLV counts milliseconds, which are frames here.
    const pts = dts + Math.round((offset * fps) / 1000) * step;
    return { dts, pts, duration: step, key, data, arrivedAt: now + (index * 1000) / fps };
  });
}

/** What came out of a rung. */
export interface Rung {
  readonly caps: VideoCaps;
  readonly units: AccessUnit[];
}

/** What the stage makes of units, by the names of its tracks. */
export async function transcode(
  stage: Stage,
  caps: VideoCaps,
  units: readonly AccessUnit[],
): Promise<Record<string, Rung>> {
  const feed = await stage.camera('cam').publish();
  const writer = feed.video(caps);
  await writer.writeAll([...units]);
  writer.end();
  const tracks = () => stage.out.out.tracks('cam');
  await stage.out.out.until(() => tracks().length > 0 && tracks().every(({ ended }) => ended !== undefined), 30_000);
  feed.end();
  return Object.fromEntries(
    stage.out.out
      .tracks('cam')
      .map(({ id, caps: made, items }) => [id, { caps: made as VideoCaps, units: [...items] }]),
  );
}

/** Moments of its key frames. */
export const keysOf = ({ units }: Rung): number[] => units.filter(({ key }) => key).map(({ pts }) => pts);

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { harness, type Harness } from 'eddy/testing';
import type { AccessUnit } from 'eddy/plugin';
import plugin, { type manifest } from '../../plugins/transcode/video/plugin.ts';
import { atLevel } from '../level.ts';
import { isAlive } from '../contract/media-hosts.ts';
import { startHosts } from '../media/support/pattern.ts';
import { until } from '../support/eddy.ts';
import { encodeClip, type Clip } from '../support/live-source.ts';

let clip: Clip;
beforeAll(async () => {
  clip = await encodeClip({ seconds: 4, gopSeconds: 1 });
});

describe('transcode.video', () => {
  let native: ReturnType<typeof startHosts>;
  let stage: Harness<typeof manifest>;
  let stopped = false;
  beforeEach(async () => {
    stopped = false;
    native = startHosts();
    const config = { rungs: ['180p@200kbps'], passthrough: 'never', preset: 'ultrafast', gop: '1s' };
    stage = await harness<typeof manifest>(plugin, { config, services: { hosts: native.hosts }, clock: 'real' });
  });
  afterEach(async () => {
    stopped = true;
    await stage.stop();
    await native.stop();
    await stage.close();
    expect(native.pids().filter(isAlive)).toEqual([]);
  });

  /** A camera that sends in real time until the test ends. */
  async function live(name: string, spoil = (data: Uint8Array): Uint8Array => data): Promise<void> {
    const writer = (await stage.camera(name).publish()).video(clip.video);
    const began = performance.now();
    void (async () => {
      for (let i = 0; !stopped; i++) {
        const wait = (i * 1000) / 30 - (performance.now() - began);
        if (wait > 0) await sleep(wait);
        const { key, data } = clip.pictures[i % clip.pictures.length]!;
        const at = { dts: i * 3000, pts: i * 3000, duration: 3000 };
        writer.write({ ...at, key, data: spoil(data), arrivedAt: Date.now() });
      }
    })();
  }
  const items = (name: string): AccessUnit[] => stage.out.out.items(name);
  const holes = (name: string): number[] =>
    items(name)
      .slice(1)
      .map(({ pts }, i) => (pts - items(name)[i]!.pts) / 90)
      .filter((ms) => ms > 40);

  it.each([['SIGKILL', 3000] as const, ...atLevel({ test: [], proof: [['SIGSTOP', 9000] as const] })])(
    '%s of a camera’s host: it is back, the other one undisturbed',
    { timeout: 40_000 },
    async (signal, longest) => {
      await Promise.all([live('one'), live('two')]);
      await until('pictures of both', () => items('one').length > 30 && items('two').length > 30);
      const pid = native.pids()[0]!;
      process.kill(pid, signal);
      const isHit = (name: string): boolean => stage.out.out.discontinuities(name).length > 0;
      const hit = await until('the camera of that host', () => ['one', 'two'].find(isHit));
      await sleep(1000);
      const other = hit === 'one' ? 'two' : 'one';
      // What waited for the host too long was dropped at the link.
      expect(['restarted', 'restarted,frames-dropped']).toContain(stage.out.out.discontinuities(hit).join());
      expect(holes(hit)).toHaveLength(1);
      expect(holes(hit)[0]).toBeLessThan(longest);
      // What comes after it begins with a key frame.
      const after = items(hit).findIndex(({ pts }, i) => i > 0 && pts - items(hit)[i - 1]!.pts > 4000);
      expect(items(hit)[after]!.key).toBe(true);
      expect(holes(other)).toEqual([]);
      expect(stage.out.out.discontinuities(other)).toEqual([]);
      expect(stage.reports.map(({ code }) => code)).toEqual(['transcode.video/RESTARTED']);
    },
  );

  it('poison stays with its camera, and is tried ever more seldom', { timeout: 30_000 }, async () => {
    const garbage = (data: Uint8Array): Uint8Array => data.map((byte, at) => (at < 5 ? byte : (byte * 31 + at) & 0xff));
    await Promise.all([live('well'), live('sick', garbage)]);
    await sleep(atLevel({ test: 4000, proof: 8000 }));
    expect(items('well').length).toBeGreaterThan(atLevel({ test: 80, proof: 180 }));
    expect(holes('well')).toEqual([]);
    expect(await stage.metric('transcode_video_starts_total')).toBeLessThan(9);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { harness, type Harness } from 'eddy/testing';
import type { AccessUnit, AudioCaps } from 'eddy/plugin';
import type { manifest } from '../../plugins/transcode/audio/plugin.ts';
import plugin from '../../plugins/transcode/audio/plugin.ts';
import { isAlive } from '../contract/media-hosts.ts';
import { makeAac } from '../media/support/audio.ts';
import { startHosts, until } from '../media/support/pattern.ts';

const sound = makeAac('sine=frequency=440:duration=4', { args: ['-ac', '2'] });

let native: ReturnType<typeof startHosts>;
beforeEach(() => void (native = startHosts()));
afterEach(async () => {
  await native.stop();
  expect(native.pids().filter(isAlive)).toEqual([]);
});

describe('transcode.audio', () => {
  let stage: Harness<typeof manifest>;
  let stopped = false;
  beforeEach(async () => {
    stopped = false;
    stage = await harness<typeof manifest>(plugin, { services: { hosts: native.hosts }, clock: 'real' });
  });
  afterEach(async () => {
    stopped = true;
    await stage.stop();
    await native.stop();
    await stage.close();
  });

  /** A camera that sends in real time, on the common clock, until the test ends. */
  async function live(
    name: string,
    { units, caps }: { units: readonly AccessUnit[]; caps: AudioCaps } = sound,
  ): Promise<void> {
    const writer = (await stage.camera(name).publish()).audio(caps);
    void (async () => {
      for (let i = 0; !stopped; i++) {
        const wait = (i * 1024) / 48 - (performance.now() - began);
        if (wait > 0) await sleep(wait);
        writer.write({ ...units[i % units.length]!, dts: i * 1024, pts: i * 1024, arrivedAt: Date.now() });
      }
    })();
  }
  let began = 0;

  it(
    'twenty cameras on two hosts, one is killed: its cameras are back within 2 s, the others undisturbed',
    { timeout: 30_000 },
    async () => {
      began = performance.now();
      const names = Array.from({ length: 20 }, (_, i) => `cam-${i}`);
      await Promise.all(names.map((name) => live(name)));
      const items = (name: string): AccessUnit[] => stage.out.out.items(name);
      await until(() => names.every((name) => items(name).length > 50), 'sound of all');
      expect(native.pids()).toHaveLength(2);
      const killed = Date.now();
      process.kill(native.pids()[0]!, 'SIGKILL');
      await sleep(3000);
      const hit = names.filter((name) => stage.out.out.discontinuities(name).length > 0);
      expect([4, 16]).toContain(hit.length);
      for (const name of names) {
        const made = items(name);
        const holes = made
          .slice(1)
          .flatMap(({ pts }, i) => (pts - made[i]!.pts === 960 ? [] : [(pts - made[i]!.pts) / 48]));
        if (!hit.includes(name)) {
          expect(holes).toEqual([]);
          // Within a second of real time, all the while.
          expect(Date.now() - made.at(-1)!.arrivedAt).toBeLessThan(1000);
          continue;
        }
        expect(stage.out.out.discontinuities(name)).toEqual(['restarted']);
        expect(Math.max(...holes)).toBeLessThan(2000);
        const back = made.find(
          ({ arrivedAt, pts }, i) => arrivedAt > killed && pts - (made[i - 1]?.pts ?? pts) !== 960,
        );
        expect(back!.arrivedAt - killed).toBeLessThan(2000);
        expect(made.at(-1)!.pts).toBeGreaterThan(((Date.now() - killed) / 2) * 48);
      }
      expect(stage.reports.filter(({ code }) => code === 'transcode.audio/RESTARTED')).toHaveLength(hit.length);
    },
  );

  it('poison stays with its camera, and is tried ever more seldom', { timeout: 30_000 }, async () => {
    began = performance.now();
    const garbage = sound.units.map((unit, i) => ({
      ...unit,
      data: Uint8Array.from({ length: 200 }, (_, at) => ((at + 1) * (i + 3) * 2_654_435_761) >>> 24),
    }));
    await Promise.all([live('well'), live('sick', { units: garbage, caps: sound.caps })]);
    await sleep(7000);
    const well = stage.out.out.items('well');
    expect(well.length).toBeGreaterThan(250);
    expect(well.slice(1).every(({ pts }, i) => pts - well[i]!.pts === 960)).toBe(true);
    expect(await stage.metric('transcode_audio_starts_total')).toBeLessThan(8);
    expect(native.pids().length).toBeLessThanOrEqual(2);
  });
});

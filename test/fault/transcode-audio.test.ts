import { setTimeout as sleep } from 'node:timers/promises';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { harness, type Harness } from 'eddy/testing';
import type { AccessUnit, AudioCaps, MediaHost } from 'eddy/plugin';
import plugin, { type manifest } from '../../plugins/transcode/audio/plugin.ts';
import { planFor } from '../../plugins/transcode/audio/plan.ts';
import { collect, isAlive } from '../contract/media-hosts.ts';
import { atLevel } from '../level.ts';
import { makeAac, type Sound } from '../media/support/audio.ts';
import { startHosts, until } from '../media/support/pattern.ts';

const CONFIG = {
  codec: 'opus',
  bitrate: undefined,
  channels: undefined,
  'sample-rate': undefined,
  passthrough: true,
} as const;
const sound = makeAac('sine=frequency=440:duration=4', { args: ['-ac', '2'] });
const plan = planFor(CONFIG, sound.caps);

let native: ReturnType<typeof startHosts>;
beforeEach(() => void (native = startHosts()));
afterEach(async () => {
  await native.stop();
  expect(native.pids().filter(isAlive)).toEqual([]);
});

const launch = (label: string): Promise<MediaHost> => native.hosts.launch({ ...plan.launch, label });

/** Writes the sound from 10 s on, again and again in fast time, until the host has ended. */
async function pour(host: MediaHost, { units }: Sound, times = 1): Promise<void> {
  let at = 480_000;
  for (let i = 0; i < times; i++) {
    for (const unit of units) {
      if (!host.write('in', { ...unit, pts: at, dts: at })) await host.drained('in');
      at += 1024;
    }
  }
}

describe('shared hosts', () => {
  it('serve use after use without a leak in the engine, and are replaced', { timeout: 120_000 }, async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const uses = atLevel({ test: 24, proof: 420 });
    const short = { ...sound, units: sound.units.slice(0, 20) };
    let fds = 0;
    let memory = 0;
    for (let i = 0; i < uses; i += 4) {
      await Promise.all(
        [0, 1, 2, 3].map(async (n) => {
          const host = await launch(`use ${i + n}`);
          const { frames } = collect(host);
          await pour(host, short);
          await host.close();
          expect(await host.ended).toEqual({ cause: 'closed' });
          // 21.3 frames of input, the encoder's lead, and what pads the last one.
          expect(frames.length).toBe(24);
        }),
      );
      if (i === 8) [fds, memory] = [open(), process.memoryUsage().heapUsed];
    }
    expect(open()).toBeLessThanOrEqual(fds + 1);
    expect(process.memoryUsage().heapUsed - memory).toBeLessThan(64 * 2 ** 20);
    // Two hundred uses a host.
    expect(native.pids()).toHaveLength(atLevel({ test: 1, proof: 3 }));
  });

  it('that stop to answer are found by their silence, and nobody waits for them', async () => {
    const hosts = await Promise.all(['one', 'two', 'three'].map(launch));
    const seen = hosts.map(collect);
    await Promise.all(hosts.map((host) => pour(host, sound)));
    await Promise.all(seen.map(({ count }) => count(100)));
    const stopped = performance.now();
    process.kill(hosts[0]!.pid, 'SIGSTOP');
    // They go on being written to.
    const writing = setInterval(() => hosts.forEach((host) => host.write('in', sound.units[0]!)), 50);
    const ends = await Promise.all(hosts.map((host) => host.ended));
    expect(ends.map(({ cause }) => cause)).toEqual(['stalled', 'stalled', 'stalled']);
    clearInterval(writing);
    expect(performance.now() - stopped).toBeLessThan(6000);
    const next = await launch('four');
    expect(next.pid).not.toBe(hosts[0]!.pid);
    expect(performance.now() - stopped).toBeLessThan(8000);
    await until(() => !isAlive(hosts[0]!.pid), 'the end of the stopped host', 5000);
  });

  it('keep a launch apart that was in several crashes', { timeout: 30_000 }, async () => {
    const crash = async (labels: readonly string[]): Promise<MediaHost[]> => {
      const hosts = await Promise.all(labels.map(launch));
      await Promise.all(
        hosts.map((host) => {
          const { count } = collect(host);
          return pour(host, sound).then(() => count(10));
        }),
      );
      for (const pid of new Set(hosts.map((host) => host.pid))) process.kill(pid, 'SIGSEGV');
      const ends = await Promise.all(hosts.map((host) => host.ended));
      for (const end of ends) expect(end).toMatchObject({ cause: 'crashed', code: 'native.gstreamer/HOST_CRASHED' });
      return hosts;
    };
    const labels = ['a', 'b', 'c', 'd', 'e'];
    const alone = (hosts: readonly MediaHost[]): number => new Set(hosts.map(({ pid }) => pid)).size;
    expect(alone(await crash(labels))).toBe(1);
    expect(alone(await crash(labels))).toBe(1);
    expect(alone(await crash(labels))).toBe(2);
    expect(alone(await crash(['a', 'b']))).toBe(2);
    expect(native.fake.reports.filter(({ code }) => code === 'native.gstreamer/SHARED_HOST_CRASHED').length).toBe(6);
    const [old, fresh] = await Promise.all([launch('a'), launch('z')]);
    expect(old.pid).not.toBe(fresh.pid);
  });
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

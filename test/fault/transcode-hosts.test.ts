/** Shared hosts, with the launch that fills most of them. */
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MediaHost } from 'eddy/plugin';
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
  loudness: undefined,
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

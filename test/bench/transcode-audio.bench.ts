/** 100 cameras with AAC to Opus in real time: what a camera costs, in the hosts and in the engine. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readUsage } from 'eddy/plugin';
import { harness } from 'eddy/testing';
import type { manifest } from '../../plugins/transcode/audio/plugin.ts';
import plugin from '../../plugins/transcode/audio/plugin.ts';
import { makeAac } from '../media/support/audio.ts';
import { startHosts } from '../media/support/pattern.ts';

const { values } = parseArgs({
  options: {
    cameras: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '30' },
    /** Such as `--loudness=-16LUFS`: what that costs besides. */
    loudness: { type: 'string' },
  },
});
const CAMERAS = Number(values.cameras);
const SECONDS = Number(values.seconds);
/** Until every host has started and caught up. */
const WARM_UP_MS = 8000;

const native = startHosts();
const stage = await harness<typeof manifest>(plugin, {
  config: values.loudness === undefined ? {} : { loudness: values.loudness },
  services: { hosts: native.hosts },
  clock: 'real',
});
// Noise and tone, in stereo: silence would be cheap.
const sound = makeAac('anoisesrc=d=20:c=pink:a=0.2:r=48000', { args: ['-ac', '2', '-b:a', '128k'] });

let over = false;
const writers = await Promise.all(
  Array.from({ length: CAMERAS }, async (_, i) => (await stage.camera(`cam-${i}`).publish()).audio(sound.caps)),
);
const began = performance.now();
async function send(): Promise<void> {
  for (let i = 0; !over; i++) {
    const wait = (i * 1024) / 48 - (performance.now() - began);
    if (wait > 0) await sleep(wait);
    const { data } = sound.units[i % sound.units.length]!;
    const unit = { dts: i * 1024, pts: i * 1024, duration: 1024, key: true, data, arrivedAt: Date.now() };
    for (const writer of writers) writer.write(unit);
  }
}
const sending = send();
await sleep(WARM_UP_MS);

const hosts = native.pids().filter((pid) => readUsage(pid));
const cpuOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + (readUsage(pid)?.cpuSeconds ?? 0), 0);
/** Memory that is a process's own, and its share of what several have in common. */
const pssOf = (pid: number): number =>
  readUsage(pid)
    ? Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))![1]) / 1024
    : 0;
const before = { hosts: cpuOf(hosts), engine: cpuOf([process.pid]), frames: stage.out.out.items().length };
const started = performance.now();
await sleep(SECONDS * 1000);
const seconds = (performance.now() - started) / 1000;
const after = { hosts: cpuOf(hosts), engine: cpuOf([process.pid]), frames: stage.out.out.items().length };
const memory = {
  rss: hosts.reduce((sum, pid) => sum + (readUsage(pid)?.rssBytes ?? 0) / 2 ** 20, 0),
  pss: hosts.reduce((sum, pid) => sum + pssOf(pid), 0),
};
const lived = new Set(hosts.filter((pid) => readUsage(pid)));
over = true;
await sending;
const breaks = stage.out.out.discontinuities().length;
const reports = stage.reports.map(({ code, message }) => `${code}: ${message}`);
await stage.stop();
await native.stop();

if (hosts.some((pid) => !lived.has(pid)) || reports.length > 0) console.error(reports.slice(0, 5));
const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const share = (used: number): number => round((used / seconds / CAMERAS) * 100, 2);
console.log(
  JSON.stringify({
    bench: `AAC to Opus, ${CAMERAS} cameras`,
    cameras: CAMERAS,
    ...(values.loudness !== undefined && { loudness: values.loudness }),
    hosts: hosts.length,
    'frames a second and camera': round((after.frames - before.frames) / seconds / CAMERAS, 2),
    breaks,
    'a camera': {
      'hosts, % of a core': share(after.hosts - before.hosts),
      'engine with feed and capture, % of a core': share(after.engine - before.engine),
      'RSS of hosts, MB': round(memory.rss / CAMERAS, 1),
      'PSS of hosts, MB': round(memory.pss / CAMERAS, 1),
    },
    'a host': { 'RSS, MB': round(memory.rss / hosts.length, 0), 'PSS, MB': round(memory.pss / hosts.length, 0) },
  }),
);

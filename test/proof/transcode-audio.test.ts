/** Audio at full length: an hour through both transcoders, and what many cameras cost. */
import { expect, it } from 'vitest';
import { harness } from 'eddy/testing';
import plugin, { type manifest } from '../../plugins/transcode/audio/plugin.ts';
import { meetBar } from '../bar.ts';
import { beeps, makeAac, onsets, type Sound } from '../media/support/audio.ts';
import { hostsOfTest } from '../media/support/hosts-of-test.ts';
import { runBench } from '../support/bench.ts';

const SECONDS = 3600;
/** Where beeps are: at the start, in the middle, at the end. */
const AT = [1, 600, 1800, 3000, SECONDS - 2];

const test = hostsOfTest();

async function transcode(codec: 'aac' | 'opus', sound: Sound): Promise<Sound> {
  const options = { config: { codec }, ...test.inRealTime('500ms') };
  const stage = test.keep(await harness<typeof manifest>(plugin, options));
  const feed = await stage.camera('cam').publish();
  const writer = feed.audio(sound.caps);
  await writer.writeAll(sound.units);
  writer.end();
  await stage.out.out.until(() => stage.out.out.tracks('cam').some(({ ended }) => ended !== undefined), 60_000);
  feed.end();
  expect(stage.reports).toEqual([]);
  const [track] = stage.out.out.tracks('cam');
  return { caps: track!.caps as Sound['caps'], units: [...track!.items] };
}

it('AAC to Opus to AAC: an hour later every beep is where it was', { timeout: 1_200_000 }, async () => {
  const source = makeAac(beeps(SECONDS, AT), { start: 480_000 });
  const heard = await onsets(source);
  const made = await onsets(await transcode('aac', await transcode('opus', source)));
  const off = heard.map((at, index) => Math.abs(made[index]! - at));
  meetBar({
    issue: 5,
    what: 'audio: AAC to Opus to AAC for an hour',
    bar: 'within 10 ms of the start after an hour',
    measured: `${made.length} of ${heard.length} beeps, at most ${Math.max(...off).toFixed(2)} ms off, the last one ${off.at(-1)!.toFixed(2)} ms`,
    pass: made.length === AT.length && heard.length === AT.length && Math.max(...off) <= 10,
  });
});

interface AudioBench {
  cameras: number;
  hosts: number;
  'frames a second and camera': number;
  breaks: number;
  'a camera': {
    'hosts, % of a core': number;
    'engine with feed and capture, % of a core': number;
    'RSS of hosts, MB': number;
    'PSS of hosts, MB': number;
  };
}

it.each([
  [100, 'AAC to Opus', []],
  [50, 'AAC to Opus at -16 LUFS', ['--cameras=50', '--loudness=-16LUFS']],
] as const)('%s cameras: %s', { timeout: 300_000 }, async (asked, what, args) => {
  const measured = await runBench<AudioBench>('transcode-audio', ...args);
  const { cameras, hosts, breaks, 'a camera': camera, 'frames a second and camera': frames } = measured;
  meetBar({
    issue: 5,
    what: `${asked} AAC cameras, ${what}: RSS and CPU a camera`,
    bar: 'all in real time without a break; for RSS and CPU the issue sets no bound',
    measured:
      `${camera['hosts, % of a core']}% of a core and ${camera['RSS of hosts, MB']} MB of RSS a camera (${camera['PSS of hosts, MB']} MB of PSS: ` +
      `what hosts have in common counted once) in ${hosts} hosts, ${camera['engine with feed and capture, % of a core']}% in the engine with the ` +
      `test's own part; ${frames} frames a second each, ${breaks} breaks`,
    pass: cameras === asked && breaks === 0 && frames > 49.5 && frames < 50.5,
  });
});

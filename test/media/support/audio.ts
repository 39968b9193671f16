/** Audio made and decoded by ffmpeg, which is none of our codecs' hosts. */
import { execFileSync, spawnSync } from 'node:child_process';
import type { AccessUnit, AudioCaps } from 'eddy/plugin';
import { audioCapsFromConfig, buildInitSegment, splitAdts, writeChunk } from 'eddy/media';
import { decodeAudio } from './decode.ts';

/** A coded piece of sound. */
export interface Sound {
  readonly caps: AudioCaps;
  readonly units: AccessUnit[];
}

/** AAC of what an ffmpeg filter graph describes; the first frame is at `start` ticks of the sample rate. */
export function makeAac(graph: string, { start = 0, args = [] as readonly string[] } = {}): Sound {
  const adts = execFileSync(
    'ffmpeg',
    ['-v', 'error', '-f', 'lavfi', '-i', graph, ...args, '-c:a', 'aac', '-f', 'adts', 'pipe:1'],
    { maxBuffer: 2 ** 28 },
  );
  const frames = splitAdts(adts);
  const caps = audioCapsFromConfig('aac', frames[0]!.config);
  const now = Date.now();
  const units = frames.map(({ data }, i) => {
    const pts = start + i * 1024;
    // As in real time, however fast a test is: else the publication's clock jumps.
    const arrivedAt = now + (i * 1024 * 1000) / caps.sampleRate;
    return { dts: pts, pts, duration: 1024, key: true, data, arrivedAt };
  });
  return { caps, units };
}

/** Silence with a beep of a tenth of a second at each of these seconds. */
export const beeps = (seconds: number, at: readonly number[], rate = 48_000): string =>
  `aevalsrc='0.5*sin(2*PI*1000*t)*(${at.map((s) => `between(t,${s},${s + 0.1})`).join('+')})':d=${seconds}:s=${rate}:c=stereo`;

/** The frames as RTMP would bring them: whole milliseconds, no durations. */
export function inMilliseconds({ caps, units }: Sound): Sound {
  const moved = units.map(({ duration: _, ...unit }) => {
    const ms = Math.floor((unit.pts * 1000) / caps.sampleRate);
    return { ...unit, dts: ms, pts: ms };
  });
  return { caps: { ...caps, timescale: 1000 }, units: moved };
}

/** The sound as a fragmented MP4 file that begins at 0. */
function fileOf({ caps, units }: Sound): Buffer {
  const samples = units.map(({ data, duration }) => ({ data, duration: duration!, compositionOffset: 0, key: true }));
  return Buffer.concat([
    buildInitSegment({ caps }),
    writeChunk({ sequence: 1, baseTime: 0, samples, startsSegment: true }),
  ]);
}

/** Integrated loudness from `from` seconds on, in LUFS, as ffmpeg measures it. */
export async function loudnessOf(sound: Sound, from: number): Promise<number> {
  const filter = `atrim=start=${from},ebur128=framelog=verbose`;
  const args = ['-hide_banner', '-i', 'pipe:0', '-af', filter, '-f', 'null', '-'];
  const { stderr } = spawnSync('ffmpeg', args, { input: fileOf(sound), encoding: 'utf8' });
  const found = /Integrated loudness:\s+I:\s+(-?[\d.]+) LUFS/.exec(stderr);
  if (!found) throw new Error(`ffmpeg measured nothing: ${stderr}`);
  return Number(found[1]);
}

/** Decodes to one channel of 48 kHz or the track's rate; sample 0 is at the first unit's pts. */
export async function decode({ caps, units }: Sound): Promise<Int16Array> {
  if (caps.codec === 'aac') return decodeAudio(caps, units);
  const raw = execFileSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 's16le', '-ac', '1', 'pipe:1'], {
    input: fileOf({ caps, units }),
    maxBuffer: 2 ** 28,
  });
  return new Int16Array(raw.buffer, raw.byteOffset, raw.length >> 1);
}

/** Media times in ms at which a beep begins: the first loud sample after 50 ms without one. */
export async function onsets(sound: Sound): Promise<number[]> {
  const { caps, units } = sound;
  const samples = await decode(sound);
  const found: number[] = [];
  let quiet = Infinity;
  samples.forEach((sample, i) => {
    if (Math.abs(sample) < 4000) return void quiet++;
    if (quiet > caps.sampleRate / 20) found.push((units[0]!.pts / caps.timescale + i / caps.sampleRate) * 1000);
    quiet = 0;
  });
  return found;
}

/** The frequency of a tone in Hz, by its zero crossings. */
export function frequencyOf(samples: Int16Array, rate: number): number {
  let crossings = 0;
  for (let i = 1; i < samples.length; i++) if (samples[i - 1]! < 0 && samples[i]! >= 0) crossings++;
  return (crossings * rate) / samples.length;
}

/** Rungs of several codecs: whether they are what was asked for, cut at the same moments, over scene cuts too. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { buildInitSegment, writeChunk } from 'eddy/media';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { encodeClip, readFlv, type Clip } from '../support/live-source.ts';
import { keysOf, start, transcode, unitsOf, type Rung } from './support/ladder-stage.ts';

/** Frames a second of the source. */
const RATES = atLevel<readonly string[]>({
  test: ['30000/1001'],
  proof: ['15', '24000/1001', '25', '30000/1001', '50'],
});

/** Eight seconds with cuts that lie nowhere near key frames. */
async function cutClip(rate: string): Promise<Clip> {
  const scenes = ['testsrc2=', 'mandelbrot=', 'color=red:', 'smptebars=', 'rgbtestsrc='];
  const lengths = [1.3, 0.9, 2.2, 1.7, 1.9];
  const sized = scenes.map((scene, index) => {
    const noise = scene.startsWith('color') ? ',noise=alls=60:allf=t' : '';
    return `${scene}s=160x90:r=${rate}${noise},trim=duration=${lengths[index]},setpts=PTS-STARTPTS,format=yuv420p[v${index}]`;
  });
  const graph = `${sized.join(';')};${scenes.map((_, index) => `[v${index}]`).join('')}concat=n=${scenes.length}[out];sine=d=8[sound]`;
  const args = ['-v', 'error', '-filter_complex', graph, '-map', '[out]', '-map', '[sound]', '-r', rate];
  const codecs = '-c:v libx264 -preset ultrafast -crf 18 -bf 0 -g 300 -c:a aac -f flv -'.split(' ');
  const { stdout } = await promisify(execFile)('ffmpeg', [...args, ...codecs], {
    encoding: 'buffer',
    maxBuffer: 1 << 28,
  });
  const { video, ...rest } = readFlv(stdout);
  const [num, den = 1] = rate.split('/').map(Number) as [number, number?];
  return { fps: num / den, seconds: 8, video: { ...video, frameRate: { num, den } }, ...rest };
}

/** Pictures that ffmpeg makes of a rung of any codec, from a file of our own; it complains of none. */
async function countPictures({ caps, units }: Rung): Promise<number> {
  const samples = units.map(({ dts, pts, key, data }, index) => ({
    data,
    key,
    duration: Math.round(units[index + 1]?.dts ?? dts + 3000) - Math.round(dts),
    compositionOffset: Math.round(pts) - Math.round(dts),
  }));
  const baseTime = Math.round(units[0]!.dts);
  const file = Buffer.concat([
    buildInitSegment({ caps }),
    writeChunk({ sequence: 1, baseTime, samples, startsSegment: true }),
  ]);
  const run = promisify(execFile)(
    'ffprobe',
    '-v error -count_frames -show_entries stream=nb_read_frames -of csv=p=0 -'.split(' '),
  );
  run.child.stdin!.end(file);
  const { stdout, stderr } = await run;
  expect(stderr).toBe('');
  return Number(stdout);
}

/** A tick is rounding. */
const near = (moments: readonly number[]): number[] => moments.map((pts) => Math.round(pts / 90));

describe('rungs of four codecs', () => {
  it.each(['low-latency', 'quality'] as const)(
    'are what was asked for, with key frames at the same moments: %s',
    { timeout: 120_000 },
    async (mode) => {
      let keys = 0;
      for (const rate of RATES) {
        const clip = await cutClip(rate);
        const stage = await start({
          gop: '1s',
          mode,
          passthrough: 'never',
          preset: 'superfast',
          rungs: [
            { size: '90p', bitrate: '200kbps', profile: 'main', gop: '2s' },
            { size: '90p', bitrate: '150kbps', codec: 'hevc', profile: 'main10', gop: '2s' },
            { size: '60p', bitrate: '80kbps', codec: 'vp9' },
            { size: '60p', bitrate: '80kbps', codec: 'av1', fps: 15 },
            { size: '46p', bitrate: '80kbps', codec: 'hevc' },
          ],
        });
        const units = unitsOf(clip, 7);
        const made = await transcode(stage, clip.video, units);
        expect(stage.reports).toEqual([]);
        const strings = Object.fromEntries(Object.entries(made).map(([id, { caps }]) => [id, caps.codecString]));
        expect(strings).toEqual({
          'video-90p': expect.stringMatching(/^avc1\.4d/),
          'video-90p-hevc': expect.stringMatching(/^hvc1\.2\./),
          'video-60p-vp9': expect.stringMatching(/^vp09\.00\./),
          'video-60p15-av1': expect.stringMatching(/^av01\.0\.[0-9]{2}M\.08$/),
          'video-46p-hevc': expect.stringMatching(/^hvc1\.1\./),
        });
        // The thinned one takes every n-th picture, and all have key frames where it takes one.
        const thin = Math.ceil(clip.fps / 15 - 0.01);
        const interval = thin * Math.round(clip.fps / thin);
        const every = near(units.filter((_, index) => index % interval === 0).map(({ pts }) => pts));
        const second = every.filter((_, index) => index % 2 === 0);
        for (const [id, rung] of Object.entries(made)) {
          const at = near(keysOf(rung));
          expect([rate, id, at]).toEqual([rate, id, id.startsWith('video-90p') ? second : every]);
          keys += at.length;
          const taken = id.includes('15') ? units.filter((_, index) => index % thin === 0) : units;
          expect(near(rung.units.map(({ pts }) => pts)).toSorted((a, b) => a - b)).toEqual(
            near(taken.map(({ pts }) => pts)),
          );
          expect(rung.caps.bFrames).toBe(mode === 'quality' && ['h264', 'hevc'].includes(rung.caps.codec));
          expect(await countPictures(rung)).toBe(taken.length);
          const bits = (rung.units.reduce((sum, { data }) => sum + data.length, 0) * 8) / (units.length / clip.fps);
          // Noise is more than it has bits for; but none spends twice what it was given.
          expect(bits / rung.caps.bitrate!, `${id} at ${rate}`).toBeLessThan(1.6);
        }
      }
      if (level !== 'proof') return;
      meetBar({
        issue: 5,
        what: `alignment over codecs: H.264, HEVC, VP9 and AV1 side by side, over scene cuts, at ${RATES.join(', ')} fps, ${mode}`,
        bar: 'key frames at the same pts on all rungs',
        measured: `${keys} key frames of five rungs, all where they belong; every picture decodes`,
        pass: keys > 100,
      });
    },
  );

  it.each([15, 30])('AV1 of %s frames a second has the bit rate that was asked for', async (fps) => {
    const clip = await encodeClip({ seconds: 8, fps });
    const stage = await start({ rungs: ['360p@600kbps'], codec: 'av1', passthrough: 'never', preset: 'ultrafast' });
    const { units } = (await transcode(stage, clip.video, unitsOf(clip)))['video-360p']!;
    const bits = units.reduce((sum, { data }) => sum + data.length, 0) * 8;
    expect(bits / 8 / 600_000).toBeGreaterThan(0.7);
    expect(bits / 8 / 600_000).toBeLessThan(1.3);
  });
});

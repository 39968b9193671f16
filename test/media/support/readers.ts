/** Streams put through the segmenter, and readers of another make than ours to judge the result. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createFile, type ISOFile, MP4BoxBuffer } from 'mp4box';
import { expect } from 'vitest';
import { readChunks } from '../../../core/media/index.ts';
import { clockAt, EPOCH, play, Recorder } from '../../unit/package/harness.ts';
import type { Stream } from '../flv-file.ts';

const run = promisify(execFile);
const require = createRequire(import.meta.url);

/** Runs ffmpeg; what it writes to stdout. */
export async function ffmpeg(...args: string[]): Promise<Buffer> {
  const options = { encoding: 'buffer', maxBuffer: 256 * 1024 * 1024, timeout: 60_000 } as const;
  return (await run('ffmpeg', ['-v', 'error', '-nostdin', ...args], options)).stdout;
}

/** Hashes of the decoded pictures, in the order in which they are shown. */
export async function pictures(file: string): Promise<string[]> {
  const text = (await ffmpeg('-i', file, '-map', '0:v', '-vsync', 'passthrough', '-f', 'framemd5', '-')).toString();
  return text
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)!.trim());
}

/** What became of a stream: the chunks, and each track as one file in `dir`. */
export interface Segmented {
  readonly recorder: Recorder;
  file(id: string): string;
}

/** Cuts a stream into chunks and writes each track, joined again, into a file. */
export async function segmented(dir: string, streams: Partial<Record<'video' | 'audio', Stream>>): Promise<Segmented> {
  const recorder = new Recorder();
  const clock = clockAt(EPOCH);
  const feeds = Object.entries(streams).map(([id, { caps, units }]) => {
    return [recorder.segmenter.addTrack(id, caps, clock), units] as const;
  });
  play(feeds);
  for (const [input] of feeds) input.end('publisher-ended');
  const stem = join(dir, Math.random().toString(36).slice(2));
  const file = (id: string): string => `${stem}-${id}.mp4`;
  for (const id of Object.keys(streams)) {
    const parts = recorder.chunks(id).map((chunk) => chunk.data);
    await writeFile(file(id), Buffer.concat([recorder.of(id).caps.init, ...parts]));
  }
  return { recorder, file };
}

/** Presentation time, decode time and duration of every packet, in seconds, as ffprobe reads them. */
export async function probePackets(file: string): Promise<{ pts: number; dts: number; duration: number }[]> {
  const entries = ['-show_entries', 'packet=pts_time,dts_time,duration_time', '-of', 'csv=p=0'];
  const { stdout } = await run('ffprobe', ['-v', 'error', ...entries, file]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [pts, dts, duration] = line.split(',').map(Number) as [number, number, number];
      return { pts, dts, duration };
    });
}

/** What mp4box reads. */
export function mp4box(bytes: Buffer): {
  file: ISOFile;
  tracks: { codec: string; timescale: number; nb_samples: number }[];
} {
  const file = createFile();
  let tracks: { codec: string; timescale: number; nb_samples: number }[] = [];
  let failure = '';
  file.onReady = (info) => (tracks = info.tracks);
  file.onError = (module, message) => (failure = `${module}: ${message}`);
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(Uint8Array.from(bytes).buffer, 0));
  file.flush();
  expect(failure).toBe('');
  return {
    file,
    tracks: tracks.map((track) => ({
      ...track,
      nb_samples: file.getTrackById((track as { id: number } & typeof track).id).samples.length,
    })),
  };
}

/** Expects mp4box to read every part of a track, from its own bytes, as we do. */
export function expectMp4boxAgrees(recorder: Recorder, id: string): void {
  const { caps } = recorder.of(id);
  for (const chunk of recorder.chunks(id)) {
    const { file, tracks } = mp4box(Buffer.concat([caps.init, chunk.data]));
    expect(tracks).toHaveLength(1);
    expect(tracks[0]).toMatchObject({ codec: caps.codecString, timescale: caps.timescale });
    const samples = file.getTrackById(1).samples as {
      dts: number;
      cts: number;
      duration: number;
      is_sync: boolean;
      size: number;
    }[];
    const ours = readChunks(chunk.data)[0]!.samples;
    expect(samples.map((sample) => [sample.dts, sample.cts, sample.duration, sample.is_sync, sample.size])).toEqual(
      ours.map((sample) => [sample.dts, sample.pts, sample.duration, sample.key, sample.data.length]),
    );
  }
}

/** Lets shaka-packager repackage tracks; the files that it wrote. */
export async function repackage<K extends string>(files: Readonly<Record<K, string>>): Promise<Record<K, string>> {
  const folder = join(require.resolve('shaka-packager/package.json'), '..', 'bin');
  const tracks = Object.entries<string>(files).map(([id, file]) => ({ id, file, out: `${file}.shaka.mp4` }));
  const outputs = tracks.map(({ id, file, out }) => `in=${file},stream=${id},output=${out}`);
  const manifest = `${tracks[0]!.file}.mpd`;
  await run(join(folder, `packager-linux-${process.arch}`), [...outputs, '--mpd_output', manifest], {
    timeout: 30_000,
  });
  return Object.fromEntries(tracks.map(({ id, out }) => [id, out])) as Record<K, string>;
}

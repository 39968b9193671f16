/** Decodes what a stage wrote, with ffmpeg: another decoder than the one under test. */
import { spawn } from 'node:child_process';
import type { AccessUnit, AudioCaps, VideoCaps } from 'eddy/plugin';
import { lengthPrefixedToAnnexB, parseAacConfig, parseAvcConfig } from 'eddy/media';

/** A decoded picture's luma plane with its presentation time. */
export interface Picture {
  /** Seconds. */
  readonly pts: number;
  readonly luma: Uint8Array;
}

async function ffmpeg(input: Buffer, args: readonly string[]): Promise<Buffer> {
  const child = spawn('ffmpeg', ['-v', 'error', ...args, 'pipe:1'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const START = Buffer.from([0, 0, 0, 1]);

/** Decodes H.264 units that begin with a key frame. Throws where the number of pictures is not that of the units. */
export async function decodeVideo(caps: VideoCaps, units: readonly AccessUnit[]): Promise<Picture[]> {
  const { sps, pps } = parseAvcConfig(caps.config);
  const sets = [...sps, ...pps].flatMap((set) => [START, set]);
  const stream = Buffer.concat([...sets, ...units.map((unit) => lengthPrefixedToAnnexB(unit.data))]);
  const raw = await ffmpeg(stream, [
    '-f',
    'h264',
    '-i',
    'pipe:0',
    '-fps_mode',
    'passthrough',
    '-f',
    'rawvideo',
    '-pix_fmt',
    'yuv420p',
  ]);
  const size = (caps.width * caps.height * 3) / 2;
  if (raw.length !== size * units.length) throw new Error(`${raw.length / size} pictures from ${units.length} units`);
  const times = units.map((unit) => unit.pts).sort((a, b) => a - b);
  return times.map((pts, i) => ({
    pts: pts / caps.timescale,
    luma: raw.subarray(i * size, i * size + caps.width * caps.height),
  }));
}

/** Decodes AAC units to one channel; the first sample is at the first unit's pts, as a player without edit lists has it. */
export async function decodeAudio(caps: AudioCaps, units: readonly AccessUnit[]): Promise<Int16Array> {
  const { sampleRate, channels } = parseAacConfig(caps.config);
  const index = [96000, 88200, 64000, 48000, 44100, 32000].indexOf(sampleRate);
  const adts = units.flatMap(({ data }) => {
    const length = data.length + 7;
    const header = [0xff, 0xf1, 0x40 | (index << 2), (channels << 6) | (length >> 11), (length >> 3) & 0xff];
    return [Buffer.from([...header, ((length & 7) << 5) | 0x1f, 0xfc]), Buffer.from(data)];
  });
  const raw = await ffmpeg(Buffer.concat(adts), ['-f', 'aac', '-i', 'pipe:0', '-f', 's16le', '-ac', '1']);
  return new Int16Array(raw.buffer, raw.byteOffset, raw.length >> 1);
}

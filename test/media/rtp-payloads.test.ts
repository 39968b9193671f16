/** Depacketizers against packets that others wrote: ffmpeg's RTP muxer and GStreamer's payloaders, byte for byte. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FrameReader,
  joinLengthPrefixed,
  parseRtp,
  splitAnnexB,
  splitLengthPrefixed,
  type RtpFrame,
} from '../../core/media/index.ts';
import type { VideoCodec } from '../../core/model/index.ts';
import { runFfmpeg } from '../support/ffmpeg.ts';

let folder: string;
let socket: Socket;
const sockets: Socket[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eddy-rtp-'));
});
afterAll(async () => {
  for (const each of sockets) each.close();
  await rm(folder, { recursive: true });
});

async function listen(): Promise<{ port: number; packets: Buffer[] }> {
  socket = createSocket('udp4');
  sockets.push(socket);
  const packets: Buffer[] = [];
  socket.on('message', (packet) => packets.push(packet));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.setRecvBufferSize(4 * 1024 * 1024);
  return { port: socket.address().port, packets };
}

/** Waits until no packet has come for a while. */
async function quiet(packets: readonly Buffer[]): Promise<void> {
  for (let count = -1; count !== packets.length;) {
    count = packets.length;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

function framesOf(codec: VideoCodec | 'opus', packets: readonly Buffer[]): RtpFrame[] {
  const frames: RtpFrame[] = [];
  const reader = new FrameReader(
    codec,
    { wait: 50 },
    {
      frame: (frame) => void frames.push(frame),
      keyFrameNeeded: () => undefined,
      lost: (count, error) => expect.unreachable(`${count} lost, ${error?.message}`),
    },
  );
  for (const packet of packets) {
    if (packet[1]! >= 192 && packet[1]! < 224) continue; // RTCP on the same port
    reader.push(parseRtp(packet), 0);
  }
  return frames;
}

/** ffmpeg's muxer takes the first zero of a start code of four bytes for the end of the NAL unit before. */
function trimmed(codec: VideoCodec, data: Uint8Array): Uint8Array {
  if (codec !== 'h264' && codec !== 'hevc') return data;
  const nals = splitLengthPrefixed(data);
  return joinLengthPrefixed(nals.map((nal) => (nal.at(-1) === 0 ? nal.subarray(0, -1) : nal)));
}

/** The frames of an IVF file. */
function ivf(file: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = file.readUInt16LE(6); at < file.length;) {
    const size = file.readUInt32LE(at);
    frames.push(file.subarray(at + 12, at + 12 + size));
    at += 12 + size;
  }
  return frames;
}

/** Access units of an Annex B file, without parameter sets, as access units hold them; `slice` tells what begins one. */
function annexB(
  file: Buffer,
  type: (nal: Uint8Array) => number,
  sets: readonly number[],
  first: (nal: Uint8Array) => boolean,
) {
  const units: Uint8Array[][] = [];
  let pending: Uint8Array[] = [];
  for (const nal of splitAnnexB(file)) {
    if (sets.includes(type(nal))) continue;
    if (!first(nal)) {
      if (type(nal) >= 32 || type(nal) === 6) pending.push(nal);
      else units.at(-1)!.push(nal);
      continue;
    }
    units.push([...pending, nal]);
    pending = [];
  }
  return units.map(joinLengthPrefixed);
}

const SOURCE = '-f lavfi -i testsrc2=size=320x180:rate=25:duration=2,noise=alls=20';

describe('packets of ffmpeg', () => {
  const cases = [
    {
      codec: 'h264',
      file: 'a.h264',
      encode: '-c:v libx264 -bf 0 -g 10 -preset ultrafast -x264-params slices=3:repeat-headers=1:annexb=1',
      units: (file: Buffer) =>
        annexB(
          file,
          (nal) => nal[0]! & 31,
          [7, 8, 9],
          (nal) => [1, 5].includes(nal[0]! & 31) && nal[1]! >= 0x80,
        ),
    },
    {
      codec: 'hevc',
      file: 'a.hevc',
      encode:
        '-c:v libx265 -preset ultrafast -x265-params bframes=0:keyint=10:slices=2:repeat-headers=1:log-level=none',
      units: (file: Buffer) =>
        annexB(
          file,
          (nal) => (nal[0]! >> 1) & 63,
          [32, 33, 34, 35],
          (nal) => ((nal[0]! >> 1) & 63) < 32 && nal[2]! >= 0x80,
        ),
    },
    { codec: 'vp8', file: 'vp8.ivf', encode: '-c:v libvpx -g 10 -deadline realtime -cpu-used 8', units: ivf },
    {
      codec: 'vp9',
      file: 'vp9.ivf',
      encode: '-c:v libvpx-vp9 -g 10 -deadline realtime -cpu-used 8 -lag-in-frames 0',
      units: ivf,
    },
  ] as const;

  it.each(cases)('$codec', async ({ codec, file, encode, units }) => {
    const path = join(folder, file);
    await runFfmpeg(`${SOURCE} ${encode} ${path}`);
    const { port, packets } = await listen();
    await runFfmpeg(
      `-readrate 4 -i ${path} -c copy -strict experimental -f rtp rtp://127.0.0.1:${port}?pkt_size=500&rtcpport=${port}`,
    );
    await quiet(packets);
    const sent = units(await readFile(path));
    const frames = framesOf(codec, packets);
    expect(sent).toHaveLength(50);
    expect(frames).toHaveLength(50);
    expect(frames.flatMap(({ data }, i) => (Buffer.compare(trimmed(codec, data), sent[i]!) === 0 ? [] : [i]))).toEqual(
      [],
    );
    expect(frames.flatMap(({ key }, i) => (key ? [i] : []))).toEqual([0, 10, 20, 30, 40]);
  });
});

describe('packets of GStreamer', () => {
  it.each([
    {
      codec: 'vp9',
      encode: 'vp9enc deadline=1 cpu-used=8 keyframe-max-dist=10 ! tee name=t',
      pay: 'rtpvp9pay mtu=500',
    },
    {
      codec: 'vp8',
      encode: 'vp8enc deadline=1 cpu-used=8 keyframe-max-dist=10 ! tee name=t',
      pay: 'rtpvp8pay mtu=500',
    },
  ] as const)('$codec', async ({ codec, encode, pay }) => {
    const { port, packets } = await listen();
    const path = join(folder, `gst-${codec}`);
    const line =
      `videotestsrc pattern=ball num-buffers=30 ! video/x-raw,width=320,height=180 ! ${encode} ` +
      `t. ! queue ! ${pay} ! udpsink host=127.0.0.1 port=${port} sync=false ` +
      `t. ! queue ! multifilesink sync=false location=${path}-%02d`;
    const child = spawn('gst-launch-1.0', ['-q', ...line.split(/\s+/)], { stdio: 'ignore' });
    expect(await once(child, 'exit')).toEqual([0, null]);
    await quiet(packets);
    const frames = framesOf(codec, packets);
    expect(frames).toHaveLength(30);
    for (const [i, { data }] of frames.entries())
      expect(Buffer.compare(data, await readFile(`${path}-${String(i).padStart(2, '0')}`))).toBe(0);
    expect(frames[0]!.key).toBe(true);
  });
});

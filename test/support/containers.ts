/** Takes apart the files that ffmpeg writes, as far as tests need it: FLV tags, IVF frames, Ogg packets. */

export interface FlvTag {
  /** 8 audio, 9 video, 18 script. */
  readonly type: number;
  readonly timestamp: number;
  readonly body: Buffer;
}

/** The tags of an FLV file (Adobe FLV 10.1, annex E). */
export function flvTags(file: Buffer): FlvTag[] {
  const tags: FlvTag[] = [];
  for (let at = 13; at + 11 <= file.length;) {
    const length = file.readUIntBE(at + 1, 3);
    const timestamp = file.readUIntBE(at + 4, 3) + file[at + 7]! * 2 ** 24;
    tags.push({ type: file[at]! & 0x1f, timestamp, body: file.subarray(at + 11, at + 11 + length) });
    at += 11 + length + 4;
  }
  return tags;
}

/** The frames of an IVF file, which AV1 and VP9 have. */
export function ivfFrames(file: Buffer): { pts: number; data: Buffer }[] {
  const frames: { pts: number; data: Buffer }[] = [];
  for (let at = file.readUInt16LE(6); at + 12 <= file.length;) {
    const length = file.readUInt32LE(at);
    frames.push({ pts: Number(file.readBigUInt64LE(at + 4)), data: file.subarray(at + 12, at + 12 + length) });
    at += 12 + length;
  }
  return frames;
}

/** The packets of an Ogg file with one stream (RFC 3533); the first two of Opus are its heads. */
export function oggPackets(file: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  let parts: Buffer[] = [];
  for (let at = 0; at + 27 <= file.length;) {
    const lacing = file.subarray(at + 27, at + 27 + file[at + 26]!);
    at += 27 + lacing.length;
    for (const size of lacing) {
      parts.push(file.subarray(at, at + size));
      at += size;
      if (size === 255) continue;
      packets.push(Buffer.concat(parts));
      parts = [];
    }
  }
  return packets;
}

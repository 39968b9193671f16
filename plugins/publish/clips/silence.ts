/** Silence for the holes of sound: many players count samples, and would play what follows a hole at its beginning. */
import type { ReadInit } from 'eddy/media';

/** One frame of silence. */
export interface SilentFrame {
  readonly data: Uint8Array;
  /** Ticks of the track. */
  readonly duration: number;
}

/** Raw AAC-LC frames by channels. */
const AAC: readonly (string | undefined)[] = [undefined, '00c8008023 80', '2100499002190023 80'];

/** The frame for a track, where there is one: of AAC-LC and Opus in mono and stereo. */
export function silenceOf({ entry, timescale }: ReadInit, codecString: string): SilentFrame | undefined {
  // AudioSampleEntry: channelcount (ISO 14496-12 12.2.3.2).
  const channels = new DataView(entry.buffer, entry.byteOffset).getUint16(24);
  if (codecString === 'mp4a.40.2') {
    const hex = AAC[channels];
    return hex === undefined ? undefined : { data: Buffer.from(hex.replaceAll(' ', ''), 'hex'), duration: 1024 };
  }
  if (codecString !== 'opus' || channels > 2) return undefined;
  // CELT, full band, 20 ms: a frame that holds nothing (RFC 6716 3.1, configuration 31).
  return { data: Uint8Array.of(channels === 2 ? 0xfc : 0xf8, 0xff, 0xfe), duration: timescale / 50 };
}

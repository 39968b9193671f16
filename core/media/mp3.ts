/** MP3 frame headers (ISO 11172-3 2.4.1.3), as RTMP carries them: enough to name the track. */
import { malformed, truncated } from './media-error.ts';

const RATES = [44100, 48000, 32000];

/** What an MP3 frame header says. */
export interface Mp3Header {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  /** Samples a frame: 1152, or 576 at the low sampling rates. */
  readonly frameLength: number;
}

/** Reads the header of a layer III frame; throws a MediaError. */
export function parseMp3Header(frame: Uint8Array): Mp3Header {
  if (frame.length < 4) throw truncated('an MP3 frame header');
  if (frame[0] !== 0xff || (frame[1]! & 0xe0) !== 0xe0) throw malformed('no MP3 sync word');
  const version = (frame[1]! >> 3) & 3; // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
  const layer = (frame[1]! >> 1) & 3;
  const rate = RATES[(frame[2]! >> 2) & 3];
  if (version === 1 || layer !== 1 || !rate) throw malformed('not an MPEG audio layer III header');
  return {
    sampleRate: version === 3 ? rate : version === 2 ? rate / 2 : rate / 4,
    channels: frame[3]! >> 6 === 3 ? 1 : 2,
    frameLength: version === 3 ? 1152 : 576,
  };
}

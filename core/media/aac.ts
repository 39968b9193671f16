/** AAC: AudioSpecificConfig (ISO 14496-3 1.6.2.1) and ADTS (1.A.2). */
import { BitReader } from './bits.ts';
import { malformed, truncated } from './media-error.ts';

const RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350] as const;
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 8] as const;

/** What an AudioSpecificConfig says. */
export interface AacConfig {
  /** 2 LC, 5 SBR (HE-AAC), 29 PS (HE-AAC v2), 42 xHE. */
  readonly objectType: number;
  /** Rate of the core coder in Hz: what the frames' timestamps count in (1024 samples a frame). */
  readonly sampleRate: number;
  /** Rate after spectral band replication where it is signalled. */
  readonly outputRate: number;
  readonly channels: number;
  /** Samples a frame at `sampleRate`: 1024, or 960 for radio. */
  readonly frameLength: number;
}

/** Reads an AudioSpecificConfig; throws a MediaError. */
export function parseAacConfig(config: Uint8Array): AacConfig {
  const r = new BitReader(config);
  let objectType = audioObjectType(r);
  const sampleRate = samplingRate(r);
  const channelConfig = r.bits(4);
  const signalled = objectType;
  let outputRate = sampleRate;
  if (objectType === 5 || objectType === 29) {
    outputRate = samplingRate(r);
    objectType = audioObjectType(r);
  }
  let channels: number =
    CHANNELS[channelConfig] ?? (channelConfig === 11 ? 7 : channelConfig === 12 || channelConfig === 14 ? 8 : 0);
  const short = r.left > 0 && r.flag();
  if (channelConfig === 0 && [1, 2, 3, 4].includes(objectType)) channels = channelsOfProgramConfig(r);
  if (channels === 0) throw malformed('AudioSpecificConfig names no channels');
  return { objectType: signalled, sampleRate, outputRate, channels, frameLength: short ? 960 : 1024 };
}

/** Builds an AudioSpecificConfig for AAC LC (or another object type below 31); rates off the table are written whole. */
export function buildAacConfig(config: { objectType?: number; sampleRate: number; channels: number }): Uint8Array {
  const objectType = config.objectType ?? 2;
  const channelConfig = (CHANNELS as readonly number[]).indexOf(config.channels);
  if (channelConfig < 1) throw malformed(`no AAC channel configuration has ${config.channels} channels`);
  const index = (RATES as readonly number[]).indexOf(config.sampleRate);
  if (index >= 0) return Uint8Array.of((objectType << 3) | (index >> 1), ((index & 1) << 7) | (channelConfig << 3));
  const rate = config.sampleRate;
  // 5 bits object type, 4 bits escape, 24 bits rate, 4 bits channels, 3 bits zero.
  return Uint8Array.of(
    (objectType << 3) | 7,
    0x80 | ((rate >> 17) & 0x7f),
    (rate >> 9) & 0xff,
    (rate >> 1) & 0xff,
    ((rate & 1) << 7) | (channelConfig << 3),
  );
}

function audioObjectType(r: BitReader): number {
  const type = r.bits(5);
  return type === 31 ? 32 + r.bits(6) : type;
}

function samplingRate(r: BitReader): number {
  const index = r.bits(4);
  const rate = index === 15 ? r.bits(24) : RATES[index];
  if (!rate) throw malformed(`AAC sampling frequency index ${index} is reserved`);
  return rate;
}

/** Channels counted from a program_config_element (ISO 14496-3 4.4.1.1), after frameLengthFlag. */
function channelsOfProgramConfig(r: BitReader): number {
  if (r.flag()) r.skip(14); // dependsOnCoreCoder
  r.skip(1); // extensionFlag
  r.skip(4 + 2 + 4);
  const [front, side, back, lfe] = [r.bits(4), r.bits(4), r.bits(4), r.bits(2)];
  r.skip(3 + 4);
  if (r.flag()) r.skip(4);
  if (r.flag()) r.skip(4);
  if (r.flag()) r.skip(3);
  let channels = lfe;
  for (let i = 0; i < front + side + back; i++) {
    channels += r.flag() ? 2 : 1;
    r.skip(4);
  }
  return channels;
}

/** RFC 6381 codec string: `mp4a.40.2`. */
export function aacCodecString(objectType: number): string {
  return `mp4a.40.${objectType}`;
}

/** True where data begins with an ADTS sync word: what some publishers send where raw frames are due. */
export function isAdts(data: Uint8Array): boolean {
  return data.length >= 7 && data[0] === 0xff && (data[1]! & 0xf6) === 0xf0;
}

/** One ADTS frame: its raw bytes as a view, and the AudioSpecificConfig that its header spells. */
export interface AdtsFrame {
  readonly data: Uint8Array;
  readonly config: Uint8Array;
}

/** Splits ADTS data into raw frames; throws a MediaError where the chain of headers breaks. */
export function splitAdts(data: Uint8Array): AdtsFrame[] {
  const frames: AdtsFrame[] = [];
  for (let at = 0; at < data.length;) {
    const header = data.subarray(at);
    if (!isAdts(header)) throw malformed('no ADTS sync word');
    const headerSize = header[1]! & 1 ? 7 : 9;
    const length = ((header[3]! & 3) << 11) | (header[4]! << 3) | (header[5]! >> 5);
    if (length < headerSize) throw malformed('an ADTS frame shorter than its header');
    if (length > header.length) throw truncated('an ADTS frame');
    const rateIndex = (header[2]! >> 2) & 15;
    const channelConfig = ((header[2]! & 1) << 2) | (header[3]! >> 6);
    const objectType = (header[2]! >> 6) + 1;
    frames.push({
      data: header.subarray(headerSize, length),
      config: Uint8Array.of((objectType << 3) | (rateIndex >> 1), ((rateIndex & 1) << 7) | (channelConfig << 3)),
    });
    at += length;
  }
  return frames;
}

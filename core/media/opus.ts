/** Opus: its head in Ogg and RTMP (RFC 7845 5.1), in MP4 (dOps, Opus in ISOBMFF 4.3.2), and packet durations. */
import { malformed, truncated } from './media-error.ts';

/** What an Opus head says, in either form. */
export interface OpusConfig {
  readonly channels: number;
  /** Samples at 48 kHz that a decoder throws away at the start. */
  readonly preSkip: number;
  /** Rate of the original input in Hz; Opus itself always decodes at 48 kHz. */
  readonly inputRate: number;
  /** Q7.8 dB. */
  readonly gain: number;
  readonly mappingFamily: number;
  /** Stream count, coupled count and channel mapping; empty for family 0. */
  readonly mapping: Uint8Array;
}

const MAGIC = [0x4f, 0x70, 0x75, 0x73, 0x48, 0x65, 0x61, 0x64]; // "OpusHead"

/** True where bytes begin with "OpusHead". */
export function isOpusHead(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Reads an OpusHead, magic included; throws a MediaError. */
export function parseOpusHead(head: Uint8Array): OpusConfig {
  if (!isOpusHead(head)) throw malformed('no OpusHead magic');
  if (head[8]! >> 4 !== 0) throw malformed('OpusHead of an unknown major version');
  return readBody(head.subarray(9), true);
}

/** Reads the body of a dOps box; throws a MediaError. */
export function parseDops(body: Uint8Array): OpusConfig {
  if (body[0] !== 0) throw malformed('dOps has another version than 0');
  return readBody(body.subarray(1), false);
}

function readBody(body: Uint8Array, littleEndian: boolean): OpusConfig {
  if (body.length < 10) throw truncated('an Opus head');
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const channels = body[0]!;
  const mappingFamily = body[9]!;
  if (channels === 0 || (mappingFamily === 0 && channels > 2))
    throw malformed(`an Opus head with ${channels} channels`);
  if (mappingFamily !== 0 && body.length < 12 + channels) throw truncated('an Opus channel mapping');
  return {
    channels,
    preSkip: view.getUint16(1, littleEndian),
    inputRate: view.getUint32(3, littleEndian),
    gain: view.getInt16(7, littleEndian),
    mappingFamily,
    mapping: mappingFamily === 0 ? new Uint8Array(0) : body.slice(10, 12 + channels),
  };
}

/** Builds an OpusHead. */
export function buildOpusHead(config: OpusConfig): Uint8Array {
  const head = new Uint8Array(19 + config.mapping.length);
  head.set(MAGIC);
  head[8] = 1;
  writeBody(head.subarray(9), config, true);
  return head;
}

/** Builds the body of a dOps box: what an Opus track's `AudioCaps.config` holds. */
export function buildDops(config: OpusConfig): Uint8Array {
  const body = new Uint8Array(11 + config.mapping.length);
  writeBody(body.subarray(1), config, false);
  return body;
}

function writeBody(body: Uint8Array, config: OpusConfig, littleEndian: boolean): void {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  view.setUint8(0, config.channels);
  view.setUint16(1, config.preSkip, littleEndian);
  view.setUint32(3, config.inputRate, littleEndian);
  view.setInt16(7, config.gain, littleEndian);
  view.setUint8(9, config.mappingFamily);
  body.set(config.mapping, 10);
}

/** Frame sizes of a packet's configurations (RFC 6716 table 2), in samples at 48 kHz. */
const SILK = [480, 960, 1920, 2880];
const HYBRID = [480, 960];
const CELT = [120, 240, 480, 960];

/** Duration of a packet in samples at 48 kHz (RFC 6716 3.1); throws a MediaError. */
export function opusPacketDuration(packet: Uint8Array): number {
  const toc = packet[0];
  if (toc === undefined) throw truncated('an Opus packet');
  const config = toc >> 3;
  const frame = config < 12 ? SILK[config & 3]! : config < 16 ? HYBRID[config & 1]! : CELT[config & 3]!;
  const code = toc & 3;
  let frames = code === 0 ? 1 : 2;
  if (code === 3) {
    if (packet.length < 2) throw truncated('an Opus packet');
    frames = packet[1]! & 0x3f;
  }
  const duration = frame * frames;
  if (duration === 0 || duration > 5760) throw malformed('an Opus packet of no frames or of more than 120 ms');
  return duration;
}

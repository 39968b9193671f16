/** H.264 (RFC 6184) and HEVC (RFC 7798) from RTP: both are NAL units, alone, several in a packet, or in fragments. */
import { buildAvcConfig, H264_NAL, isH264KeyFrame } from '../h264.ts';
import { buildHevcConfig, HEVC_NAL, isHevcKeyFrame } from '../hevc.ts';
import { malformed, MediaError, truncated } from '../media-error.ts';
import type { Depacketizer, RtpFrame } from './depacketizer.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { u16 } from './packet.ts';

/** What a NAL unit is for. */
type Role = 'slice' | 'set' | 'delimiter' | 'other';

/** Where the two codecs differ. */
abstract class NalDepacketizer implements Depacketizer {
  readonly #frame = new FrameBuffer();
  /** Place and header of the fragmented NAL unit in progress. */
  #fragment: { place: number; type: number } | undefined;
  /** Parameter sets of this frame, by type. */
  #sets = new Map<number, Uint8Array[]>();
  /** Parameter sets in force, by type. */
  readonly #inForce = new Map<number, readonly Uint8Array[]>();
  #config: Uint8Array | undefined;
  /** True while the sets in force may have been replaced by some that were lost. */
  #doubtful = false;
  #slices = 0;
  #whole = true;

  abstract push(payload: Uint8Array): void;
  protected abstract typeOf(nal: Uint8Array): number;
  protected abstract roleOf(type: number): Role;
  /** Tells by a NAL unit's first bytes whether a picture begins with this slice. */
  protected abstract beginsPicture(slice: Uint8Array): boolean;
  protected abstract isKey(data: Uint8Array): boolean;
  /** The configuration record of these sets; undefined where some are missing. */
  protected abstract configOf(sets: ReadonlyMap<number, readonly Uint8Array[]>): Uint8Array | undefined;

  finish(): RtpFrame | undefined {
    const whole = this.#whole && this.#slices > 0 && !this.#fragment;
    const sets = this.#sets;
    const data = this.#frame.cut(0);
    this.#clear();
    // Sets that come in a packet of their own, with its marker set, still hold for the picture that follows.
    if (sets.size > 0) this.#adopt(sets);
    if (!whole) return undefined;
    const key = this.isKey(data);
    if (!key || this.#config === undefined) return { data, key: false };
    if (this.#doubtful) {
      // Once: a sender that repeats its sets will with the next key frame, and others must not wait for ever.
      this.#doubtful = false;
      return { data, key: false };
    }
    return { data, key, config: this.#config };
  }

  reset(): void {
    this.#clear();
    this.#doubtful = this.#config !== undefined;
  }

  /** A whole NAL unit. */
  protected nal(nal: Uint8Array): void {
    if (this.#fragment) throw this.#broken('a NAL unit begins within another');
    const type = this.typeOf(nal);
    const role = this.roleOf(type);
    if (role === 'delimiter') return;
    if (role === 'set') {
      this.#keepSet(type, nal.slice());
      return;
    }
    if (role === 'slice') this.#countSlice(nal);
    const place = this.#frame.openLength();
    this.#frame.append(nal);
    this.#frame.closeLength(place);
  }

  /** Part of a NAL unit; `header` is given with the first. */
  protected fragment(header: Uint8Array | undefined, part: Uint8Array, last: boolean): void {
    if (header) {
      if (this.#fragment) throw this.#broken('a fragmented NAL unit does not end');
      const type = this.typeOf(header);
      if (this.roleOf(type) === 'slice') this.#countSlice(Uint8Array.of(...header, ...part.subarray(0, 1)));
      this.#fragment = { place: this.#frame.openLength(), type };
      this.#frame.append(header);
    }
    if (!this.#fragment) throw this.#broken('a fragmented NAL unit does not begin');
    this.#frame.append(part);
    if (!last) return;
    const { place, type } = this.#fragment;
    this.#fragment = undefined;
    const role = this.roleOf(type);
    if (role === 'set') this.#keepSet(type, this.#frame.cut(place).subarray(4));
    else this.#frame.closeLength(place);
  }

  /** Aggregated NAL units, each behind 16 bits of length. */
  protected aggregate(payload: Uint8Array, from: number): void {
    for (let at = from; at < payload.length;) {
      if (at + 2 > payload.length) throw this.#broken('aggregated NAL units end before their length');
      const length = u16(payload, at);
      at += 2;
      if (length === 0 || at + length > payload.length) throw this.#broken('an aggregated NAL unit ends early');
      this.nal(payload.subarray(at, at + length));
      at += length;
    }
  }

  #countSlice(nal: Uint8Array): void {
    // A picture whose beginning was lost begins in its middle, and nothing else tells of it.
    if (this.#slices++ === 0 && !this.beginsPicture(nal)) this.#whole = false;
  }

  #keepSet(type: number, set: Uint8Array): void {
    const list = this.#sets.get(type) ?? [];
    if (!list.some((other) => sameBytes(other, set))) list.push(set);
    this.#sets.set(type, list);
  }

  #adopt(sets: ReadonlyMap<number, readonly Uint8Array[]>): void {
    this.#doubtful = false;
    let changed = false;
    for (const [type, list] of sets) {
      const before = this.#inForce.get(type);
      if (before?.length === list.length && before.every((set, i) => sameBytes(set, list[i]!))) continue;
      this.#inForce.set(type, list);
      changed = true;
    }
    if (changed) this.#config = this.configOf(this.#inForce);
  }

  #broken(what: string): MediaError {
    this.#whole = false;
    this.#fragment = undefined;
    return malformed(what);
  }

  #clear(): void {
    this.#frame.clear();
    this.#fragment = undefined;
    this.#sets = new Map();
    this.#slices = 0;
    this.#whole = true;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const STAP_A = 24;
const FU_A = 28;

/** H.264: single NAL units, STAP-A and FU-A; the interleaved mode (STAP-B, MTAP, FU-B) is refused. */
export class H264Depacketizer extends NalDepacketizer {
  #sei = false;
  #idr = false;

  push(payload: Uint8Array): void {
    if (payload.length === 0) return;
    const type = payload[0]! & 0x1f;
    if (type >= 1 && type <= 23) return this.nal(payload);
    if (type === STAP_A) return this.aggregate(payload, 1);
    if (type !== FU_A) throw new MediaError('MEDIA_UNSUPPORTED', `RTP payload type ${type} of H.264 (RFC 6184 5.2)`);
    if (payload.length < 3) throw truncated('an FU-A');
    const start = (payload[1]! & 0x80) !== 0;
    const header = start ? Uint8Array.of((payload[0]! & 0xe0) | (payload[1]! & 0x1f)) : undefined;
    this.fragment(header, payload.subarray(2), (payload[1]! & 0x40) !== 0);
  }

  override finish(): RtpFrame | undefined {
    const frame = super.finish();
    this.#sei = this.#idr = false;
    return frame;
  }

  override reset(): void {
    super.reset();
    this.#sei = this.#idr = false;
  }

  protected typeOf(nal: Uint8Array): number {
    return nal[0]! & 0x1f;
  }

  protected roleOf(type: number): Role {
    if (type === H264_NAL.sps || type === H264_NAL.pps) return 'set';
    if (type === H264_NAL.aud) return 'delimiter';
    if (type === H264_NAL.sei) this.#sei = true;
    if (type === H264_NAL.idr) this.#idr = true;
    return type >= H264_NAL.slice && type <= H264_NAL.idr ? 'slice' : 'other';
  }

  /** first_mb_in_slice, a ue(v), is 0: one bit that is set (7.3.3). Data partitions B and C have none. */
  protected beginsPicture(slice: Uint8Array): boolean {
    return slice.length > 1 && slice[1]! >= 0x80;
  }

  /** Most frames have neither an IDR slice nor an SEI: they need no second look. */
  protected isKey(data: Uint8Array): boolean {
    return this.#idr || (this.#sei && isH264KeyFrame(data));
  }

  protected configOf(sets: ReadonlyMap<number, readonly Uint8Array[]>): Uint8Array | undefined {
    const [sps, pps] = [sets.get(H264_NAL.sps), sets.get(H264_NAL.pps)];
    return sps && pps && buildAvcConfig(sps, pps);
  }
}

const AP = 48;
const FU = 49;

/** HEVC: single NAL units, AP and FU, without DONL fields (sprop-max-don-diff 0); PACI is refused. */
export class HevcDepacketizer extends NalDepacketizer {
  push(payload: Uint8Array): void {
    if (payload.length === 0) return;
    if (payload.length < 3) throw truncated('an HEVC payload');
    const type = this.typeOf(payload);
    if (type < AP) return this.nal(payload);
    if (type === AP) return this.aggregate(payload, 2);
    if (type !== FU) throw new MediaError('MEDIA_UNSUPPORTED', `RTP payload type ${type} of HEVC (RFC 7798 4.4)`);
    if (payload.length < 4) throw truncated('an FU');
    const fu = payload[2]!;
    const header = fu & 0x80 ? Uint8Array.of((payload[0]! & 0x81) | ((fu & 0x3f) << 1), payload[1]!) : undefined;
    this.fragment(header, payload.subarray(3), (fu & 0x40) !== 0);
  }

  protected typeOf(nal: Uint8Array): number {
    return (nal[0]! >> 1) & 0x3f;
  }

  protected roleOf(type: number): Role {
    if (type >= HEVC_NAL.vps && type <= HEVC_NAL.pps) return 'set';
    if (type === HEVC_NAL.aud) return 'delimiter';
    return type < HEVC_NAL.vps ? 'slice' : 'other';
  }

  /** first_slice_segment_in_pic_flag (7.3.6.1). */
  protected beginsPicture(slice: Uint8Array): boolean {
    return slice.length > 2 && slice[2]! >= 0x80;
  }

  protected isKey(data: Uint8Array): boolean {
    return isHevcKeyFrame(data);
  }

  protected configOf(sets: ReadonlyMap<number, readonly Uint8Array[]>): Uint8Array | undefined {
    const [vps, sps, pps] = [sets.get(HEVC_NAL.vps), sets.get(HEVC_NAL.sps), sets.get(HEVC_NAL.pps)];
    return vps && sps && pps && buildHevcConfig({ vps, sps, pps });
  }
}

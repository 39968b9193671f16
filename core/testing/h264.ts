/** H.264 parameter sets of any picture size and frame rate, for synthetic streams (ITU-T H.264 7.3.2.1, E.1.1). */
import { buildAvcConfig } from '../media/index.ts';
import type { Rational } from '../model/index.ts';

class BitWriter {
  #bits = '';

  u(value: number, count: number): this {
    this.#bits += value.toString(2).padStart(count, '0');
    return this;
  }

  /** Exp-Golomb, 9.1. */
  ue(value: number): this {
    const binary = (value + 1).toString(2);
    this.#bits += '0'.repeat(binary.length - 1) + binary;
    return this;
  }

  /** The bytes with stop bit, alignment and emulation prevention (7.4.1). */
  bytes(): number[] {
    const bits = `${this.#bits}1`;
    const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
    const out: number[] = [];
    for (let i = 0; i < padded.length; i += 8) {
      const byte = Number.parseInt(padded.slice(i, i + 8), 2);
      if (byte <= 3 && out.at(-1) === 0 && out.at(-2) === 0) out.push(3);
      out.push(byte);
    }
    return out;
  }
}

/** An avcC record: Baseline without B-frames, Main with one reordered frame. */
export function syntheticAvcConfig(width: number, height: number, rate: Rational, bFrames: boolean): Uint8Array {
  const widthMbs = Math.ceil(width / 16);
  const heightMbs = Math.ceil(height / 16);
  const cropRight = (widthMbs * 16 - width) / 2;
  const cropBottom = (heightMbs * 16 - height) / 2;
  const sps = new BitWriter();
  sps.ue(0).ue(0); // seq_parameter_set_id, log2_max_frame_num_minus4
  if (bFrames) sps.ue(0).ue(4);
  else sps.ue(2); // pic_order_cnt_type: 2 means that output order is decode order
  sps.ue(bFrames ? 2 : 1).u(0, 1); // max_num_ref_frames, gaps_in_frame_num
  sps
    .ue(widthMbs - 1)
    .ue(heightMbs - 1)
    .u(1, 1)
    .u(1, 1); // size, frame_mbs_only, direct_8x8_inference
  if (cropRight + cropBottom > 0) sps.u(1, 1).ue(0).ue(cropRight).ue(0).ue(cropBottom);
  else sps.u(0, 1);
  sps.u(1, 1).u(0, 4); // VUI without aspect ratio, overscan, video signal type, chroma location
  sps
    .u(1, 1)
    .u(rate.den, 32)
    .u(rate.num * 2, 32)
    .u(1, 1); // timing: a tick is a field; fixed
  sps.u(0, 3).u(1, 1).u(1, 1).ue(0).ue(0).ue(0).ue(0); // no HRD, no pic_struct; bitstream restriction
  sps.ue(bFrames ? 1 : 0).ue(bFrames ? 2 : 1); // max_num_reorder_frames, max_dec_frame_buffering
  const profile = bFrames ? [77, 0, 30] : [66, 0xc0, 30];
  const pps = new BitWriter().ue(0).ue(0).u(0, 2).ue(0).ue(0).ue(0).u(0, 1).u(0, 2).ue(0).ue(0).ue(0).u(0, 3);
  return buildAvcConfig(
    [Uint8Array.from([0x67, ...profile, ...sps.bytes()])],
    [Uint8Array.from([0x68, ...pps.bytes()])],
  );
}

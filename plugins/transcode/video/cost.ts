/**
 * What a ladder will cost, in cores: pixels a second through its decoder, its scalers and its encoders, each at the price that it had on one core of
 * the machine on which this was measured (a Xeon without a GPU, 1080p30 with noise to 720p, `gst-launch-1.0` under `time`). What another machine makes of it is
 * found out by its first ladder that runs ({@link CpuBudget}).
 */
import type { VideoCaps, VideoCodec } from 'eddy/plugin';
import type { OutputCodec } from './codecs.ts';
import { PRESETS, type Preset } from './encoder-list.ts';
import type { Encoder, Mode } from './encoders.ts';
import type { PlannedRung } from './rungs.ts';
import { fpsOf } from './source-rung.ts';

/** Processor time of a million pixels, in s. Of the decoders H.264's was measured; the others are by what is told of them. */
const DECODE: Readonly<Record<VideoCodec, number>> = {
  h264: 0.0024,
  vp8: 0.0024,
  vp9: 0.003,
  hevc: 0.0035,
  av1: 0.006,
};
/** Of the picture that is scaled down. */
const SCALE = 0.0011;
/** Of encoders in software, by their quickest, their usual and their slowest preset; others are taken to lie evenly between them. */
const ENCODE: Readonly<Record<OutputCodec, { ultrafast: number; veryfast: number; medium: number }>> = {
  h264: { ultrafast: 0.0022, veryfast: 0.0075, medium: 0.026 },
  hevc: { ultrafast: 0.025, veryfast: 0.05, medium: 0.062 },
  vp9: { ultrafast: 0.01, veryfast: 0.012, medium: 0.058 },
  av1: { ultrafast: 0.035, veryfast: 0.04, medium: 0.137 },
};
const OPENH264 = 0.0035;
/** What is left to a processor where a device encodes: pictures are copied to it. Nobody has measured this. */
const DEVICE = 0.0008;
/** B-frames and looking ahead. */
const QUALITY = 1.5;

/** What its encoders are set to. */
export interface CostSettings {
  readonly encoderOf: (codec: OutputCodec) => Pick<Encoder, 'name' | 'device'>;
  readonly preset: Preset;
  readonly mode: Mode;
}

/** What it comes to, in cores, with the prices above. */
export interface LadderCost {
  readonly decode: number;
  /** Of each rung, in the order in which they were given: its scaler and its encoder. */
  readonly rungs: readonly number[];
  readonly total: number;
}

/** Cost of a host that makes these rungs, the largest first; of none where there are none. */
export function ladderCost(caps: VideoCaps, rungs: readonly PlannedRung[], settings: CostSettings): LadderCost {
  if (rungs.length === 0) return { decode: 0, rungs: [], total: 0 };
  const fps = fpsOf(caps);
  const millions = ({ width, height }: { width: number; height: number }, rate: number): number =>
    (width * height * rate) / 1e6;
  const decode = millions(caps, fps) * DECODE[caps.codec];
  const each = rungs.map((rung, index) => {
    // Scaled from the one above it, at the frame rate of the source.
    const from = index === 0 ? caps : rungs[index - 1]!;
    const scaled = from.width === rung.width && from.height === rung.height ? 0 : millions(from, fps) * SCALE;
    return scaled + millions(rung, fps / rung.every) * encodeCost(rung.codec, settings);
  });
  return { decode, rungs: each, total: each.reduce((sum, cost) => sum + cost, decode) };
}

function encodeCost(codec: OutputCodec, { encoderOf, preset, mode }: CostSettings): number {
  const encoder = encoderOf(codec);
  if (encoder.device) return DEVICE;
  if (encoder.name === 'openh264') return OPENH264;
  const { ultrafast, veryfast, medium } = ENCODE[codec];
  const step = PRESETS.indexOf(preset);
  const [usual, slowest] = [PRESETS.indexOf('veryfast'), PRESETS.indexOf('medium')];
  const price =
    step <= usual
      ? ultrafast + ((veryfast - ultrafast) * step) / usual
      : veryfast + ((medium - veryfast) * (step - usual)) / (slowest - usual);
  return price * (mode === 'quality' ? QUALITY : 1);
}

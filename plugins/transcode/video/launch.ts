/** The launch of a ladder: one decoder, each rung scaled from the one above it, an encoder a rung. */
import type { HostLaunch, VideoCaps, VideoCodec } from 'eddy/plugin';
import { CODECS, isTenBit } from './codecs.ts';
import type { EncoderSet, EncoderWishes } from './encoders.ts';
import type { PlannedRung } from './rungs.ts';
import { LINE_RATE } from './timeline.ts';

/** The name of the stream that goes in. */
export const INPUT = 'in';
/** Nothing came out for so long although there was input, ms. */
export const STALL_MS = 4000;

/** What the encoders of all rungs are set to. */
export interface EncoderSettings extends Pick<EncoderWishes, 'mode' | 'preset'> {
  readonly encoders: EncoderSet;
  /** Pictures of the source from one key frame of the ladder to the next. */
  readonly keyInterval: number;
}

/** Decoders by codec: those that are in Debian, in software. */
const DECODERS: Readonly<Record<VideoCodec, string>> = {
  h264: 'avdec_h264',
  hevc: 'avdec_h265',
  vp8: 'vp8dec',
  vp9: 'vp9dec',
  av1: 'av1dec',
};

/** Frames that may wait before an encoder: with one frame a rung it would work in turns with the decoder. */
const QUEUE = 'queue max-size-buffers=8 max-size-bytes=0 max-size-time=0';

/** Describes the host that makes these rungs, the largest first, of a track. */
export function ladderLaunch(
  label: string,
  caps: VideoCaps,
  rungs: readonly PlannedRung[],
  settings: EncoderSettings,
): HostLaunch {
  const rate = caps.frameRate;
  // Frames at equal distances: the encoders count them, and so their key frames stay together.
  const paced = rate ? ['videorate skip-to-first=true', `video/x-raw,framerate=${rate.num}/${rate.den}`] : [];
  const decode = [
    `{in:${INPUT}}`,
    DECODERS[caps.codec],
    ...paced,
    'videoconvert',
    `video/x-raw,format=I420,colorimetry=${colorimetryOf(caps)}`,
    'tee name=source',
  ];
  const branches = rungs.map((rung, index) => {
    const from = index === 0 ? 'source' : teeOf(index - 1);
    const scale = ['videoscale', `video/x-raw,width=${rung.width},height=${rung.height},pixel-aspect-ratio=1/1`];
    const thin =
      rung.every === 1 || !rate
        ? []
        : ['videorate drop-only=true skip-to-first=true', `video/x-raw,framerate=${rate.num}/${rate.den * rung.every}`];
    const scaled = [`${from}. ! ${QUEUE}`, ...scale, `tee name=${teeOf(index)}`].join(' ! ');
    const made = [`${teeOf(index)}. ! ${QUEUE}`, ...thin, encoded(rung, settings), `{out:${outputOf(rung)}}`].join(
      ' ! ',
    );
    return `${scaled} ${made}`;
  });
  return {
    label,
    launch: `${decode.join(' ! ')} ${branches.join(' ')}`,
    inputs: [{ name: INPUT, caps: { ...caps, timescale: LINE_RATE } }],
    outputs: rungs.map((rung) => ({ name: outputOf(rung) })),
    nice: 10,
    stallTimeout: STALL_MS,
  };
}

/**
 * One for all rungs, said in each: where the source says none, GStreamer takes sizes above 576 lines for BT.709 and others for BT.601, and a rung
 * that falls below would have its colours turned without a word.
 */
const colorimetryOf = ({ height }: VideoCaps): string => (height > 576 ? 'bt709' : 'bt601');

/** Name of the stream that a rung comes out of. */
export const outputOf = ({ name }: Pick<PlannedRung, 'name'>): string => `rung-${name}`;
const teeOf = (index: number): string => `rung${index}`;
/** Name of a rung's encoder, by which its bit rate is changed. */
export const encoderOf = ({ name }: Pick<PlannedRung, 'name'>): string => `encoder_${name}`;

function encoded(rung: PlannedRung, { encoders, mode, keyInterval, preset }: EncoderSettings): string {
  const encoder = encoders.of(rung.codec);
  const wishes = {
    name: encoderOf(rung),
    bitrate: rung.bitrate,
    keyInterval: (keyInterval / rung.every) * rung.gops,
    mode,
    preset,
  };
  // Browsers take any profile by WebRTC, other receivers the baseline alone.
  const profile = rung.profile ?? (mode === 'low-latency' && rung.codec === 'h264' ? 'baseline' : undefined);
  const deeper = isTenBit(profile) ? 'videoconvert ! video/x-raw,format=I420_10LE ! ' : '';
  return `${deeper}${encoder.launch(wishes)} ! ${CODECS[rung.codec].tail(profile)}`;
}

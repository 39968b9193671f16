/** Every encoder that a ladder may use, by codec: how each is told the same things. */
import { CODECS, type OutputCodec } from './codecs.ts';
import type { Encoder, EncoderWishes } from './encoders.ts';

const kbps = (bitrate: number): number => Math.max(1, Math.round(bitrate / 1000));
const kilobits = { property: 'bitrate', unit: 1000 } as const;

/** x264's names of how hard it tries, the quickest first; others have steps of their own. */
export const PRESETS = ['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium'] as const;
/** One of them. */
export type Preset = (typeof PRESETS)[number];

/** libvpx and libaom count their speed down from there; what nobody waits for may be a step better. */
const cpuUsed = (fastest: number, { preset, mode }: Pick<EncoderWishes, 'preset' | 'mode'>): number =>
  fastest - PRESETS.indexOf(preset) - (mode === 'quality' ? 1 : 0);

const nvcodec = (codec: OutputCodec, element: string): Encoder => ({
  ...{ name: 'nvcodec', codec, element, device: true, rate: kilobits },
  launch: ({ name, bitrate, keyInterval, mode }) =>
    `${element} name=${name} rc-mode=cbr bitrate=${kbps(bitrate)} gop-size=${keyInterval} aud=false ` +
    (mode === 'low-latency'
      ? 'preset=low-latency-hq zerolatency=true bframes=0'
      : 'preset=hq bframes=2 rc-lookahead=20'),
});

const qsv = (codec: OutputCodec, element: string, bFrames = true): Encoder => ({
  ...{ name: 'qsv', codec, element, device: true, rate: kilobits },
  launch: ({ name, bitrate, keyInterval, mode }) =>
    `${element} name=${name} rate-control=cbr bitrate=${kbps(bitrate)} gop-size=${keyInterval} ` +
    (mode === 'low-latency'
      ? `low-latency=true${bFrames ? ' b-frames=0' : ''}`
      : `low-latency=false${bFrames ? ' b-frames=2' : ''}`),
});

const va = (codec: OutputCodec, element: string): Encoder => ({
  ...{ name: 'va', codec, element, device: true, rate: kilobits },
  launch: ({ name, bitrate, keyInterval, mode }) =>
    `vapostproc ! ${element} name=${name} rate-control=cbr bitrate=${kbps(bitrate)} key-int-max=${keyInterval} ` +
    `b-frames=${mode === 'low-latency' ? 0 : 2} aud=false`,
});

/** `period`: the device's own name for frames from one key frame to the next. */
const v4l2 = (codec: OutputCodec, element: string, period: string): Encoder => ({
  ...{ name: 'v4l2', codec, element, device: true, rate: undefined },
  launch: ({ name, bitrate, keyInterval }) =>
    `${element} name=${name} extra-controls="encode,video_bitrate=${bitrate},video_bitrate_mode=1,` +
    `${period}=${keyInterval},repeat_sequence_header=1" ! ${CODECS[codec].parser}`,
});

/** Of each codec the best first; what is in software last. */
export const ENCODERS: readonly Encoder[] = [
  nvcodec('h264', 'nvh264enc'),
  qsv('h264', 'qsvh264enc'),
  va('h264', 'vah264enc'),
  v4l2('h264', 'v4l2h264enc', 'h264_i_frame_period'),
  {
    name: 'x264',
    codec: 'h264',
    element: 'x264enc',
    device: false,
    rate: kilobits,
    launch: ({ name, bitrate, keyInterval, mode, preset }) =>
      // A second of buffer: as much as a player on a line of that rate must hold.
      `x264enc name=${name} speed-preset=${preset} key-int-max=${keyInterval} bitrate=${kbps(bitrate)} vbv-buf-capacity=1000 ` +
      `${mode === 'low-latency' ? 'tune=zerolatency' : 'bframes=2 b-adapt=false rc-lookahead=20'} ` +
      'option-string="scenecut=0:open-gop=0:min-keyint=1"',
  },
  {
    name: 'openh264',
    codec: 'h264',
    element: 'openh264enc',
    device: false,
    rate: { property: 'bitrate', unit: 1 },
    launch: ({ name, bitrate, keyInterval }) =>
      `openh264enc name=${name} rate-control=bitrate bitrate=${bitrate} max-bitrate=${Math.round(bitrate * 1.2)} ` +
      `gop-size=${keyInterval} complexity=low scene-change-detection=false`,
  },
  nvcodec('hevc', 'nvh265enc'),
  qsv('hevc', 'qsvh265enc'),
  va('hevc', 'vah265enc'),
  v4l2('hevc', 'v4l2h265enc', 'video_gop_size'),
  {
    name: 'x265',
    codec: 'hevc',
    element: 'x265enc',
    device: false,
    // Its buffer of a second is fixed with its first rate.
    rate: undefined,
    launch: ({ name, bitrate, keyInterval, mode, preset }) =>
      `x265enc name=${name} speed-preset=${preset} key-int-max=${keyInterval} bitrate=${kbps(bitrate)} ` +
      `${mode === 'low-latency' ? 'tune=zerolatency' : ''} option-string="scenecut=0:open-gop=0:min-keyint=${keyInterval}:` +
      `vbv-maxrate=${kbps(bitrate)}:vbv-bufsize=${kbps(bitrate)}${mode === 'low-latency' ? '' : ':bframes=2:b-adapt=0:rc-lookahead=20'}"`,
  },
  qsv('vp9', 'qsvvp9enc', false),
  {
    name: 'vpx',
    codec: 'vp9',
    element: 'vp9enc',
    device: false,
    rate: { property: 'target-bitrate', unit: 1 },
    // Nothing is looked ahead for in either mode: that would bring frames that are not shown, and none of them may reach over a key frame.
    launch: ({ name, bitrate, keyInterval, mode, ...wishes }) =>
      `vp9enc name=${name} deadline=1 cpu-used=${cpuUsed(9, { mode, ...wishes })} target-bitrate=${bitrate} keyframe-max-dist=${keyInterval} ` +
      `end-usage=${mode === 'low-latency' ? 'cbr' : 'vbr'} lag-in-frames=0 auto-alt-ref=false min-quantizer=2 max-quantizer=58 ` +
      'buffer-size=1000 buffer-initial-size=500 buffer-optimal-size=600 row-mt=true tile-columns=1 threads=2',
  },
  qsv('av1', 'qsvav1enc', false),
  {
    name: 'aom',
    codec: 'av1',
    element: 'av1enc',
    device: false,
    rate: { property: 'target-bitrate', unit: 1000 },
    // As for VP9; and where libaom looks ahead it puts key frames at scene cuts, whatever it is told.
    launch: ({ name, bitrate, keyInterval, mode, ...wishes }) =>
      `av1enc name=${name} usage-profile=realtime cpu-used=${cpuUsed(10, { mode, ...wishes })} target-bitrate=${kbps(bitrate)} ` +
      `keyframe-max-dist=${keyInterval} end-usage=${mode === 'low-latency' ? 'cbr' : 'vbr'} lag-in-frames=0 min-quantizer=0 max-quantizer=63 ` +
      'buf-sz=1000 buf-initial-sz=500 buf-optimal-sz=600 tile-columns=1 threads=2',
  },
];

/** Elements of devices. */
export const DEVICES = ENCODERS.filter((encoder) => encoder.device).map(({ element }) => element);

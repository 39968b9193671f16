/** Every encoder that a ladder may use, by codec: how each is told the same things. */
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

const nvcodec = (element: string, { name, bitrate, keyInterval, mode }: EncoderWishes): string =>
  `${element} name=${name} rc-mode=cbr bitrate=${kbps(bitrate)} gop-size=${keyInterval} aud=false ` +
  (mode === 'low-latency' ? 'preset=low-latency-hq zerolatency=true bframes=0' : 'preset=hq bframes=2 rc-lookahead=20');

const qsv = (element: string, { name, bitrate, keyInterval, mode }: EncoderWishes, bFrames = true): string =>
  `${element} name=${name} rate-control=cbr bitrate=${kbps(bitrate)} gop-size=${keyInterval} ` +
  (mode === 'low-latency'
    ? `low-latency=true${bFrames ? ' b-frames=0' : ''}`
    : `low-latency=false${bFrames ? ' b-frames=2' : ''}`);

const va = (element: string, { name, bitrate, keyInterval, mode }: EncoderWishes): string =>
  `vapostproc ! ${element} name=${name} rate-control=cbr bitrate=${kbps(bitrate)} key-int-max=${keyInterval} ` +
  `b-frames=${mode === 'low-latency' ? 0 : 2} aud=false`;

const v4l2 = (element: string, parser: string, period: string, { name, bitrate, keyInterval }: EncoderWishes): string =>
  `${element} name=${name} extra-controls="encode,video_bitrate=${bitrate},video_bitrate_mode=1,` +
  `${period}=${keyInterval},repeat_sequence_header=1" ! ${parser}`;

const device = { device: true } as const;
const software = { device: false } as const;

/** Of each codec the best first; what is in software last. */
export const ENCODERS: readonly Encoder[] = [
  {
    ...device,
    name: 'nvcodec',
    codec: 'h264',
    element: 'nvh264enc',
    rate: kilobits,
    launch: (wishes) => nvcodec('nvh264enc', wishes),
  },
  {
    ...device,
    name: 'qsv',
    codec: 'h264',
    element: 'qsvh264enc',
    rate: kilobits,
    launch: (wishes) => qsv('qsvh264enc', wishes),
  },
  {
    ...device,
    name: 'va',
    codec: 'h264',
    element: 'vah264enc',
    rate: kilobits,
    launch: (wishes) => va('vah264enc', wishes),
  },
  {
    ...device,
    name: 'v4l2',
    codec: 'h264',
    element: 'v4l2h264enc',
    rate: undefined,
    launch: (wishes) => v4l2('v4l2h264enc', 'h264parse', 'h264_i_frame_period', wishes),
  },
  {
    ...software,
    name: 'x264',
    codec: 'h264',
    element: 'x264enc',
    rate: kilobits,
    launch: ({ name, bitrate, keyInterval, mode, preset }) =>
      // A second of buffer: as much as a player on a line of that rate must hold.
      `x264enc name=${name} speed-preset=${preset} key-int-max=${keyInterval} bitrate=${kbps(bitrate)} vbv-buf-capacity=1000 ` +
      `${mode === 'low-latency' ? 'tune=zerolatency' : 'bframes=2 b-adapt=false rc-lookahead=20'} ` +
      'option-string="scenecut=0:open-gop=0:min-keyint=1"',
  },
  {
    ...software,
    name: 'openh264',
    codec: 'h264',
    element: 'openh264enc',
    rate: { property: 'bitrate', unit: 1 },
    launch: ({ name, bitrate, keyInterval }) =>
      `openh264enc name=${name} rate-control=bitrate bitrate=${bitrate} max-bitrate=${Math.round(bitrate * 1.2)} ` +
      `gop-size=${keyInterval} complexity=low scene-change-detection=false`,
  },
  {
    ...device,
    name: 'nvcodec',
    codec: 'hevc',
    element: 'nvh265enc',
    rate: kilobits,
    launch: (wishes) => nvcodec('nvh265enc', wishes),
  },
  {
    ...device,
    name: 'qsv',
    codec: 'hevc',
    element: 'qsvh265enc',
    rate: kilobits,
    launch: (wishes) => qsv('qsvh265enc', wishes),
  },
  {
    ...device,
    name: 'va',
    codec: 'hevc',
    element: 'vah265enc',
    rate: kilobits,
    launch: (wishes) => va('vah265enc', wishes),
  },
  {
    ...device,
    name: 'v4l2',
    codec: 'hevc',
    element: 'v4l2h265enc',
    rate: undefined,
    launch: (wishes) => v4l2('v4l2h265enc', 'h265parse', 'video_gop_size', wishes),
  },
  {
    ...software,
    name: 'x265',
    codec: 'hevc',
    element: 'x265enc',
    // Its buffer of a second is fixed with its first rate.
    rate: undefined,
    launch: ({ name, bitrate, keyInterval, mode, preset }) =>
      `x265enc name=${name} speed-preset=${preset} key-int-max=${keyInterval} bitrate=${kbps(bitrate)} ` +
      `${mode === 'low-latency' ? 'tune=zerolatency' : ''} option-string="scenecut=0:open-gop=0:min-keyint=${keyInterval}:` +
      `vbv-maxrate=${kbps(bitrate)}:vbv-bufsize=${kbps(bitrate)}${mode === 'low-latency' ? '' : ':bframes=2:b-adapt=0:rc-lookahead=20'}"`,
  },
  {
    ...device,
    name: 'qsv',
    codec: 'vp9',
    element: 'qsvvp9enc',
    rate: kilobits,
    launch: (wishes) => qsv('qsvvp9enc', wishes, false),
  },
  {
    ...software,
    name: 'vpx',
    codec: 'vp9',
    element: 'vp9enc',
    rate: { property: 'target-bitrate', unit: 1 },
    // Nothing is looked ahead for in either mode: that would bring frames that are not shown, and none of them may reach over a key frame.
    launch: ({ name, bitrate, keyInterval, mode, ...wishes }) =>
      `vp9enc name=${name} deadline=1 cpu-used=${cpuUsed(9, { mode, ...wishes })} target-bitrate=${bitrate} keyframe-max-dist=${keyInterval} ` +
      `end-usage=${mode === 'low-latency' ? 'cbr' : 'vbr'} lag-in-frames=0 auto-alt-ref=false min-quantizer=2 max-quantizer=58 ` +
      'buffer-size=1000 buffer-initial-size=500 buffer-optimal-size=600 row-mt=true tile-columns=1 threads=2',
  },
  {
    ...device,
    name: 'qsv',
    codec: 'av1',
    element: 'qsvav1enc',
    rate: kilobits,
    launch: (wishes) => qsv('qsvav1enc', wishes, false),
  },
  {
    ...software,
    name: 'aom',
    codec: 'av1',
    element: 'av1enc',
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

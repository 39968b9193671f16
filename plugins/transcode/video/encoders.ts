/** H.264 encoders: which there are, how each is told the same things, and which of them a ladder gets on this machine. */
import type { MediaHosts } from 'eddy/plugin';

/** `low-latency`: no B-frames and no look-ahead, as WebRTC takes it; `quality`: both, for what is recorded. */
export type Mode = 'low-latency' | 'quality';

/** What an encoder is told for one rung. */
export interface EncoderWishes {
  /** Its name in the launch. */
  readonly name: string;
  /** Bits a second. */
  readonly bitrate: number;
  /** Frames from one key frame to the next. */
  readonly keyInterval: number;
  readonly mode: Mode;
  /** x264's name of how hard it tries; others have their own ways. */
  readonly preset: string;
}

/** Names for the configuration. */
export const ENCODER_NAMES = ['auto', 'nvcodec', 'qsv', 'va', 'v4l2', 'x264', 'openh264'] as const;

/** One of them. */
export type EncoderName = (typeof ENCODER_NAMES)[number];

/** One kind of encoder. */
export interface Encoder {
  /** As the configuration has it. */
  readonly name: Exclude<EncoderName, 'auto'>;
  /** The GStreamer element; that of a device is registered only where one is there. */
  readonly element: string;
  /** True where it runs on a device. Nobody has run these yet: their launches are by their documentation. */
  readonly device: boolean;
  /** How its property `bitrate` counts: bits a second in one. Undefined where it cannot be changed while it runs. */
  readonly bitrateUnit: number | undefined;
  readonly launch: (wishes: EncoderWishes) => string;
}

const kbps = (bitrate: number): number => Math.max(1, Math.round(bitrate / 1000));

/** The best first; what is in software last. */
export const ENCODERS: readonly Encoder[] = [
  {
    name: 'nvcodec',
    element: 'nvh264enc',
    device: true,
    bitrateUnit: 1000,
    launch: ({ name, bitrate, keyInterval, mode }) =>
      `nvh264enc name=${name} rc-mode=cbr bitrate=${kbps(bitrate)} gop-size=${keyInterval} aud=false ` +
      (mode === 'low-latency'
        ? 'preset=low-latency-hq zerolatency=true bframes=0'
        : 'preset=hq bframes=2 rc-lookahead=20'),
  },
  {
    name: 'qsv',
    element: 'qsvh264enc',
    device: true,
    bitrateUnit: 1000,
    launch: ({ name, bitrate, keyInterval, mode }) =>
      `qsvh264enc name=${name} rate-control=cbr bitrate=${kbps(bitrate)} gop-size=${keyInterval} ` +
      (mode === 'low-latency' ? 'low-latency=true b-frames=0' : 'b-frames=2'),
  },
  {
    name: 'va',
    element: 'vah264enc',
    device: true,
    bitrateUnit: 1000,
    launch: ({ name, bitrate, keyInterval, mode }) =>
      `vapostproc ! vah264enc name=${name} rate-control=cbr bitrate=${kbps(bitrate)} key-int-max=${keyInterval} ` +
      `b-frames=${mode === 'low-latency' ? 0 : 2} aud=false`,
  },
  {
    name: 'v4l2',
    element: 'v4l2h264enc',
    device: true,
    bitrateUnit: undefined,
    launch: ({ name, bitrate, keyInterval }) =>
      `v4l2h264enc name=${name} extra-controls="encode,video_bitrate=${bitrate},video_bitrate_mode=1,` +
      `h264_i_frame_period=${keyInterval},repeat_sequence_header=1" ! h264parse`,
  },
  {
    name: 'x264',
    element: 'x264enc',
    device: false,
    bitrateUnit: 1000,
    launch: ({ name, bitrate, keyInterval, mode, preset }) =>
      // A second of buffer: as much as a player on a line of that rate must hold.
      `x264enc name=${name} speed-preset=${preset} key-int-max=${keyInterval} bitrate=${kbps(bitrate)} vbv-buf-capacity=1000 ` +
      `${mode === 'low-latency' ? 'tune=zerolatency' : 'bframes=2 b-adapt=false rc-lookahead=20'} ` +
      'option-string="scenecut=0:open-gop=0:min-keyint=1"',
  },
  {
    name: 'openh264',
    element: 'openh264enc',
    device: false,
    bitrateUnit: 1,
    launch: ({ name, bitrate, keyInterval }) =>
      `openh264enc name=${name} rate-control=bitrate bitrate=${bitrate} max-bitrate=${Math.round(bitrate * 1.2)} ` +
      `gop-size=${keyInterval} complexity=low scene-change-detection=false`,
  },
];

/** Elements of devices. */
export const DEVICES = ENCODERS.filter(({ device }) => device).map(({ element }) => element);

/** An encoder whose device failed is not tried again for so long, ms. */
const LOST_FOR = 300_000;

/** Chooses encoders for all ladders of a stage, and remembers whose device was lost. */
export class EncoderChoice {
  readonly #hosts: Pick<MediaHosts, 'hasElement'>;
  readonly #wanted: EncoderName;
  readonly #now: () => number;
  /** Until when, monotonic ms. */
  readonly #lost = new Map<string, number>();

  constructor(hosts: Pick<MediaHosts, 'hasElement'>, wanted: EncoderName, now: () => number) {
    this.#hosts = hosts;
    this.#wanted = wanted;
    this.#now = now;
  }

  /** The best that is there; where none is, the one that was asked for, so that the launch says what is missing. */
  async choose(): Promise<Encoder> {
    const software = ENCODERS.filter(({ device }) => !device);
    const asked = ENCODERS.find(({ name }) => name === this.#wanted);
    for (const encoder of asked ? [asked, ...software] : ENCODERS) {
      if (!this.#isLost(encoder) && (await this.#hosts.hasElement(encoder.element))) return encoder;
    }
    return asked ?? software[0]!;
  }

  /** A ladder with this encoder failed. One in software is not given up: the fault is another's. True where it now falls back. */
  failed(encoder: Encoder): boolean {
    if (!encoder.device) return false;
    this.#lost.set(encoder.name, this.#now() + LOST_FOR);
    return true;
  }

  #isLost({ name }: Encoder): boolean {
    return (this.#lost.get(name) ?? -Infinity) > this.#now();
  }
}

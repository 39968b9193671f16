/** Encoders: what each is told, and which of them a ladder gets on this machine. */
import type { MediaHosts } from 'eddy/plugin';
import type { OutputCodec } from './codecs.ts';
import { ENCODERS, type Preset } from './encoder-list.ts';

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
  readonly preset: Preset;
}

/** Names for the configuration. */
export const ENCODER_NAMES = ['auto', 'software', 'nvcodec', 'qsv', 'va', 'v4l2', 'x264', 'openh264'] as const;

/** One of them. */
export type EncoderName = (typeof ENCODER_NAMES)[number];

/** One kind of encoder. */
export interface Encoder {
  /** As the configuration has it, or the library that it is. */
  readonly name: Exclude<EncoderName, 'auto' | 'software'> | 'x265' | 'vpx' | 'aom';
  readonly codec: OutputCodec;
  /** The GStreamer element; that of a device is registered only where one is there. */
  readonly element: string;
  /** True where it runs on a device. Nobody has run these yet: their launches are by their documentation. */
  readonly device: boolean;
  /** The property of its bit rate, and the bits a second in one of it. Undefined where it cannot be changed while it runs. */
  readonly rate: { readonly property: string; readonly unit: number } | undefined;
  readonly launch: (wishes: EncoderWishes) => string;
}

/** An encoder whose device failed is not tried again for so long, ms. */
const LOST_FOR = 300_000;

/** Those that a ladder may get for a codec, as they are to be tried: the one that is wanted where it makes this codec, then software. */
export function candidates(codec: OutputCodec, wanted: EncoderName): readonly Encoder[] {
  const all = ENCODERS.filter((encoder) => encoder.codec === codec);
  if (wanted === 'auto') return all;
  const software = all.filter(({ device }) => !device);
  return [...all.filter(({ name }) => name === wanted), ...software.filter(({ name }) => name !== wanted)];
}

/** The one in software that a ladder falls back to for a codec: the machine must have it. */
export const softwareEncoder = (codec: OutputCodec, wanted: EncoderName): Encoder =>
  candidates(codec, wanted).find(({ device }) => !device)!;

/** The encoders of one run of a ladder, one for each codec. */
export class EncoderSet {
  readonly #encoders: ReadonlyMap<OutputCodec, Encoder>;

  constructor(encoders: ReadonlyMap<OutputCodec, Encoder>) {
    this.#encoders = encoders;
  }

  /** Throws TypeError for a codec that none was chosen for. */
  of(codec: OutputCodec): Encoder {
    const encoder = this.find(codec);
    if (!encoder) throw new TypeError(`no encoder was chosen for ${codec}`);
    return encoder;
  }

  /** Undefined for a codec that none was chosen for. */
  find(codec: OutputCodec): Encoder | undefined {
    return this.#encoders.get(codec);
  }

  /** In the order of their codecs. */
  get all(): readonly Encoder[] {
    return [...this.#encoders.values()];
  }
}

/** Chooses encoders for all ladders of a stage, and remembers whose device was lost. */
export class EncoderChoice {
  readonly #hosts: Pick<MediaHosts, 'hasElement'>;
  readonly #wanted: EncoderName;
  readonly #now: () => number;
  /** By element: until when, monotonic ms. */
  readonly #lost = new Map<string, number>();

  constructor(hosts: Pick<MediaHosts, 'hasElement'>, wanted: EncoderName, now: () => number) {
    this.#hosts = hosts;
    this.#wanted = wanted;
    this.#now = now;
  }

  /** Encoders for all codecs of a ladder. */
  async chooseAll(codecs: Iterable<OutputCodec>): Promise<EncoderSet> {
    const chosen = new Map<OutputCodec, Encoder>();
    for (const codec of new Set(codecs)) chosen.set(codec, await this.choose(codec));
    return new EncoderSet(chosen);
  }

  /** The best that is there; where none is, one that was asked for or is in software, so that the launch says what is missing. */
  async choose(codec: OutputCodec): Promise<Encoder> {
    const all = candidates(codec, this.#wanted);
    for (const encoder of all) {
      if (!this.#isLost(encoder) && (await this.#hosts.hasElement(encoder.element))) return encoder;
    }
    return all.find(({ name, device }) => name === this.#wanted || !device)!;
  }

  /** A ladder with this encoder failed. One in software is not given up: the fault is another's. True where it now falls back. */
  failed({ element, device }: Encoder): boolean {
    if (device) this.#lost.set(element, this.#now() + LOST_FOR);
    return device;
  }

  #isLost({ element }: Encoder): boolean {
    return (this.#lost.get(element) ?? -Infinity) > this.#now();
  }
}

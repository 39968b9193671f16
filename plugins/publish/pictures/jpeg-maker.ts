/** Key frames into JPEG pictures, in a child process that runs only while there is something to decode. */
import {
  EddyError,
  type AccessUnit,
  type HostLaunch,
  type MediaHosts,
  type VideoCaps,
  type VideoCodec,
} from 'eddy/plugin';

/** A decoder for each codec, with what makes it decode single key frames at little cost. */
const DECODERS: Readonly<Record<VideoCodec, { readonly element: string; readonly options?: string }>> = {
  h264: { element: 'avdec_h264', options: 'max-threads=1' },
  hevc: { element: 'avdec_h265', options: 'max-threads=1' },
  av1: { element: 'av1dec' },
  vp8: { element: 'vp8dec' },
  vp9: { element: 'vp9dec' },
};
/** How long a launch may take to decode what it was given, ms. */
const DECODE_MS = 4000;
/** Decoded at one time; more wait for their turn: pictures are never worth the processor that live media needs. */
const AT_ONCE = 2;

/** How pictures are to be. */
export interface PictureOptions {
  /** The widest, in pixels. */
  readonly width: number;
  /** 1 to 100. */
  readonly quality: number;
}

/** See the file's head. */
export class JpegMaker {
  readonly #hosts: MediaHosts;
  readonly #label: string;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** `label`: the stage, for logs and `ps`. */
  constructor(hosts: MediaHosts, label: string) {
    this.#hosts = hosts;
    this.#label = label;
  }

  /**
   * A picture for each of these key frames of one track, in order; undefined for one that cannot be decoded. Many in one call
   * cost one launch. Rejects with `publish.pictures/NOT_DECODED` where there is no decoder, and as MediaHosts does.
   */
  async make(
    caps: VideoCaps,
    keyFrames: readonly AccessUnit[],
    options: PictureOptions,
  ): Promise<(Uint8Array | undefined)[]> {
    const { element } = DECODERS[caps.codec];
    if (!(await this.#hosts.hasElement(element)))
      throw new EddyError('publish.pictures/NOT_DECODED', `there is no ${element} for ${caps.codec} on this machine`, {
        kind: 'media',
        details: { status: 404 },
      });
    await this.#turn();
    try {
      return await this.#decode(caps, keyFrames, options);
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #decode(
    caps: VideoCaps,
    keyFrames: readonly AccessUnit[],
    options: PictureOptions,
  ): Promise<(Uint8Array | undefined)[]> {
    const host = await this.#hosts.launch({ ...pictureLaunch(caps, options), label: this.#label });
    const pictures: (Uint8Array | undefined)[] = keyFrames.map(() => undefined);
    host.onFrame(({ unit }) => {
      // Each frame's time is its place in the list, so that one which is left out moves no other.
      const place = Math.round(unit.pts / VIDEO_TICKS);
      if (place in pictures) pictures[place] = unit.data;
    });
    for (const [place, { data }] of keyFrames.entries()) {
      const at = place * caps.timescale;
      if (!host.write('key', { dts: at, pts: at, duration: caps.timescale, key: true, data, arrivedAt: 0 }))
        await host.drained('key');
    }
    await host.close(DECODE_MS);
    return pictures;
  }

  async #turn(): Promise<void> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
  }
}

/** Ticks of a second, as hosts count pictures. */
const VIDEO_TICKS = 90_000;

/** The launch for a track, without its label. */
export function pictureLaunch(caps: VideoCaps, { width: widest, quality }: PictureOptions): Omit<HostLaunch, 'label'> {
  const { element, options = '' } = DECODERS[caps.codec];
  const scale = Math.min(1, widest / caps.width);
  const even = (length: number): number => Math.max(2, 2 * Math.round((length * scale) / 2));
  const size = scale < 1 ? `,width=${even(caps.width)},height=${even(caps.height)},pixel-aspect-ratio=1/1` : '';
  return {
    launch:
      `{in:key} ! ${element} ${options} ! videoconvert ! videoscale ! video/x-raw,format=I420${size} ! ` +
      `jpegenc quality=${quality} ! {out:picture}`,
    inputs: [{ name: 'key', caps }],
    outputs: [{ name: 'picture' }],
    share: 'pictures',
    nice: 10,
    stallTimeout: DECODE_MS,
  };
}

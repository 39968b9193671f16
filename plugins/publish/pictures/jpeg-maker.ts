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
/** How long a launch may take to decode what it was given, ms: for itself, and for each key frame. */
const LAUNCH_MS = 4000;
const KEY_FRAME_MS = 250;
/** Launches at one time; more wait for their turn: pictures are never worth the processor that live media needs. */
const AT_ONCE = 2;

/** How pictures are to be. */
export interface PictureOptions {
  /** The widest, in pixels. */
  readonly width: number;
  /** 1 to 100. */
  readonly quality: number;
}

/** A sheet of pictures, in rows from left to right; lengths in pixels. */
export interface SheetLayout {
  readonly columns: number;
  readonly rows: number;
  /** Of one picture; even. */
  readonly width: number;
  readonly height: number;
  /** 1 to 100. */
  readonly quality: number;
}

/** What a launch is, but for whom and for how long. */
type PictureLaunch = Omit<HostLaunch, 'label' | 'stallTimeout'>;

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
    const pictures: (Uint8Array | undefined)[] = keyFrames.map(() => undefined);
    await this.#decode(caps, keyFrames, pictureLaunch(caps, options), (unit) => {
      // Each frame's time is its place in the list, so that one which is left out moves no other.
      const place = Math.round(unit.pts / VIDEO_TICKS);
      if (place in pictures) pictures[place] = unit.data;
    });
    return pictures;
  }

  /**
   * One picture of all of these key frames of one track: as many as the layout has places. Undefined where one of them
   * cannot be decoded: {@link JpegMaker.make} tells which. Rejects as that does.
   */
  async sheet(caps: VideoCaps, keyFrames: readonly AccessUnit[], layout: SheetLayout): Promise<Uint8Array | undefined> {
    let sheet: Uint8Array | undefined;
    await this.#decode(caps, keyFrames, sheetLaunch(caps, layout), ({ data }) => (sheet = data));
    return sheet;
  }

  async #decode(
    caps: VideoCaps,
    keyFrames: readonly AccessUnit[],
    launch: PictureLaunch,
    take: (unit: AccessUnit) => void,
  ): Promise<void> {
    const { element } = DECODERS[caps.codec];
    if (!(await this.#hosts.hasElement(element)))
      throw new EddyError('publish.pictures/NOT_DECODED', `there is no ${element} for ${caps.codec} on this machine`, {
        kind: 'media',
        details: { status: 404 },
      });
    const within = LAUNCH_MS + keyFrames.length * KEY_FRAME_MS;
    await this.#turn();
    try {
      const host = await this.#hosts.launch({ ...launch, label: this.#label, stallTimeout: within });
      host.onFrame(({ unit }) => take(unit));
      for (const [place, { data }] of keyFrames.entries()) {
        const at = place * caps.timescale;
        if (!host.write('key', { dts: at, pts: at, duration: caps.timescale, key: true, data, arrivedAt: 0 }))
          await host.drained('key');
      }
      await host.close(within);
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    // Whoever came meanwhile may have taken the place.
    while (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
  }
}

/** Ticks of a second, as hosts count pictures. */
const VIDEO_TICKS = 90_000;

/** The launch for pictures of a track. */
export function pictureLaunch(caps: VideoCaps, { width: widest, quality }: PictureOptions): PictureLaunch {
  const scale = Math.min(1, widest / caps.width);
  const size = scale < 1 ? `,width=${even(caps.width * scale)},height=${even(caps.height * scale)},${SQUARE}` : '';
  return launchOf(caps, `videoconvert ! videoscale ! video/x-raw,format=I420${size} ! jpegenc quality=${quality}`);
}

/**
 * The launch for a sheet. GStreamer has no element that puts pictures of one stream side by side, but
 * packed pictures one after the other are, byte for byte, one picture of their height together. So a row is made of
 * pictures on their side, and set upright again; and the sheet of rows.
 */
export function sheetLaunch(caps: VideoCaps, layout: SheetLayout): PictureLaunch {
  const { columns, rows, width, height, quality } = layout;
  const join = (w: number, h: number): string => `rawvideoparse format=ayuv width=${w} height=${h} framerate=1/1`;
  return launchOf(
    caps,
    `videoscale ! video/x-raw,width=${width},height=${height},${SQUARE} ! videoconvert ! video/x-raw,format=AYUV ! ` +
      `videoflip video-direction=90r ! ${join(height, width * columns)} ! ` +
      `videoflip video-direction=90l ! ${join(width * columns, height * rows)} ! ` +
      `videoconvert ! video/x-raw,format=I420 ! jpegenc quality=${quality}`,
  );
}

const SQUARE = 'pixel-aspect-ratio=1/1';

/** The nearest even length: chroma has half as many pixels. */
export const even = (length: number): number => Math.max(2, 2 * Math.round(length / 2));

function launchOf(caps: VideoCaps, after: string): PictureLaunch {
  const { element, options = '' } = DECODERS[caps.codec];
  return {
    launch: `{in:key} ! ${element} ${options} ! ${after} ! {out:picture}`,
    inputs: [{ name: 'key', caps }],
    outputs: [{ name: 'picture' }],
    share: 'pictures',
    nice: 10,
  };
}

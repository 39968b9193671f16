/** Paints the test pattern: colour bars, a bouncing ball, the camera's name, and the time for people and machines. */
import { blockClockHeight, drawBlockClock } from 'eddy/media';
import { CELL, drawText } from './font.ts';

/** What does not change from picture to picture. */
export interface PictureOptions {
  /** Pixels; both even. */
  readonly width: number;
  readonly height: number;
  readonly name: string;
  /** Burn the clocks in. */
  readonly clock: boolean;
}

/** What does. */
export interface Moment {
  /** Server time of the picture, epoch ms. */
  readonly epochMs: number;
  readonly counter: number;
  /** A flash: white all over but for the clocks. */
  readonly flash: boolean;
}

/** Colour bars at 75% (SMPTE EG 1): Y, Cb, Cr in video range. */
const BARS = [
  [180, 128, 128],
  [162, 44, 142],
  [131, 156, 44],
  [112, 72, 58],
  [84, 184, 198],
  [65, 100, 212],
  [35, 212, 114],
  [16, 128, 128],
] as const;
const NEUTRAL = 128;
const WHITE = 235;
/** The ball crosses the picture in so many ms, sideways and up or down: not multiples of a second, so it never seems to stand. */
const CROSSING = { x: 3700, y: 2300 } as const;

/** Owns one I420 picture that is painted again and again. */
export class Picture {
  /** The planes Y, Cb, Cr one after the other, without padding. */
  readonly data: Uint8Array;
  readonly #options: PictureOptions;
  readonly #background: Uint8Array;
  readonly #flash: Uint8Array;
  readonly #luma: Uint8Array;
  /** Height of the machine's clock; 0 where there is none, or where the picture is too low for it. */
  readonly #strip: number;

  constructor(options: PictureOptions) {
    const { width, height } = options;
    this.#options = options;
    this.#strip =
      options.clock && blockClockHeight(width) < height / 2 ? Math.ceil(blockClockHeight(width) / 2) * 2 : 0;
    this.#background = bars(width, height, this.#strip);
    this.#flash = new Uint8Array(this.#background.length).fill(WHITE, 0, width * height).fill(NEUTRAL, width * height);
    this.data = new Uint8Array(this.#background.length);
    this.#luma = this.data.subarray(0, width * height);
  }

  /** Paints the picture of a moment into `data`. */
  paint(moment: Moment): void {
    const { width, height, name, clock } = this.#options;
    this.data.set(moment.flash ? this.#flash : this.#background);
    if (!moment.flash) this.#ball(moment.epochMs);
    const scale = Math.max(1, Math.floor(Math.min(width / 160, height / 40)));
    const bottom = height - (CELL.height + 1) * scale;
    drawText(this.#luma, width, scale * 2, bottom, scale, name.slice(0, 12));
    if (!clock) return;
    const time = new Date(moment.epochMs).toISOString().slice(11, 23);
    drawText(this.#luma, width, width - (time.length * CELL.width + 2) * scale, bottom, scale, time);
    if (this.#strip > 0) drawBlockClock(this.#luma, width, width, moment);
  }

  #ball(epochMs: number): void {
    const { width, height } = this.#options;
    const radius = Math.floor(Math.min(width, height) / 16);
    const top = this.#strip + radius;
    const bounce = (ms: number, range: number): number => Math.abs(((epochMs / ms) % 2) - 1) * range;
    const x = radius + Math.round(bounce(CROSSING.x, width - 2 * radius));
    const y = top + Math.round(bounce(CROSSING.y, height - top - radius));
    for (let dy = -radius; dy < radius && y + dy < height; dy++) {
      const half = Math.floor(Math.sqrt(radius * radius - dy * dy));
      this.#luma.fill(WHITE, (y + dy) * width + x - half, (y + dy) * width + x + half);
    }
  }
}

function bars(width: number, height: number, strip: number): Uint8Array {
  const picture = new Uint8Array((width * height * 3) / 2).fill(NEUTRAL);
  const plane = (offset: number, w: number, h: number, from: number, component: 0 | 1 | 2): void => {
    const row = new Uint8Array(w);
    for (let x = 0; x < w; x++) row[x] = BARS[Math.floor((x * BARS.length) / w)]![component];
    for (let y = from; y < h; y++) picture.set(row, offset + y * w);
  };
  picture.fill(16, 0, strip * width);
  plane(0, width, height, strip, 0);
  const chroma = (width * height) / 4;
  plane(width * height, width / 2, height / 2, strip / 2, 1);
  plane(width * height + chroma, width / 2, height / 2, strip / 2, 2);
  return picture;
}

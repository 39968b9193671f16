/**
 * Runs inside a media host: paints the pictures and makes the sound of one camera, in real time. Media time counts from
 * `zero`, a moment of the machine's monotonic clock, which a host that is started anew shares with the one before: the
 * timestamps go on where they would have been.
 */
import type { GenerateRaw } from 'eddy/plugin';
import { Picture } from './picture.ts';
import { BLOCK, SAMPLE_RATE, Sound } from './sound.ts';
import { flashes, Pace, ServerTime } from './timing.ts';

/** Plain data from the stage. */
export type GeneratorOptions = {
  /** Monotonic ms (process.hrtime) and server time (epoch ms) of media time 0. */
  readonly zero: number;
  readonly zeroEpoch: number;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly clock: boolean;
  readonly tone: boolean;
  /** Period of flash and beep in ms; null for the steady picture and tone. */
  readonly flash: number | null;
};

/** A picture or block that is later than this is left out, as a camera would. */
const LATE_MS = 250;
const BLOCK_MS = (BLOCK / SAMPLE_RATE) * 1000;
const CHECK_MS = 1000;
/**
 * Samples by which avenc_aac's output is late: it puts one frame of silence first and gives it the time of the first
 * samples. Measured: without this the beep is heard 21.4 ms after the flash.
 */
const ENCODER_DELAY = 1024;

export const generate: GenerateRaw<GeneratorOptions> = (options, push) => {
  const now = (): number => Number(process.hrtime.bigint()) / 1e6 - options.zero;
  const server = new ServerTime(options.zeroEpoch);
  const picture = new Picture(options);
  const sound = options.tone ? new Sound() : undefined;
  const pictures = new Pace(1000 / options.fps, LATE_MS, now());
  // A block is due when its last sample has been: its grid is a block later than its time.
  const blocks = new Pace(BLOCK_MS, LATE_MS, now() + BLOCK_MS);
  const { flash } = options;
  let checked = 0;

  function paint(index: number): void {
    const mediaMs = (index * 1000) / options.fps;
    const epochMs = Math.round(server.at(mediaMs));
    picture.paint({ epochMs, counter: index % 1024, flash: flash !== null && flashes(server.at(mediaMs), flash) });
    push('video', picture.data, (index * 1e9) / options.fps);
  }

  function play(sound: Sound, index: number): void {
    const first = (index - 1) * BLOCK;
    const beeps = (sample: number): boolean => flashes(server.at((sample * 1000) / SAMPLE_RATE), flash!);
    sound.fill(first, flash === null ? undefined : beeps);
    push('audio', sound.data, ((first - ENCODER_DELAY) * 1e9) / SAMPLE_RATE);
  }

  function tick(): void {
    const at = now();
    if (at - checked > CHECK_MS) {
      checked = at;
      server.check(at, Date.now());
    }
    for (let index = pictures.take(at); index !== undefined; index = pictures.take(at)) paint(index);
    if (sound) for (let index = blocks.take(at); index !== undefined; index = blocks.take(at)) play(sound, index);
    const due = sound ? Math.min(pictures.due, blocks.due) : pictures.due;
    setTimeout(tick, Math.max(1, due - now()));
  }
  tick();
};

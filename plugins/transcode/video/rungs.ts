/** Rungs of a ladder: which of those that are wished for a source gets. */
import type { VideoCaps } from 'eddy/plugin';
import type { OutputCodec, Profile } from './codecs.ts';
import type { Rung } from './rung-field.ts';

/** A rung for one source. */
export interface PlannedRung {
  readonly name: string;
  /** Even, as 4:2:0 needs. */
  readonly width: number;
  readonly height: number;
  /** Frames a second where they are fewer than the source's. */
  readonly fps: number | undefined;
  /** One of so many pictures of the source is taken. */
  readonly every: number;
  readonly bitrate: number;
  readonly codec: OutputCodec;
  /** Where one was asked for. */
  readonly profile: Profile | undefined;
  /** GOPs of the ladder that one of its own holds. */
  readonly gops: number;
}

/** What holds for rungs that do not say. */
export interface RungDefaults {
  readonly codec: OutputCodec;
  /** ms. */
  readonly gop: number;
}

/** Sizes that `auto` chooses from. */
const USUAL_LINES = [2160, 1440, 1080, 720, 480, 360, 240] as const;
/** Rungs that `auto` makes at most. */
const AUTO_RUNGS = 3;
/** `auto` leaves out a rung whose picture has more than this share of the next larger one's pixels. */
const AUTO_STEP = 0.65;

/** Bits a second of 1280 x 720 at 30 frames a second, and how little they grow with pixels: the eye forgives detail. */
const USUAL = { bitrate: 2_500_000, pixelRate: 1280 * 720 * 30, growth: 0.8 } as const;

/** What a size at a frame rate usually takes, bits a second; frame rates that nobody knows count as 30. */
export function usualBitrate(width: number, height: number, fps = 30): number {
  const share = (width * height * fps) / USUAL.pixelRate;
  return Math.round((USUAL.bitrate * share ** USUAL.growth) / 10_000) * 10_000;
}

/** Bits that a rung takes, as a share of those of its source at the same quality. */
export function shareOfBits(
  rung: Pick<PlannedRung, 'width' | 'height' | 'every'>,
  source: Pick<VideoCaps, 'width' | 'height'>,
): number {
  return ((rung.width * rung.height) / rung.every / (source.width * source.height)) ** USUAL.growth;
}

/** 30 frames a second are asked for where 30.0003 come. */
const RATE_SLACK = 0.01;

type Source = Pick<VideoCaps, 'width' | 'height' | 'frameRate' | 'codec'>;

/**
 * The rungs that a source gets, the largest first: none larger than it. Where all are larger there is one of
 * the source's own size, since a viewer who cannot take the source shall have something.
 */
export function planRungs(wished: readonly Rung[] | 'auto', source: Source, defaults: RungDefaults): PlannedRung[] {
  const lines = Math.min(source.width, source.height);
  const list = wished === 'auto' ? autoRungs(source) : wished;
  // Of equals the one that the source may be itself.
  const sourceFirst = ({ codec = defaults.codec }: Rung): number => Number(codec === source.codec);
  const fitting = list
    .filter((rung) => rung.lines <= lines)
    .toSorted((a, b) => b.lines - a.lines || (b.fps ?? 999) - (a.fps ?? 999) || sourceFirst(b) - sourceFirst(a));
  // The schema lets no empty list in.
  const smallest = list.toSorted((a, b) => a.lines - b.lines)[0]!;
  const taken = fitting.length > 0 ? fitting : [{ ...smallest, name: `${lines}p`, lines }];
  return taken.map((rung) => planRung(rung, source, defaults));
}

/** A rung of this source. */
export function planRung(rung: Rung, { width, height, frameRate }: Source, defaults: RungDefaults): PlannedRung {
  const sourceFps = frameRate && frameRate.num / frameRate.den;
  const scale = rung.lines / Math.min(width, height);
  const even = (pixels: number): number => Math.max(2, Math.round((pixels * scale) / 2) * 2);
  // Every second, third, ... picture, so that key frames stay where the others' are. A source that does not tell its rate keeps it.
  const every =
    rung.fps === undefined || sourceFps === undefined ? 1 : Math.max(1, Math.ceil(sourceFps / rung.fps - RATE_SLACK));
  const fps = every === 1 ? undefined : Number((sourceFps! / every).toFixed(3));
  const size = { width: even(width), height: even(height) };
  return {
    name: rung.name,
    ...size,
    fps,
    every,
    bitrate: rung.bitrate ?? usualBitrate(size.width, size.height, fps ?? sourceFps),
    codec: rung.codec ?? defaults.codec,
    profile: rung.profile,
    gops: Math.round((rung.gop ?? defaults.gop) / defaults.gop),
  };
}

/** The source's own size and steps below it that a viewer can tell apart. */
function autoRungs({ width, height }: Source): Rung[] {
  const own = Math.min(width, height);
  const rungs: Rung[] = [{ name: `${own}p`, lines: own, fps: undefined, bitrate: undefined }];
  for (const lines of USUAL_LINES) {
    const last = rungs.at(-1)!.lines;
    if (rungs.length < AUTO_RUNGS && (lines / last) ** 2 <= AUTO_STEP) {
      rungs.push({ name: `${lines}p`, lines, fps: undefined, bitrate: undefined });
    }
  }
  return rungs;
}

/** Pictures of the source after which all rungs may have a key frame: each takes one of its own number of them. */
export function keyStep(rungs: readonly Pick<PlannedRung, 'every'>[]): number {
  const common = (a: number, b: number): number => (b === 0 ? a : common(b, a % b));
  return rungs.reduce((step, { every }) => (step * every) / common(step, every), 1);
}

/** Pictures of the source from one key frame of the ladder to the next: as near to `gop` (ms) as all rungs allow. */
export function keyIntervalOf(rungs: readonly Pick<PlannedRung, 'every'>[], gop: number, fps: number): number {
  const step = keyStep(rungs);
  return step * Math.max(1, Math.round(((gop / 1000) * fps) / step));
}

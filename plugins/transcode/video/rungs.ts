/** Rungs of a ladder: how they are written, and which of them a source gets. */
import { Bitrate, type Field, type FieldOptions, type VideoCaps } from 'eddy/plugin';

/** A rung as it is wished for. */
export interface Rung {
  /** As viewers and metrics see it: `720p`, `1080p60`. */
  readonly name: string;
  /** Pixels of the shorter side, so that 720p of an upright picture is 720 wide. */
  readonly lines: number;
  /** At most so many frames a second; undefined: as many as the source has. */
  readonly fps: number | undefined;
  /** Bits a second; undefined: what its size and frame rate usually take. */
  readonly bitrate: number | undefined;
}

/** A rung for one source. */
export interface PlannedRung {
  readonly name: string;
  /** Even, as 4:2:0 needs. */
  readonly width: number;
  readonly height: number;
  readonly fps: number | undefined;
  readonly bitrate: number;
}

/** `720p`, `720p@2.5Mbps`, `1080p60@6Mbps`. */
const SIZE = '([1-9][0-9]{1,3})p([1-9][0-9]{0,2})?';
const SHORT = new RegExp(`^${SIZE}(?:@(.+))?$`);
/** A number with a unit, as everywhere. */
const bitrate = Bitrate({ doc: 'Bits a second.' });

/**
 * A list of rungs, each short (`720p@2.5Mbps`) or long (`{ size: 720p, bitrate: 2.5Mbps, fps: 30 }`), or `auto`. Each keyword of the schema holds
 * for one of the forms, so that one mistake is one finding.
 */
export function Rungs(options: FieldOptions<readonly string[] | 'auto'>): Field<readonly Rung[] | 'auto'> {
  const item = {
    // What is wrong with a short one is told by `parse`, with its unit.
    type: ['string', 'object'],
    properties: {
      size: { type: 'string', pattern: `^${SIZE}$`, description: 'Lines of the picture: 720p.' },
      bitrate: { ...bitrate.schema, description: 'Bits a second: 2.5Mbps.' },
      fps: { type: 'integer', minimum: 1, maximum: 240, description: 'Frames a second at most.' },
    },
    required: ['size'],
    additionalProperties: false,
  };
  const { doc, default: written } = options;
  return {
    doc,
    schema: {
      type: ['array', 'string'],
      'x-takes': 'list of rungs | auto',
      examples: ['[1080p@5Mbps, 720p@2.5Mbps, 360p@700kbps]'],
      pattern: '^auto$',
      items: item,
      minItems: 1,
      maxItems: 8,
      description: doc,
      default: written,
    },
    default: written,
    required: written === undefined,
    secret: false,
    parse: parseRungs,
  };
}

function parseRungs(raw: unknown): ReturnType<Field<readonly Rung[] | 'auto'>['parse']> {
  if (raw === 'auto') return { value: 'auto' };
  const rungs: Rung[] = [];
  for (const [index, entry] of (raw as (string | { size: string; bitrate?: string; fps?: number })[]).entries()) {
    const long = typeof entry === 'string' ? undefined : entry;
    const match = SHORT.exec(typeof entry === 'string' ? entry : entry.size);
    if (!match)
      return {
        error: `item ${index + 1}: ${JSON.stringify(entry)} is no rung; write its lines, and its bit rate: "720p@2.5Mbps"`,
      };
    const [, lines, fps, rate = long?.bitrate] = match;
    const parsed = rate === undefined ? undefined : bitrate.parse(rate);
    if (parsed && 'error' in parsed) return { error: `item ${index + 1}: ${parsed.error}` };
    const rung: Rung = {
      name: `${lines}p${fps ?? long?.fps ?? ''}`,
      lines: Number(lines),
      fps: fps === undefined ? long?.fps : Number(fps),
      bitrate: parsed?.value,
    };
    if (rungs.some(({ name }) => name === rung.name))
      return { error: `item ${index + 1}: ${rung.name} is there twice` };
    rungs.push(rung);
  }
  return { value: rungs };
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

type Source = Pick<VideoCaps, 'width' | 'height' | 'frameRate'>;

/**
 * The rungs that a source gets, the largest first: none larger than it. Where all are larger there is one of
 * the source's own size, since a viewer who cannot take the source shall have something.
 */
export function planRungs(wished: readonly Rung[] | 'auto', source: Source): PlannedRung[] {
  const lines = Math.min(source.width, source.height);
  const fps = source.frameRate && source.frameRate.num / source.frameRate.den;
  const list = wished === 'auto' ? autoRungs(source) : wished;
  const fitting = list
    .filter((rung) => rung.lines <= lines)
    .toSorted((a, b) => b.lines - a.lines || (b.fps ?? 999) - (a.fps ?? 999));
  // The schema lets no empty list in.
  const smallest = list.toSorted((a, b) => a.lines - b.lines)[0]!;
  const taken = fitting.length > 0 ? fitting : [{ ...smallest, name: `${lines}p`, lines }];
  return taken.map((rung) => plan(rung, source, fps));
}

function plan(rung: Rung, { width, height }: Source, sourceFps: number | undefined): PlannedRung {
  const scale = rung.lines / Math.min(width, height);
  const even = (pixels: number): number => Math.max(2, Math.round((pixels * scale) / 2) * 2);
  const fps = rung.fps !== undefined && rung.fps < (sourceFps ?? Infinity) ? rung.fps : undefined;
  const size = { width: even(width), height: even(height) };
  return {
    name: rung.name,
    ...size,
    fps,
    bitrate: rung.bitrate ?? usualBitrate(size.width, size.height, fps ?? sourceFps),
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

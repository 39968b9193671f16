/** Rungs as the configuration has them: a list of short and long ones, or `auto`. */
import { Bitrate, Duration, type Field, type FieldOptions } from 'eddy/plugin';
import { OUTPUT_CODECS, PROFILES, type OutputCodec, type Profile } from './codecs.ts';

/** A rung as it is wished for. */
export interface Rung {
  /** As viewers and metrics see it: `720p`, `1080p60`, `720p-av1`. */
  readonly name: string;
  /** Pixels of the shorter side, so that 720p of an upright picture is 720 wide. */
  readonly lines: number;
  /** At most so many frames a second; undefined: as many as the source has. */
  readonly fps: number | undefined;
  /** Bits a second; undefined: what its size and frame rate usually take. */
  readonly bitrate: number | undefined;
  /** Undefined: that of the stage. */
  readonly codec?: OutputCodec | undefined;
  /** Undefined: what the mode takes. */
  readonly profile?: Profile | undefined;
  /** From one key frame to the next, ms; undefined: that of the stage. */
  readonly gop?: number | undefined;
}

/** A long one, as it is written. */
interface LongRung {
  readonly size: string;
  readonly bitrate?: string;
  readonly fps?: number;
  readonly codec?: OutputCodec;
  readonly profile?: Profile;
  readonly gop?: string;
}

/** `720p`, `720p@2.5Mbps`, `1080p60@6Mbps`. */
const SIZE = '([1-9][0-9]{1,3})p([1-9][0-9]{0,2})?';
const SHORT = new RegExp(`^${SIZE}(?:@(.+))?$`);
/** Numbers with a unit, as everywhere. */
const bitrate = Bitrate({ doc: 'Bits a second.' });
const gop = Duration({ doc: 'From one key frame to the next.', min: '250ms', max: '10s' });

/**
 * A list of rungs, each short (`720p@2.5Mbps`) or long (`{ size: 720p, bitrate: 2.5Mbps, fps: 30, codec: av1 }`), or `auto`. Each keyword of the schema holds
 * for one of the forms, so that one mistake is one finding.
 */
export function Rungs(options: FieldOptions<readonly string[] | 'auto'>): Field<readonly Rung[] | 'auto'> {
  const item = {
    // What is wrong with a short one is told by `parse`, with its unit.
    type: ['string', 'object'],
    properties: {
      size: { type: 'string', pattern: `^${SIZE}$`, description: 'Lines of the picture: 720p.' },
      bitrate: { ...bitrate.schema, description: 'Bits a second: 2.5Mbps.' },
      fps: {
        type: 'integer',
        minimum: 1,
        maximum: 240,
        description: 'Frames a second at most: of a source that has more every second, third, ... picture is taken.',
      },
      codec: { type: 'string', enum: OUTPUT_CODECS, description: "Without it the stage's." },
      profile: {
        type: 'string',
        enum: PROFILES,
        description: 'baseline, main or high of H.264; main or main10 of HEVC; VP9 and AV1 have none to choose.',
      },
      gop: {
        ...gop.schema,
        description:
          "From one key frame to the next: the stage's `gop` or a whole multiple, and of the next smaller rung's too.",
      },
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
  for (const [index, entry] of (raw as readonly (string | LongRung)[]).entries()) {
    const parsed = parseRung(entry);
    if ('error' in parsed) return { error: `item ${index + 1}: ${parsed.error}` };
    if (rungs.some(({ name }) => name === parsed.value.name))
      return { error: `item ${index + 1}: ${parsed.value.name} is there twice` };
    rungs.push(parsed.value);
  }
  return { value: rungs };
}

function parseRung(entry: string | LongRung): ReturnType<Field<Rung>['parse']> {
  const long = typeof entry === 'string' ? undefined : entry;
  const match = SHORT.exec(typeof entry === 'string' ? entry : entry.size);
  if (!match)
    return {
      error: `${JSON.stringify(entry)} is no rung; write its lines, and its bit rate: "720p@2.5Mbps"`,
    };
  const [, lines, fps, rate = long?.bitrate] = match;
  // What is not even text has been told by then.
  const bits = typeof rate === 'string' ? bitrate.parse(rate) : undefined;
  if (bits && 'error' in bits) return bits;
  const keys = typeof long?.gop === 'string' ? gop.parse(long.gop) : undefined;
  if (keys && 'error' in keys) return keys;
  const codec = long?.codec;
  return {
    value: {
      name: `${lines}p${fps ?? long?.fps ?? ''}${codec === undefined ? '' : `-${codec}`}`,
      lines: Number(lines),
      fps: fps === undefined ? long?.fps : Number(fps),
      bitrate: bits?.value,
      ...(codec !== undefined && { codec }),
      ...(long?.profile !== undefined && { profile: long.profile }),
      ...(keys && { gop: keys.value }),
    },
  };
}

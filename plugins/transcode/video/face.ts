/** What the manifest says of a configuration: what comes out, what the machine must have, and which rungs do not go together. */
import type { CapsOffer, ConfigProblem } from 'eddy/plugin';
import { CODECS, type OutputCodec } from './codecs.ts';
import { softwareEncoder, type EncoderName, type Mode } from './encoders.ts';
import type { Rung } from './rung-field.ts';

/** The part of the configuration that is looked at. */
interface Options {
  readonly rungs: readonly Rung[] | 'auto';
  readonly codec: OutputCodec;
  readonly mode: Mode;
  readonly passthrough: 'auto' | 'never';
  readonly gop: number;
  readonly encoder: EncoderName;
}

/** Those of its rungs. */
const codecsOf = ({ rungs, codec }: Options): readonly OutputCodec[] => [
  ...new Set(rungs === 'auto' ? [codec] : rungs.map((rung) => rung.codec ?? codec)),
];

/** Codecs whose frames may be out of order; the others hide that. */
const REORDERED: ReadonlySet<OutputCodec> = new Set(['h264', 'hevc']);

/** What comes out of a stage with these rungs. */
export function offersOf(options: Options): readonly CapsOffer[] {
  const { mode, passthrough } = options;
  return codecsOf(options).flatMap((codec): CapsOffer[] => {
    const plain: CapsOffer = { caps: { kind: 'video', codec, bFrames: false }, likelihood: 'usual' };
    if (!REORDERED.has(codec)) return [plain];
    const reordered: CapsOffer = { caps: { kind: 'video', codec, bFrames: true }, likelihood: 'possible' };
    if (mode === 'quality') return [plain, { ...reordered, likelihood: 'usual' }];
    // The source is passed on as it comes.
    return passthrough === 'auto' ? [plain, reordered] : [plain];
  });
}

/** Encoders and parsers that these rungs need. */
export function elementsOf(options: Options): readonly string[] {
  return codecsOf(options).flatMap((codec) => [softwareEncoder(codec, options.encoder).element, CODECS[codec].parser]);
}

/** Rungs that cannot be made, or not together. */
export function problemsOf({ rungs, codec, gop }: Options): readonly ConfigProblem[] {
  if (rungs === 'auto') return [];
  const misfit = (message: string): ConfigProblem => ({ code: 'RUNG_MISFIT', key: 'rungs', message });
  const smaller = rungs.toSorted((a, b) => a.lines - b.lines);
  return smaller.flatMap((rung, index): ConfigProblem[] => {
    const { name, profile, gop: own = gop } = rung;
    const { title, profiles } = CODECS[rung.codec ?? codec];
    const found: ConfigProblem[] = [];
    if (profile !== undefined && !profiles.includes(profile)) {
      const mend =
        profiles.length === 0
          ? `no profiles to choose from; leave out "profile: ${profile}"`
          : `the profiles ${profiles.join(', ')}; "${profile}" is none of them`;
      found.push(misfit(`rung ${name}: ${title} has ${mend}`));
    }
    const below = smaller[index - 1];
    const least = below?.gop ?? gop;
    if (own % gop !== 0)
      found.push(
        misfit(
          `rung ${name}: a GOP of ${seconds(own)} is no whole multiple of the ladder's ${seconds(gop)}, so its key frames would lie between those of the others; give it ${seconds(Math.max(gop, own - (own % gop)))}`,
        ),
      );
    else if (below && (below.lines === rung.lines ? own !== least : own % least !== 0))
      found.push(
        misfit(
          `rung ${name}: a GOP of ${seconds(own)} above ${below.name} with ${seconds(least)}: segments begin where the largest rung has a key frame, and there the smaller one would have none; give it ${below.lines === rung.lines ? 'the same' : 'a whole multiple'}`,
        ),
      );
    return found;
  });
}

const seconds = (ms: number): string => `${ms / 1000} s`;

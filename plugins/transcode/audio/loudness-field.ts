/** A loudness as the configuration has it: `-16LUFS`. */
import type { Field } from 'eddy/plugin';

const LOUDNESS = /^(-[0-9]+(?:\.[0-9]+)?) ?LUFS$/;
/** LUFS. */
const LEAST = -40;
const MOST = -5;

/** An optional loudness; the configuration holds LUFS. */
export function Loudness({ doc }: { readonly doc: string }): Field<number | undefined> {
  return {
    doc,
    schema: { type: 'string', 'x-unit': 'loudness', examples: ['-16LUFS'], description: doc },
    default: undefined,
    required: false,
    secret: false,
    parse(raw) {
      const match = LOUDNESS.exec(String(raw));
      if (!match) return { error: `${JSON.stringify(raw)} is no loudness; write it with its unit: "-16LUFS"` };
      const value = Number(match[1]);
      if (value < LEAST || value > MOST)
        return { error: `"${String(raw)}" is not between ${LEAST}LUFS and ${MOST}LUFS` };
      return { value };
    },
  };
}

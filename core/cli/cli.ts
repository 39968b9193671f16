/** What the verbs share: their shape, their surroundings, their exit codes. */
import type { ParseArgsConfig } from 'node:util';
import type { Redactor } from '../observe/redact.ts';
import type { AnyPlugin } from '../plugin/index.ts';

/** Exit codes: scripts rely on them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, badPipeline: 78 } as const;

/** The surroundings of a command, replaceable in tests. */
export interface Cli {
  /** Data and findings. */
  readonly out: (text: string) => void;
  /** Messages. */
  readonly err: (text: string) => void;
  /** Default: that of the process. */
  readonly stdin?: AsyncIterable<unknown>;
  readonly colour: boolean;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The plugins in the box: the launcher hands them in, since core knows no plugin. */
  readonly builtins: () => Promise<readonly AnyPlugin[]>;
  /** The folder of the installed package or the checkout. */
  readonly root: string;
  /** Learns every secret of the files that are checked; what `main` tells of an error goes through it. */
  readonly redactor?: Redactor;
}

/** A parsed command line. */
export interface Parsed {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  readonly positionals: readonly string[];
}

/** One verb: `eddy <name> ...`. */
export interface Verb {
  readonly summary: string;
  /** After `eddy <name>`: `FILE [--json]`. */
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** One line an option, for `--help`. */
  readonly help: Readonly<Record<string, string>>;
  run(args: Parsed, cli: Cli): Promise<number>;
}

/** A wrong command line: told with the usage, exit code 2. */
export class UsageError extends Error {}

/** The one positional that a verb needs; UsageError where it is missing or there are more. */
export function onePositional(args: Parsed, what: string): string {
  const [first, ...more] = args.positionals;
  if (first === undefined) throw new UsageError(`${what} is missing`);
  if (more.length > 0) throw new UsageError(`one ${what} only, not also "${more.join(' ')}"`);
  return first;
}

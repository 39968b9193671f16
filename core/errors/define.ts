/** What is known of every error code: one place, from which `eddy explain`, the docs and the checks are made. */

/**
 * What an error does to the pipeline. `config` and `caps` refuse to start; `media` drops, counts and resyncs at a key
 * frame; `peer` closes one session; `resource` and `plugin` restart the stage; `internal` fails fast.
 */
export type ErrorKind = 'config' | 'caps' | 'media' | 'peer' | 'resource' | 'plugin' | 'internal';

/** Errors refuse to start, warnings are worth a mend, infos are worth knowing. */
export type Severity = 'error' | 'warning' | 'info';

/** One entry of the catalogue. */
export interface CodeDefinition {
  readonly severity: Severity;
  readonly kind: ErrorKind;
  /** What has happened, in one or two plain sentences. */
  readonly meaning: string;
  /** What the reader does about it. */
  readonly mend: string;
  /** A pipeline fragment, a command or a log line that shows it. */
  readonly example: string;
}

/** Types a table of codes while keeping its keys, so that a misspelt code is a compile error. */
export function defineCodes<const T extends Record<`${Uppercase<string>}`, CodeDefinition>>(codes: T): T {
  return codes;
}

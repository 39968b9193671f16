/** Findings: what the checks tell, each with its place, its reason and its mend. */
import { catalogue, type Code, type PluginCode, type Severity } from '../errors/index.ts';
import type { Position } from './checked.ts';
import type { Source, Span } from './source.ts';

/** One thing that a check found. */
export interface Finding {
  readonly code: Code | PluginCode;
  readonly severity: Severity;
  /** What is wrong, in one sentence with the names in it. Never holds a resolved reference. */
  readonly message: string;
  /** What the reader does about it. */
  readonly mend: string;
  readonly position: Position | undefined;
  /** How many characters from the position on are meant. */
  readonly length: number;
  /** The line and the one before it, with carets below the place. */
  readonly frame: string | undefined;
  /** What was given, and what would have been taken, where that can be listed. */
  readonly offered: string | undefined;
  readonly accepted: string | undefined;
  /** The known name that was probably meant. */
  readonly didYouMean: string | undefined;
  /** The stages and services that it is about; their `allow` silences warnings and infos. */
  readonly nodes: readonly string[];
}

/** What a check says; the rest of a {@link Finding} follows from it. */
export interface FindingInput {
  readonly code: Code | PluginCode;
  readonly message: string;
  readonly at?: Span | undefined;
  /** Default: the catalogue's. */
  readonly mend?: string | undefined;
  readonly severity?: Severity | undefined;
  readonly offered?: string | undefined;
  readonly accepted?: string | undefined;
  readonly didYouMean?: string | undefined;
  readonly nodes?: readonly string[] | undefined;
}

/** Collects the findings of one file; frames are drawn at the end, when every secret in the text is known. */
export class Findings {
  readonly source: Source;
  readonly #found: FindingInput[] = [];

  constructor(source: Source) {
    this.source = source;
  }

  add(finding: FindingInput): void {
    this.#found.push(finding);
  }

  /** True where anything found so far refuses the pipeline. */
  get failed(): boolean {
    return this.#found.some((finding) => severityOf(finding) === 'error');
  }

  /** How many findings there are; compared before and after a step it tells whether the step found anything. */
  get count(): number {
    return this.#found.length;
  }

  /** All findings in the order of the file, without the warnings and infos that `allow` silences. */
  finish(allowed: (node: string, code: string) => boolean): Finding[] {
    return this.#found
      .filter((finding) => {
        return severityOf(finding) === 'error' || !(finding.nodes ?? []).some((node) => allowed(node, finding.code));
      })
      .map((finding) => this.#complete(finding))
      .sort(
        (a, b) =>
          (a.position?.line ?? 0) - (b.position?.line ?? 0) || (a.position?.column ?? 0) - (b.position?.column ?? 0),
      );
  }

  #complete(finding: FindingInput): Finding {
    const { at } = finding;
    return {
      code: finding.code,
      severity: severityOf(finding),
      message: finding.message,
      mend: finding.mend ?? definition(finding.code)?.mend ?? '',
      position: at && this.source.position(at.start),
      length: at ? Math.max(1, at.end - at.start) : 0,
      frame: at && this.source.frame(at),
      offered: finding.offered,
      accepted: finding.accepted,
      didYouMean: finding.didYouMean,
      nodes: finding.nodes ?? [],
    };
  }
}

const definition = (code: string) => (Object.hasOwn(catalogue, code) ? catalogue[code as Code] : undefined);
const severityOf = (finding: FindingInput): Severity =>
  finding.severity ?? definition(finding.code)?.severity ?? 'error';

/** Names in a sentence: `"a", "b" and "c"`; past `most` the rest is counted. */
export function quoteList(names: Iterable<string>, most = 12): string {
  const all = [...names].map((name) => `"${name}"`);
  if (all.length === 0) return 'none';
  const shown = all.slice(0, most);
  const rest = all.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  return shown.length === 1 ? shown[0]! : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)!}`;
}

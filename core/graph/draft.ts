/** What the layers of checks hand on to each other: nodes and links, as far as they were understood. */
import type { AnyPlugin } from '../plugin/plugin.ts';
import type { FullPolicy, SupervisePolicy } from './checked.ts';
import type { Span } from './source.ts';
import type { MapNode } from './tree.ts';

/** A stage or service while it is checked. */
export interface DraftNode {
  readonly name: string;
  readonly kind: 'stage' | 'service';
  /** Its name in the file. */
  readonly at: Span;
  readonly map: MapNode;
  /** Undefined where the plugin is not known, which was told already. */
  plugin: AnyPlugin | undefined;
  /** Undefined where an option is wrong, which was told already. */
  config: Readonly<Record<string, unknown>> | undefined;
  readonly use: ReadonlyMap<string, { readonly target: string; readonly at: Span }>;
  readonly start: 'always' | 'on-demand';
  /** ms. */
  readonly linger: number;
  readonly supervise: SupervisePolicy;
  readonly log: 'debug' | 'info' | 'warn' | 'error' | undefined;
  /** Codes of warnings and infos that its author has seen and accepts. */
  readonly allow: readonly string[];
  /** Filled in by the check of needs. */
  uses: Readonly<Record<string, string | undefined>>;
}

/** One end of a link as written; `pad` is absent in the short form `a -> b`. */
export interface LinkEnd {
  readonly stage: string;
  readonly pad: string | undefined;
  readonly at: Span;
}

/** A link as written, with one target: `a -> b, c` makes two. */
export interface WrittenLink {
  readonly from: readonly LinkEnd[];
  readonly to: LinkEnd;
  readonly at: Span;
  readonly queue: number | undefined;
  readonly full: FullPolicy | undefined;
  readonly optional: boolean;
  /** Where `queue` and `full` stand, for findings about them. */
  readonly queueAt: Span | undefined;
  readonly fullAt: Span | undefined;
}

/** A stage's pad, found. */
export interface PadEnd {
  readonly node: DraftNode;
  readonly pad: string;
  readonly at: Span;
}

/** A link whose ends were found and are of one media type. */
export interface DraftLink extends Omit<WrittenLink, 'from' | 'to'> {
  readonly id: string;
  readonly type: string;
  readonly from: readonly PadEnd[];
  readonly to: PadEnd;
}

/** The whole file, as far as it was understood. */
export interface Draft {
  readonly name: string;
  readonly nodes: ReadonlyMap<string, DraftNode>;
  links: DraftLink[];
  /** `stage.pad` of every input and output that a link names or, misspelt, probably means. */
  readonly touched: Set<string>;
  /** True where some end could not even be guessed: then what looks unlinked may not be. */
  endsUnclear: boolean;
}

/** The checked graph: what the graph checks hand to the engine. Everything in it is resolved; nothing can be unknown. */
import type { AnyPlugin, MediaTypeName } from '../plugin/index.ts';

/** A place in the pipeline file; line and column count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A pad of a stage. */
export interface PadRef {
  readonly stage: string;
  readonly pad: string;
}

/** What a link does when its queue is full. */
export type FullPolicy = 'block' | 'drop-to-keyframe' | 'drop-newest' | 'spill';

/** How failures of a node are answered. */
export interface SupervisePolicy {
  readonly restart: 'on-failure' | 'never';
  /** Wait before a restart, ms: doubles from min to max. */
  readonly backoff: { readonly min: number; readonly max: number };
  readonly max: { readonly count: number; readonly within: number };
  /** When the limit is passed: go on without it, or stop the pipeline. */
  readonly then: 'degrade' | 'stop';
}

/** A stage or service. */
export interface CheckedNode {
  readonly name: string;
  readonly kind: 'stage' | 'service';
  readonly plugin: AnyPlugin;
  /** The typed configuration: units parsed, defaults filled in, references resolved. */
  readonly config: Readonly<Record<string, unknown>>;
  /** As written, references unresolved: safe to print. */
  readonly written: Readonly<Record<string, unknown>>;
  /** Hash of plugin name, version and resolved configuration: the node keeps its identity over `apply` while it is equal. */
  readonly hash: string;
  readonly start: 'always' | 'on-demand';
  /** ms that a node which runs on demand goes on after its last use. */
  readonly linger: number;
  readonly supervise: SupervisePolicy;
  readonly log: 'debug' | 'info' | 'warn' | 'error' | undefined;
  /**
   * For each need of the manifest: the service (or providing stage) that meets it; undefined for an unmet optional one. A need for several
   * has a key for each of them: `of[0]`, `of[1]`.
   */
  readonly uses: Readonly<Record<string, string | undefined>>;
  readonly position: Position;
}

/** An edge. `from` has several entries for alternative routes (`a.x | b.y -> c.z`), in order of preference. */
export interface CheckedLink {
  /** `rtmp.video | sfu.video -> cmaf.video`: its identity over `apply` and its name in meters. */
  readonly id: string;
  readonly from: readonly PadRef[];
  readonly to: PadRef;
  readonly type: MediaTypeName;
  /** How much media time the queue holds, in ms. */
  readonly queue: number;
  readonly full: FullPolicy;
  readonly optional: boolean;
  readonly position: Position;
}

/** A pipeline that passed its checks. */
export interface CheckedGraph {
  readonly name: string;
  /** The file it came from, and the folder against which relative paths are resolved. */
  readonly file: string;
  readonly baseDir: string;
  readonly cameras: {
    readonly secondPublisher: 'refuse' | 'take-over' | 'standby';
    /** ms that a flow outlives its last publication. */
    readonly linger: number;
  };
  readonly sessions: {
    readonly carry: 'path' | 'cookie';
    /** ms that a sealed session can be taken up again. */
    readonly life: number;
    /** What sessions are sealed with; undefined: the engine's own. */
    readonly key: string | undefined;
    readonly atLimit: 'refuse' | 'end-oldest';
  };
  /** Services, then stages, each in an order in which every need is met by one before it. */
  readonly nodes: readonly CheckedNode[];
  readonly links: readonly CheckedLink[];
  /** Glass-to-glass budget in ms by stage. */
  readonly budget: Readonly<Record<string, number>>;
  readonly observe: { readonly http: string | undefined; readonly log: 'debug' | 'info' | 'warn' | 'error' };
  /** How long a drain may take, ms. */
  readonly drain: number;
}

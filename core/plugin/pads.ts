/** Pads: typed ports of a stage, declared in its manifest. */
import type {
  AccessUnit,
  CapsOffer,
  CapsPattern,
  Chunk,
  ChunkCaps,
  PublishedObject,
  RtpCaps,
  RtpHandle,
  Segment,
  TrackCaps,
} from '../model/index.ts';

/** Caps of a track of a `segments` pad. */
export interface SegmentTrackCaps {
  readonly kind: 'video' | 'audio';
  readonly chunk: ChunkCaps;
}

/** Caps of a track of an `objects` pad. */
export interface ObjectTrackCaps {
  readonly kind: 'objects';
}

/** The media types: what flows and what describes a track. A package adds one by declaration merging and registration. */
export interface MediaTypes {
  frames: { item: AccessUnit; caps: TrackCaps };
  rtp: { item: RtpHandle; caps: RtpCaps };
  chunks: { item: Chunk; caps: ChunkCaps };
  segments: { item: Segment; caps: SegmentTrackCaps };
  objects: { item: PublishedObject; caps: ObjectTrackCaps };
}

/** The name of a media type. */
export type MediaTypeName = keyof MediaTypes & string;
/** What flows through a pad of this type. */
export type ItemOf<T extends MediaTypeName> = MediaTypes[T]['item'];
/** What describes a track of this type. */
export type TrackCapsOf<T extends MediaTypeName> = MediaTypes[T]['caps'];

/** The value of a config key, written as `{part}`, where a manifest's number depends on the configuration. */
export type ConfigRef = `{${string}}`;

/**
 * How long a stage holds an item back, in ms: the least and the most. Summed against the pipeline's `budget`. `{part}` is
 * the value of the config key `part`.
 */
export interface LatencyRange {
  readonly min: number | ConfigRef;
  readonly max: number | ConfigRef;
}

/** Options of {@link input}. */
export interface InputOptions {
  /** One sentence for `eddy inspect`. */
  readonly doc: string;
  /** What it takes; absent: anything of its media type. */
  readonly accepts?: readonly CapsPattern[];
  /** May be left unlinked. */
  readonly optional?: boolean;
  /** `all`: several links into this pad merge their tracks. Default `one`. */
  readonly from?: 'one' | 'all';
  /**
   * When it asks its source to work. `always`: recorders and publishers; `follow`: while any output that it reaches is
   * wanted; `manual`: the stage says so by `want()`, as a gateway does when a viewer comes.
   * Default: `follow` for a stage with outputs, else `always`.
   */
  readonly demand?: 'always' | 'follow' | 'manual';
  /** Each caps that is refused, with the stage that converts it: used in findings. */
  readonly mends?: readonly { readonly caps: CapsPattern; readonly mend: string }[];
  /** For a stage at the end of a path: how long until a viewer has what came in, a player's usual buffer included. */
  readonly latency?: LatencyRange;
}

/** Options of {@link output}. */
export interface OutputOptions {
  /** One sentence for `eddy inspect`. */
  readonly doc: string;
  /**
   * What it gives; absent: unknown until it runs. The configuration may narrow it: a text such as `'{codec}'` stands for
   * the value of the config key `codec`, and for anything where that key has no value.
   */
  readonly offers?: readonly CapsOffer[];
  /** Which of its offers are left with this configuration, where `'{codec}'` cannot say it: pure and without I/O. The values are typed as `config` says. */
  readonly narrow?: (config: never) => readonly CapsOffer[];
  /** Need not be linked. */
  readonly optional?: boolean;
  /** The input pads whose items reach this output; default: all of them. Cycles and latency are judged by it. */
  readonly reachedBy?: readonly string[];
  /** How long the stage holds an item between those inputs and this output. */
  readonly latency?: LatencyRange;
}

/** A declared input pad. */
export interface InputPad<T extends MediaTypeName = MediaTypeName> extends InputOptions {
  readonly type: T;
}

/** A declared output pad. */
export interface OutputPad<T extends MediaTypeName = MediaTypeName> extends OutputOptions {
  readonly type: T;
}

/** Declares an input pad. */
export function input<T extends MediaTypeName>(type: T, options: InputOptions): InputPad<T> {
  return { type, ...options };
}

/** Declares an output pad. */
export function output<T extends MediaTypeName>(type: T, options: OutputOptions): OutputPad<T> {
  return { type, ...options };
}

/** Tracks in motion: what a stage writes to and what it reads from. */
import type { CameraId, DiscontinuityCause, EndCause, GapCause, TrackId } from '../model/index.ts';
import type { ItemOf, MediaTypeName, TrackCapsOf } from './pads.ts';

/**
 * The clock that the tracks of one publication share (a sync group). A transcoder's output stays in its input's group.
 */
export interface SyncClock {
  /** Server time (epoch ms, a double) of a media time in ticks; undefined before the first item. */
  toWall(ticks: number, timescale: number): number | undefined;
  /**
   * False while the publication has just begun and the mapping may still step back by itself: who writes server times down
   * for good waits for it, a second at most. Where it is left out, times are settled from the first.
   */
  readonly settled?: boolean;
}

/** Options of {@link FlowOutput.addTrack}. */
export interface AddTrackOptions {
  /** The input track that this one is made of: it inherits its clock and priority. */
  readonly from?: InputTrack<MediaTypeName>;
  /**
   * Its clock, where the stage alone knows it: packets of an `rtp` source pass no pad, so its publication has no wall
   * clock. One object for all tracks of one publication. Goes before the clock of `from`.
   */
  readonly clock?: SyncClock;
  /** The track whose place it takes after a change of caps; readers see one track end and the next begin, in order. */
  readonly replaces?: TrackWriter<MediaTypeName>;
}

/** An output pad of one flow. */
export interface FlowOutput<T extends MediaTypeName> {
  /** True while anyone downstream wants this output; an output that nobody wants is not produced. */
  readonly wanted: boolean;
  /** Calls back at each change of `wanted`; returns the unsubscribing function. */
  onWanted(listener: (wanted: boolean) => void): () => void;
  /** Adds a track. Ids are unique among the live tracks of the pad; a second one of the same id throws TypeError. */
  addTrack(id: TrackId, caps: TrackCapsOf<T>, options?: AddTrackOptions): TrackWriter<T>;
}

/** Writes one track. Items, discontinuities, gaps and the end keep their order. */
export interface TrackWriter<T extends MediaTypeName> {
  readonly id: TrackId;
  readonly caps: TrackCapsOf<T>;
  /**
   * True while any reader wants this track: whoever makes one track of several may leave out those that nobody wants. False
   * while its pad is not wanted, and while no link carries it.
   */
  readonly wanted: boolean;
  /** Calls back at each change of `wanted`; returns the unsubscribing function. */
  onWanted(listener: (wanted: boolean) => void): () => void;
  /**
   * How full the fullest of its links is: 0 while all readers keep up, 1 where a link drops or blocks, more where a writer
   * does not wait for one that blocks. An encoder may lower its bit rate by it.
   */
  readonly pressure: number;
  /**
   * Passes an item on, and the ownership of its bytes with it. Never throws for a full queue: false means that a link
   * that blocks is full; wait for `ready()` or drop. After the end it does nothing and returns false.
   */
  write(item: ItemOf<T>): boolean;
  /** Settles when every blocking link has room, or the track has ended. */
  ready(): Promise<void>;
  /**
   * Writes, and settles when every consumer behind a `block` or `spill` link has finished with the item. Rejects with
   * DELIVERY_FAILED where one of them dropped it or failed over it.
   */
  deliver(item: ItemOf<T>): Promise<void>;
  /** The timeline breaks here. */
  discontinuity(cause: DiscontinuityCause): void;
  /** Server time `from` to `to` (epoch ms) has no media. */
  gap(from: number, to: number, cause: GapCause): void;
  end(cause?: EndCause): void;
  /** Calls back when a consumer asks for a key frame (coalesced); returns the unsubscribing function. */
  onKeyFrameRequest(listener: () => void): () => void;
}

/** An input pad of one flow. */
export interface FlowInput<T extends MediaTypeName> {
  /** Calls back for every track that comes, also for those already there. One listener an input. */
  onTrack(listener: (track: InputTrack<T>) => TrackReader<T>): void;
  /** For pads with `demand: 'manual'`: says whether the source is to work. */
  want(wanted: boolean): void;
}

/** A track as its reader sees it. */
export interface InputTrack<T extends MediaTypeName> {
  readonly id: TrackId;
  readonly caps: TrackCapsOf<T>;
  readonly clock: SyncClock;
  /** The id of the track whose place it takes, after a change of caps or of the active publication. */
  readonly replaces: TrackId | undefined;
  /** Asks upstream for a key frame; coalesced. */
  requestKeyFrame(): void;
  /**
   * Says whether this track is needed; it is until its reader says otherwise. While it is not, no items come, and its writer
   * may cease to make them; wanted again, it begins at the next place at which a reader may begin.
   */
  want(wanted: boolean): void;
}

/**
 * What a reader does with a track. A returned promise holds the next call back; an error thrown here fails this
 * camera's flow of this stage only.
 */
export interface TrackReader<T extends MediaTypeName> {
  item(item: ItemOf<T>): void | Promise<void>;
  discontinuity?(cause: DiscontinuityCause): void | Promise<void>;
  gap?(from: number, to: number, cause: GapCause): void | Promise<void>;
  end?(cause: EndCause): void | Promise<void>;
}

/** The identity of a flow, common to stages and sources. */
export interface FlowIdentity {
  readonly cameraId: CameraId;
}

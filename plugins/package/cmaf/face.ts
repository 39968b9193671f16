/** The segmenter's face: what goes in, what comes out, and what it is told. */
import type { AccessUnit, Chunk, ChunkCaps, DiscontinuityCause, EndCause, TrackId } from 'eddy/plugin';

/** One track's way in. */
export interface SegmenterInput {
  /** The next unit in decode order. Throws a MediaError where its bytes are broken; it is dropped then. */
  unit(unit: AccessUnit): void;
  /** The track's timeline breaks here. */
  discontinuity(cause: DiscontinuityCause): void;
  /** No more units: what is held goes out. */
  end(cause: EndCause): void;
}

/** Where a segmenter's output goes. Calls for one track come in order: open, chunks, end. */
export interface SegmenterSink {
  /** A track begins; its id is that of the input track. */
  open(track: TrackId, caps: ChunkCaps): void;
  chunk(track: TrackId, chunk: Chunk): void;
  end(track: TrackId, cause: EndCause): void;
  /** Media that cannot be cut as it should; once a publication. */
  gopTooLong(track: TrackId, seconds: number): void;
  /** A video track is waiting for a key frame. */
  requestKeyFrame(track: TrackId): void;
}

/** Options of a {@link Segmenter}. */
export interface SegmenterOptions {
  /** Target of a segment, ms; the longest is twice as long. */
  readonly segment: number;
  /** Wished target of a part, ms. */
  readonly part: number;
  /** Who writes: `[a-z0-9]{1,16}`, another one after every start of the process. */
  readonly writer: string;
  /** Hands out segment numbers, counting up by one. */
  readonly nextNumber: () => number;
  readonly sink: SegmenterSink;
}

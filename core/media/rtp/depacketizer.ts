/** What the depacketizers of all codecs have in common. */

/** A coded frame as access units hold it (see `AccessUnit.data`). */
export interface RtpFrame {
  readonly data: Uint8Array;
  /** True where decoding can begin here. */
  readonly key: boolean;
  /**
   * H.264 and HEVC: the configuration record (avcC, hvcC) in force, on key frames; the same object while it does not
   * change. Their parameter sets come in band and are not left in `data`.
   */
  readonly config?: Uint8Array;
}

/**
 * Puts the payloads of one stream together again. They come in order of their sequence numbers; a loss is told by
 * {@link Depacketizer.reset}. Throws a MediaError for a payload that contradicts its format; the frame in progress is
 * then lost.
 */
export interface Depacketizer {
  /** Adds the payload of the next packet of the frame in progress. */
  push(payload: Uint8Array): void;
  /** Ends the frame in progress: the marker was set, or the timestamp changes. Undefined where it is not whole. */
  finish(): RtpFrame | undefined;
  /** Forgets the frame in progress: packets were lost. */
  reset(): void;
}

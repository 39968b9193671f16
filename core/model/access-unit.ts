/** One coded frame with its timestamps: the item of a `frames` pad. */
export interface AccessUnit {
  /** Decode time in ticks of the track's timescale, unwrapped; never goes back within a track. */
  readonly dts: number;
  /** Presentation time in ticks of the track's timescale; may be before dts only by a fixed, known offset. */
  readonly pts: number;
  /** Duration in ticks where the source knows it; else it is the distance to the next dts. */
  readonly duration?: number;
  /** True where decoding can begin here (an IDR, a CRA with its leading pictures dropped, every audio frame). */
  readonly key: boolean;
  /**
   * The coded bytes. H.264 and HEVC: NAL units with 4-byte lengths, as in MP4 (never Annex B); AAC: raw frames without
   * ADTS; AV1: the low-overhead OBU stream of one temporal unit without temporal delimiters; others as RTP and MP4
   * have them. Passed on by reference: nobody changes them after they were written.
   */
  readonly data: Uint8Array;
  /** Server time (epoch ms) at which this frame reached the process. */
  readonly arrivedAt: number;
  /** Capture time (epoch ms) by the source's word; used for latency figures only. */
  readonly capturedAt?: number;
}

/** Why the timeline of a track breaks. */
export type DiscontinuityCause =
  | 'publisher-changed'
  | 'publisher-returned'
  | 'clock-jumped'
  | 'caps-changed'
  | 'restarted'
  | 'frames-dropped'
  | 'source-signalled';

/** Why a stretch of a camera's time has no media. */
export type GapCause = 'publisher-lost' | 'crash' | 'store-outage' | 'dropped' | 'restart' | 'no-key-frame';

/** Why a track ended. */
export type EndCause = 'publisher-ended' | 'replaced' | 'stopped' | 'failed' | 'unwanted';

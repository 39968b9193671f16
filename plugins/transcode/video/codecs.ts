/** What a rung may be coded as: the profiles of each codec, and how its stream leaves the launch. */
/** Codecs that rungs are made in, for the configuration. */
export const OUTPUT_CODECS = ['h264', 'hevc', 'vp9', 'av1'] as const;
/** One of them. */
export type OutputCodec = (typeof OUTPUT_CODECS)[number];

/** Profiles that can be asked for, of all codecs. */
export const PROFILES = ['baseline', 'main', 'high', 'main10'] as const;
/** One of them. */
export type Profile = (typeof PROFILES)[number];

/** One codec. */
export interface CodecOutput {
  /** As people write it. */
  readonly title: string;
  /** What can be asked for; none where there is nothing to choose. */
  readonly profiles: readonly Profile[];
  readonly parser: string;
  /** From the encoder to the end of the launch: elements and caps. `profile` is what was asked for, else what the mode takes. */
  readonly tail: (profile: Profile | undefined) => string;
}

/** H.264's profiles as GStreamer has them: what browsers call baseline is the constrained one. */
const H264_PROFILES = { baseline: 'constrained-baseline', main: 'main', high: 'high' } as const;

/** See {@link OUTPUT_CODECS}. */
export const CODECS: Readonly<Record<OutputCodec, CodecOutput>> = {
  h264: {
    title: 'H.264',
    parser: 'h264parse',
    profiles: ['baseline', 'main', 'high'],
    tail: (profile = 'high') =>
      `video/x-h264,profile=${H264_PROFILES[profile as keyof typeof H264_PROFILES]} ! h264parse ! video/x-h264,stream-format=avc,alignment=au`,
  },
  hevc: {
    title: 'HEVC',
    parser: 'h265parse',
    profiles: ['main', 'main10'],
    tail: (profile) =>
      `video/x-h265,profile=${profile === 'main10' ? 'main-10' : 'main'} ! h265parse ! video/x-h265,stream-format=hvc1,alignment=au`,
  },
  // Profile 0 of both is 4:2:0 in 8 bits, as the pictures are here.
  vp9: {
    title: 'VP9',
    parser: 'vp9parse',
    profiles: [],
    tail: () => 'video/x-vp9,profile=(string)0 ! vp9parse ! video/x-vp9,alignment=super-frame',
  },
  av1: {
    title: 'AV1',
    parser: 'av1parse',
    profiles: [],
    tail: () => 'av1parse ! video/x-av1,stream-format=obu-stream,alignment=tu',
  },
};

/** True where the pictures of a profile have ten bits. */
export const isTenBit = (profile: Profile | undefined): boolean => profile === 'main10';

/** Which codec of an offer can carry a stream. */
import type { RtpCodecParameters } from 'eddy/plugin';

/** A codec of an offer, and the RTX codec that repeats its packets. */
export interface OfferedCodec {
  readonly media: RtpCodecParameters;
  readonly rtx: RtpCodecParameters | undefined;
}

/** An H.264 profile, as far as decoders differ. */
export type H264Profile = 'constrained-baseline' | 'baseline' | 'main' | 'constrained-high' | 'high' | 'other';

/** profile_idc, the bits of profile-iop that must be set, those that may be set, the profile: RFC 6184, table 5. */
const H264_PROFILES: readonly (readonly [number, number, number, H264Profile])[] = [
  [0x42, 0x40, 0xb0, 'constrained-baseline'],
  [0x4d, 0x80, 0x70, 'constrained-baseline'],
  [0x58, 0xc0, 0x30, 'constrained-baseline'],
  [0x42, 0x00, 0xb0, 'baseline'],
  [0x58, 0x80, 0x30, 'baseline'],
  [0x4d, 0x00, 0x70, 'main'],
  [0x64, 0x0c, 0x00, 'constrained-high'],
  [0x64, 0x00, 0x00, 'high'],
];

/** The profile of a `profile-level-id`. Without one it is Baseline (RFC 6184, 8.1). */
export function h264Profile(profileLevelId: unknown): H264Profile {
  if (profileLevelId === undefined) return 'baseline';
  if (typeof profileLevelId !== 'string' && typeof profileLevelId !== 'number') return 'other';
  const text = String(profileLevelId).padStart(6, '0');
  if (!/^[0-9a-f]{6}$/i.test(text)) return 'other';
  const idc = parseInt(text.slice(0, 2), 16);
  const iop = parseInt(text.slice(2, 4), 16);
  const row = H264_PROFILES.find(([wanted, set, may]) => wanted === idc && (iop & set) === set && !(iop & ~set & ~may));
  return row?.[3] ?? 'other';
}

const isRtx = (codec: RtpCodecParameters): boolean => /\/rtx$/i.test(codec.mimeType);
const number = (value: unknown): number => Number(value ?? 0);

/**
 * How badly an offered codec fits what is sent: 0 well, undefined not at all. The packetization mode of H.264 says what the
 * receiver can put together, so it must suffice. Its profile need not be the same: receivers decode more than they offer
 * (Chromium plays High where it offers Constrained Baseline), and a publisher's label is often not what it sends.
 */
function misfit(sent: RtpCodecParameters, offered: RtpCodecParameters): number | undefined {
  if (sent.mimeType.toLowerCase() !== offered.mimeType.toLowerCase() || sent.clockRate !== offered.clockRate)
    return undefined;
  if ((sent.channels ?? 1) !== (offered.channels ?? 1)) return undefined;
  const [ours, theirs] = [sent.parameters ?? {}, offered.parameters ?? {}];
  switch (sent.mimeType.toLowerCase()) {
    case 'video/h264': {
      const [mode, taken] = [number(ours['packetization-mode']), number(theirs['packetization-mode'])];
      if (taken < mode) return undefined;
      const same = h264Profile(ours['profile-level-id']) === h264Profile(theirs['profile-level-id']);
      return (same ? 0 : 2) + (taken === mode ? 0 : 1);
    }
    case 'video/vp9':
      return number(ours['profile-id']) === number(theirs['profile-id']) ? 0 : undefined;
    case 'video/av1':
      return number(ours['profile']) === number(theirs['profile']) ? 0 : undefined;
    default:
      return 0;
  }
}

/** The offered codec that fits a stream best; of equals the first, as the offerer prefers it. */
export function matchCodec(sent: RtpCodecParameters, offered: readonly RtpCodecParameters[]): OfferedCodec | undefined {
  let best: { readonly media: RtpCodecParameters; readonly misfit: number } | undefined;
  for (const media of offered) {
    const found = misfit(sent, media);
    if (found !== undefined && (!best || found < best.misfit)) best = { media, misfit: found };
  }
  if (!best) return undefined;
  const { media } = best;
  const rtx = offered.find((codec) => isRtx(codec) && number(codec.parameters?.['apt']) === media.payloadType);
  return { media, rtx };
}

/** The codecs that every router takes. */
import type { types } from 'mediasoup';

/** NACK, PLI, FIR, REMB and transport-cc are added by mediasoup, for all video codecs alike. */
const h264 = (profile: string, mode: 0 | 1): types.RouterRtpCodecCapability => ({
  kind: 'video',
  mimeType: 'video/H264',
  clockRate: 90_000,
  parameters: { 'packetization-mode': mode, 'profile-level-id': profile, 'level-asymmetry-allowed': 1 },
});

/**
 * H.264 first: it alone goes to every packager and player without transcoding. The levels are the highest there are
 * (5.2), so that a publisher's own level is never cut by the answer; profiles are matched strictly (RFC 6184, 8.2.2).
 */
export const MEDIA_CODECS: readonly types.RouterRtpCodecCapability[] = [
  h264('42e034', 1),
  h264('420034', 1),
  h264('4d0034', 1),
  h264('640034', 1),
  h264('640c34', 1),
  h264('42e034', 0),
  h264('420034', 0),
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000 },
  { kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, parameters: { 'profile-id': 0 } },
  { kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, parameters: { 'profile-id': 2 } },
  { kind: 'video', mimeType: 'video/AV1', clockRate: 90_000 },
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2 },
];

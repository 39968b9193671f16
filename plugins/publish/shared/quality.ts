/** Renditions that a viewer's grant lets them have. */
import { beyondGrant, RATE_TOLERANCE, type Access } from 'eddy/plugin';
import type { LiveTrack } from './live-track.ts';

/** What a rendition is measured by. */
export interface Rendition {
  readonly kind: 'video' | 'audio';
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Bits a second, on average; undefined where nobody knows. */
  readonly bitrate?: number | undefined;
}

type Limits = Pick<Access, 'maxBitrate' | 'maxLines'>;

const HAS_MORE = 'this rendition has more';

/** A live track: its rate as its source says it, else as it was measured. */
export const liveRendition = ({ kind, caps, bitrate }: LiveTrack): Rendition => ({
  kind,
  width: caps.width,
  height: caps.height,
  bitrate: caps.bitrate ?? bitrate.average(),
});

const isUnlimited = ({ maxBitrate, maxLines }: Limits): boolean => maxBitrate === undefined && maxLines === undefined;

/** Whether a viewer may have it. Sound has no limits. */
function isWithin({ maxBitrate = Infinity, maxLines = Infinity }: Limits, rendition: Rendition): boolean {
  const { kind, width = 0, height = 0, bitrate = 0 } = rendition;
  return kind === 'audio' || (Math.min(width, height) <= maxLines && bitrate <= maxBitrate);
}

/** Those that a viewer may have; throws WATCH_REFUSED where every picture is beyond the limits. */
export function within<T>(limits: Limits, all: readonly T[], renditionOf: (one: T) => Rendition): readonly T[] {
  if (isUnlimited(limits)) return all;
  const some = all.filter((one) => isWithin(limits, renditionOf(one)));
  const hasVideo = (list: readonly T[]): boolean => list.some((one) => renditionOf(one).kind === 'video');
  if (hasVideo(all) && !hasVideo(some)) throw beyondGrant(limits, HAS_MORE);
  return some;
}

/** Throws WATCH_REFUSED for media of a rendition that the viewer may not have; what was listed stays to be had while it is only a little above. */
export function assertWithin(limits: Limits, rendition: Rendition): void {
  if (isUnlimited(limits)) return;
  const maxBitrate = limits.maxBitrate && limits.maxBitrate * RATE_TOLERANCE;
  if (!isWithin({ maxBitrate, maxLines: limits.maxLines }, rendition)) throw beyondGrant(limits, HAS_MORE);
}

/** Names the limits, for what is kept of answers to viewers with the same. */
export const limitsKey = (limits: Limits): string =>
  isUnlimited(limits) ? '' : ` ${limits.maxBitrate} ${limits.maxLines}`;

/** Limits of quality in a viewer's grant, as every gateway holds media to them. */
import { EddyError } from '../errors/index.ts';
import type { Access } from './sessions.ts';

/** A measured bit rate moves: up to so many times the limit is within it. */
export const RATE_TOLERANCE = 1.25;

/** The WATCH_REFUSED for media beyond a grant; `has`: what they have, as the sentence ends. */
export function beyondGrant({ maxBitrate, maxLines }: Pick<Access, 'maxBitrate' | 'maxLines'>, has: string): EddyError {
  const most = [
    ...(maxLines === undefined ? [] : [`${maxLines} lines`]),
    ...(maxBitrate === undefined ? [] : [`${maxBitrate} bit/s`]),
  ].join(' and ');
  return new EddyError('WATCH_REFUSED', `this grant is for at most ${most}, and ${has}`, {
    details: { reason: 'forbidden', action: 'watch' },
  });
}

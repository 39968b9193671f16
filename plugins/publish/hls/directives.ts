/** Delivery directives of a playlist request (RFC 8216bis 6.2.5). */
import type { LiveTrack } from '../shared/live-track.ts';
import { refusal } from './answers.ts';

/** What a player asks for. */
export interface Directives {
  /** `_HLS_msn`: answer once the playlist holds this segment, or `part` of it. */
  readonly msn?: number;
  readonly part?: number;
  /** `_HLS_skip=YES` or `v2`: date ranges, which v2 also leaves out, are not written here. */
  readonly skip: boolean;
}

/** A request may be this many segments ahead of the playlist. */
const SEGMENTS_AHEAD = 2;

/** Reads the directives; throws `publish.hls/DIRECTIVE_INVALID` (400). */
export function parseDirectives(query: URLSearchParams): Directives {
  const msn = wholeNumber(query, '_HLS_msn');
  const part = wholeNumber(query, '_HLS_part');
  if (part !== undefined && msn === undefined)
    throw refusal('DIRECTIVE_INVALID', '_HLS_part needs _HLS_msn beside it.');
  const skip = query.get('_HLS_skip');
  return {
    ...(msn === undefined ? {} : { msn }),
    ...(part === undefined ? {} : { part }),
    skip: skip === 'YES' || skip === 'v2',
  };
}

/** Refuses to wait for what is too far ahead: the client counts wrongly, or speaks of another stream. */
export function checkReach(track: LiveTrack, { msn, part }: Directives): void {
  const position = track.position;
  if (msn === undefined || !position) return;
  if (msn > position.number + SEGMENTS_AHEAD) {
    const message = `_HLS_msn=${msn} is more than ${SEGMENTS_AHEAD} segments ahead of ${position.number}, the newest one.`;
    throw refusal('DIRECTIVE_INVALID', message);
  }
  // The RFC's Advance Part Limit: three parts, or three seconds of shorter ones.
  const limit = track.partTarget < 1 ? Math.ceil(3 / track.partTarget) : 3;
  if (part !== undefined && msn === position.number && part > position.part + limit) {
    throw refusal('DIRECTIVE_INVALID', `_HLS_part=${part} is more than ${limit} parts ahead of part ${position.part}.`);
  }
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw refusal('DIRECTIVE_INVALID', `${name} must be a whole number.`);
  return Number(text);
}

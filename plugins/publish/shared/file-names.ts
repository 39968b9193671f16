/**
 * Names of what a server of files gives, below the camera's folder. HLS and DASH name the same media: a playlist could say any name,
 * a template only a number.
 */
import type { Segment, TrackId } from 'eddy/plugin';

/** A track's folder: its name, with what a key may not hold, and `_` itself, as `_` and a hexadecimal number. */
export function folderOf(track: TrackId): string {
  return track.replace(/[^A-Za-z0-9-]/gu, (character) => `_${character.codePointAt(0)!.toString(16)}`);
}

/** A segment's media name: `{writer}.{number}.m4s`, what DASH's template says. */
export const fileName = ({ writer, number }: Pick<Segment, 'writer' | 'number'>): string => `${writer}.${number}.m4s`;

/**
 * Media names of DASH. A template can say a segment's number or its media time, but not when it began, which is what HLS names and
 * object stores go by; so a name that says the time also carries the distance from there to server time.
 */

/** What a media name asks for. */
export type SegmentKey =
  | { readonly by: 'number'; readonly writer: string; readonly number: number }
  | {
      readonly by: 'time';
      readonly writer: string;
      /** Decode time of the first sample, in ticks of the track. */
      readonly time: number;
      /** Server time minus media time, ms. */
      readonly offset: number;
    };

/** The template of segments by number. */
export const numberTemplate = (writer: string): string => `${writer}.$Number$.m4s`;
/** The template of segments by media time; `offset` is server time minus media time, ms. */
export const timeTemplate = (writer: string, offset: number): string => `${writer}.${Math.round(offset)}.t$Time$.m4s`;

const NAME = /^([a-z0-9]{1,16})\.(?:(\d{1,16})|(-?\d{1,16})\.t(\d{1,16}))\.m4s$/;

/** Reads a name made from one of the templates; undefined where it is not one. */
export function parseName(name: string): SegmentKey | undefined {
  const match = NAME.exec(name);
  if (!match) return undefined;
  const writer = match[1]!;
  if (match[2] !== undefined) return { by: 'number', writer, number: Number(match[2]) };
  return { by: 'time', writer, offset: Number(match[3]), time: Number(match[4]) };
}

/** Puts a track's folder in front of a template, in which only our own `$` may mean anything. */
export const inTrack = (track: string, template: string): string =>
  `${encodeURIComponent(track).replaceAll("'", '%27')}/${template}`;

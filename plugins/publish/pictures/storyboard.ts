/**
 * Storyboards: which picture of the past stands for which seconds, on which sheet, and WebVTT that tells it. Time is cut into
 * slots of one interval, counted from 1970, and sheets hold so many slots: so everybody's sheets of a camera are the same.
 */
import type { Segment } from 'eddy/plugin';
import { even } from './jpeg-maker.ts';

/** Places of a sheet. */
export const COLUMNS = 5;
export const PLACES = 25;
/** Width of a picture, pixels. */
const WIDTH = 160;
/** Intervals that are taken where none is asked for, s: the first with which a storyboard has at most so many cues. */
const INTERVALS = [5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200];
const USUAL_CUES = 300;

/** A sheet: every query with the same values is the same picture. */
export interface SheetName {
  readonly track: string;
  /** Name of the init segment that its pictures need: a sheet is of one generation of a track. */
  readonly init: string;
  /** Its first moment, epoch ms: a multiple of its length. */
  readonly at: number;
  /** ms. */
  readonly interval: number;
  /** Places that are told so far: a sheet that grew has another name. */
  readonly places: number;
}

/** What a picture is made of and the seconds that it stands for. */
export interface Cue {
  /** Epoch ms. */
  readonly start: number;
  readonly end: number;
  readonly segment: Segment;
  /** Place on its sheet. */
  readonly place: number;
  /** First moment of its sheet, epoch ms. */
  readonly at: number;
}

/** Width and height of a camera's picture on a sheet. */
export const sizeOf = (caps: { readonly width: number; readonly height: number }) => ({
  width: WIDTH,
  height: even((WIDTH * caps.height) / caps.width),
});

/** The interval for a stretch of so many ms where none is asked for, ms. */
export function usualInterval(length: number): number {
  const fits = INTERVALS.find((seconds) => length <= seconds * 1000 * USUAL_CUES);
  return (fits ?? INTERVALS.at(-1)!) * 1000;
}

/** The first moment of the sheet in which a moment is. */
export const sheetOf = (moment: number, interval: number): number =>
  Math.floor(moment / (interval * PLACES)) * interval * PLACES;

/**
 * The cues of a stretch. `tracks` are the segments of each rendition in order of time, the rendition that is preferred first.
 * A slot shows the key frame with which the segment at its beginning begins, else the first one in it; without any it has no cue.
 */
export function cuesOf(
  tracks: readonly (readonly Segment[])[],
  range: { readonly start: number; readonly end: number },
  interval: number,
): Cue[] {
  const cursors = tracks.map(() => 0);
  const cues: Cue[] = [];
  for (let slot = Math.floor(range.start / interval) * interval; slot < range.end; slot += interval) {
    let segment: Segment | undefined;
    let from = Infinity;
    let to = -Infinity;
    for (const [index, segments] of tracks.entries()) {
      while (cursors[index]! < segments.length && endOf(segments[cursors[index]!]!) <= slot) cursors[index]! += 1;
      let own: Segment | undefined;
      for (let at = cursors[index]!; at < segments.length && segments[at]!.startTs < slot + interval; at += 1) {
        const one = segments[at]!;
        from = Math.min(from, one.startTs);
        to = Math.max(to, endOf(one));
        if (one.independent) own ??= one;
      }
      segment ??= own;
    }
    const start = Math.max(slot, range.start, from);
    const end = Math.min(slot + interval, range.end, to);
    if (!segment || end <= start) continue;
    const at = sheetOf(slot, interval);
    cues.push({ start, end, segment, place: (slot - at) / interval, at });
  }
  return cues;
}

/** Writes WebVTT (W3C, 2019): times in seconds from `start`; `pictureOf` gives a cue's address, relative to the file's. */
export function writeVtt(start: number, cues: readonly Cue[], pictureOf: (cue: Cue) => string): string {
  const lines = ['WEBVTT', '', `NOTE 0 is ${new Date(start).toISOString()}`, ''];
  for (const cue of cues)
    lines.push(`${timestamp(cue.start - start)} --> ${timestamp(cue.end - start)}`, pictureOf(cue), '');
  return lines.join('\n');
}

function timestamp(ms: number): string {
  const whole = Math.round(ms);
  const digits = (value: number, count: number): string => String(Math.floor(value)).padStart(count, '0');
  const [h, m, s] = [whole / 3_600_000, (whole / 60_000) % 60, (whole / 1000) % 60];
  return `${digits(h, 2)}:${digits(m, 2)}:${digits(s, 2)}.${digits(whole % 1000, 3)}`;
}

const endOf = ({ startTs, duration }: Segment): number => startTs + duration;

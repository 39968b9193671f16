/** Storyboards as players know them: WebVTT whose cues name a part of a picture (Media Fragments URI 1.0, `#xywh`). Pure. */

/** A picture and the moments that it stands for, epoch ms; its place in the sheet, pixels. */
export interface StoryPicture {
  readonly start: number;
  readonly end: number;
  readonly url: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const CUE =
  /^((?:\d+:)?\d{2}:\d{2}\.\d{3}) --> ((?:\d+:)?\d{2}:\d{2}\.\d{3}).*\r?\n(\S+)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)/gm;

/** The pictures; `base` is the address of the text, `zero` the moment from which its cues count. */
export function parseStoryboard(text: string, base: string, zero: number): StoryPicture[] {
  return [...text.matchAll(CUE)].map(([, from, to, address, x, y, width, height]) => ({
    start: zero + milliseconds(from!),
    end: zero + milliseconds(to!),
    url: new URL(address!, base).href,
    x: Number(x),
    y: Number(y),
    width: Number(width),
    height: Number(height),
  }));
}

/** `1:02:03.400` or `02:03.400`. */
const milliseconds = (time: string): number =>
  Math.round(time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) * 1000);

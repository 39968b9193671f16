/** A clip as a file: its header whole, its media as places in segments, to be read again when they are sent. */
import type { Segment } from 'eddy/plugin';
import type { ReadSegment } from './cut.ts';
import { refusal } from './answers.ts';

/** Samples that lie together in the file. */
export interface Piece {
  readonly bytes: number;
  /** Samples of a segment, the second index not included; or the same bytes so many times. */
  readonly media:
    | { readonly segment: Segment; readonly from: number; readonly to: number }
    | { readonly data: Uint8Array; readonly times: number };
}

/** See the file's head. */
export interface Clip {
  /** ftyp, moov, and the head of mdat. */
  readonly header: Uint8Array;
  readonly pieces: readonly Piece[];
  /** Of the whole file. */
  readonly bytes: number;
  /** Server time (epoch ms) of the first picture. */
  readonly startTs: number;
}

/** The bytes of a clip from one to another, the second not included. Rejects with `publish.clips/MEDIA_GONE`. */
export async function* bytesOf(clip: Clip, read: ReadSegment, from = 0, to = clip.bytes): AsyncGenerator<Uint8Array> {
  let at = 0;
  const wanted = (data: Uint8Array): Uint8Array => data.subarray(Math.max(0, from - at), Math.max(0, to - at));
  if (from < clip.header.length) yield wanted(clip.header);
  at += clip.header.length;
  for (const { bytes, media } of clip.pieces) {
    if (at >= to) return;
    if (at + bytes > from) {
      const data = Buffer.concat(
        'data' in media
          ? Array.from({ length: media.times }, () => media.data)
          : (await read(media.segment)).slice(media.from, media.to).map((sample) => sample.data),
      );
      if (data.length !== bytes) throw refusal('MEDIA_GONE', 'A segment is not what it was when the clip was begun.');
      yield wanted(data);
    }
    at += bytes;
  }
}

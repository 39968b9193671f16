/** Files for a server that knows nothing of media: the item of an `objects` pad. */
import type { TrackId } from './ids.ts';

/** A named file. Media comes before the playlist that names it; what is rewritten comes again under the same name. */
export interface PublishedObject {
  /** Key below the publisher's prefix: parts of `[A-Za-z0-9._-]` with forward slashes between them. */
  readonly name: string;
  readonly contentType: string;
  /** The Cache-Control value it is to be served with. */
  readonly cacheControl: string;
  /** True where a newer one of this name replaces it (a live playlist); media and recordings are written once. */
  readonly rewritten: boolean;
  /** Names of the objects that it names: those that came before it must be there before it is. Empty for media. */
  readonly needs: readonly string[];
  /** Absent where the publisher no longer holds it: the timeline has it under `media`. */
  readonly data: Uint8Array | undefined;
  /** Where a timeline has the same bytes: the media name of a segment. */
  readonly media?: { readonly track: TrackId; readonly name: string };
}

/** Names of tracks that were made of others. */
import type { TrackId } from 'eddy/plugin';

/**
 * A track's name by its codec: `audio` becomes `audio-opus`, and that `audio-aac`. Names that are taken are not given
 * again, so that tracks of one pad stay apart.
 */
export function nameByCodec(id: TrackId, codec: string, taken: (id: TrackId) => boolean): TrackId {
  const plain = `${id.replace(/-(aac|opus|mp3|h264|hevc|av1|vp8|vp9)$/, '')}-${codec}`;
  const names = [plain, `${id}-${codec}`];
  for (let n = 2; ; n++) {
    const name = names.shift() ?? `${id}-${codec}-${n}`;
    if (!taken(name)) return name;
  }
}

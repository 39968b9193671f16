/** Names of tracks that were made of others. */
import type { TrackId } from 'eddy/plugin';

/**
 * A track's name by its codec: `audio` becomes `audio-opus`, and that `audio-aac`. Names that are taken are not given
 * again, so that tracks of one pad stay apart.
 */
export function nameByCodec(id: TrackId, codec: string, taken: (id: TrackId) => boolean): TrackId {
  const plain = `${id.replace(/-(aac|opus|mp3|h264|hevc|av1|vp8|vp9)$/, '')}-${codec}`;
  const whole = `${id}-${codec}`;
  let name = taken(plain) ? whole : plain;
  for (let n = 2; taken(name); n++) name = `${whole}-${n}`;
  return name;
}

/** A camera's latest key frame, and the picture that was made of it. */
import type { AccessUnit, InputTrack, TrackReader, VideoCaps } from 'eddy/plugin';

/** A rendition whose last key frame is so much older than that of another one has stopped, ms. */
const STOPPED_MS = 10_000;

/** A key frame that somebody may want to see. */
export interface KeyFrame {
  readonly caps: VideoCaps;
  readonly unit: AccessUnit;
}

/** See the file's head. */
export class Poster {
  readonly #latest = new Map<InputTrack<'frames'>, KeyFrame>();
  #made: { readonly of: AccessUnit; readonly picture: Promise<Uint8Array | undefined> } | undefined;

  /** Takes note of a track's key frames. */
  read(track: InputTrack<'frames'>): TrackReader<'frames'> {
    const caps = track.caps as VideoCaps;
    return {
      item: (unit) => {
        if (unit.key) this.#latest.set(track, { caps, unit });
      },
      end: () => void this.#latest.delete(track),
    };
  }

  /** The newest key frame of the rendition that comes nearest to this width from above, else of the widest. */
  keyFrame(width: number): KeyFrame | undefined {
    const all = [...this.#latest.values()];
    const newest = Math.max(...all.map(({ unit }) => unit.arrivedAt));
    const running = all.filter(({ unit }) => newest - unit.arrivedAt < STOPPED_MS);
    running.sort((a, b) => a.caps.width - b.caps.width);
    return running.find(({ caps }) => caps.width >= width) ?? running.at(-1);
  }

  /** The picture of a key frame. Made once, however many ask; what cannot be made is not tried again. */
  picture(
    keyFrame: KeyFrame,
    make: (keyFrame: KeyFrame) => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array | undefined> {
    if (this.#made?.of !== keyFrame.unit) {
      const made = { of: keyFrame.unit, picture: make(keyFrame) };
      this.#made = made;
      // That a host could not be started says nothing about the picture.
      made.picture.catch(() => {
        if (this.#made === made) this.#made = undefined;
      });
    }
    return this.#made.picture;
  }
}

/** One layer of a stream that is made of frames: a track's frames as packets with an SSRC of their own. */
import type { AccessUnit, InputTrack, VideoCaps } from 'eddy/plugin';
import { FrameSender } from './frame-sender.ts';

/** See the file's head. It outlives its track: the one that takes its place goes on in the same SSRC. */
export class FeedLayer {
  readonly sender: FrameSender;
  track: InputTrack<'frames'> | undefined;
  /** Frames are left out until a key frame. */
  resync = true;
  /** False while no viewer may be sent it. */
  taken = true;
  #lastPts = -Infinity;

  constructor(kind: 'video' | 'audio', cname: string) {
    this.sender = new FrameSender(kind, cname);
  }

  /** Pixels of a picture; layers are ordered by it. */
  get size(): number {
    const caps = this.track?.caps as VideoCaps | undefined;
    return caps?.kind === 'video' ? caps.width * caps.height : 0;
  }

  /** Lines of the shorter side. */
  get lines(): number {
    const caps = this.track?.caps as VideoCaps | undefined;
    return caps?.kind === 'video' ? Math.min(caps.width, caps.height) : 0;
  }

  /** A track begins here, or its timeline breaks. Throws a MediaError. */
  begin(track: InputTrack<'frames'>): void {
    this.track = track;
    this.#lastPts = -Infinity;
    this.resync = true;
    this.sender.begin(track);
  }

  /** False for a picture that is shown before the one that came before it. */
  inOrder(unit: AccessUnit): boolean {
    if (unit.pts < this.#lastPts) return false;
    this.#lastPts = unit.pts;
    return true;
  }
}

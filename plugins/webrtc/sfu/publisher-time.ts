/**
 * The time of one WebRTC publication: its streams on one timeline by sender reports, and that timeline in server time by
 * arrivals. The engine cannot do the latter for publications of `rtp` handles, whose packets pass no pad.
 */
import { RtpSync } from 'eddy/media';
import { ticksToMs, WallClock, type DiscontinuityCause, type SyncClock } from 'eddy/plugin';

/** A track that is told where the timeline breaks. */
export interface Timed {
  discontinuity(cause: DiscontinuityCause): void;
}

export class PublisherTime {
  readonly sync = new RtpSync();
  /** One object for all its tracks: packagers know by it what belongs together. */
  readonly clock: SyncClock;
  readonly tracks = new Set<Timed>();
  readonly #wall = new WallClock();
  readonly #onJump: () => void;

  /** `onJump`: the publisher's clock jumped; its tracks were told. */
  constructor(onJump: () => void) {
    this.#onJump = onJump;
    const wall = this.#wall;
    this.clock = {
      toWall: (ticks, timescale) => wall.toWall(ticksToMs(ticks, timescale)),
      get settled() {
        return wall.settled;
      },
    };
  }

  /** Takes note that a frame of this moment (ms on the timeline) has arrived (epoch ms). */
  observe(track: Timed, atMs: number, arrivedAt: number): void {
    if (this.#wall.observe(atMs, arrivedAt, track) === 'steady') return;
    for (const each of this.tracks) each.discontinuity('clock-jumped');
    this.#onJump();
  }
}

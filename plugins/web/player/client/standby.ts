/**
 * The live session that waits while the past is shown. A new one would begin with the camera's next key frame, seconds
 * away for a camera by RTMP; this one is back with the next picture. But it costs its whole bit rate, so it waits only as
 * long as people look back for a moment; after that live is made ready when somebody reaches for it.
 */
import type { WhepPlayback } from './whep-playback.ts';

/** How long it waits, ms. */
const PATIENCE = 60_000;

/** See the file's head. */
export class Standby {
  #waiting: WhepPlayback | undefined;
  #timer: number | undefined;

  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Keeps a session that has left the element; another one that waited is ended. */
  keep(playback: WhepPlayback): void {
    if (this.#waiting !== playback) this.end();
    this.#waiting = playback;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), PATIENCE);
  }

  /** Gives the session away; undefined where none waits. */
  take(): WhepPlayback | undefined {
    const playback = this.#waiting;
    this.#waiting = undefined;
    clearTimeout(this.#timer);
    return playback;
  }

  /** Forgets a session that has ended by itself. */
  drop(playback: WhepPlayback): void {
    if (this.#waiting === playback) this.take();
  }

  /** Ends the session that waits. Safe to repeat. */
  end(): void {
    this.take()?.close();
  }
}

/** A camera as its viewers see it live: its tracks, and who waits for more of them. */
import type { CameraId, Chunk, ChunkCaps, Clock, Segment, TrackId } from 'eddy/plugin';
import type { LiveInit } from './live-segment.ts';
import { LiveTrack, type LiveTrackOptions } from './live-track.ts';
import { Waiters } from './waiters.ts';

/** A track that nobody writes has ended for good once the others are this many segments ahead. */
const LEFT_BEHIND = 2;

export class LiveCamera {
  readonly cameraId: CameraId;
  readonly tracks = new Map<TrackId, LiveTrack>();
  readonly #options: LiveTrackOptions;
  readonly #waiters: Waiters;
  readonly #listeners = new Set<(track: LiveTrack) => void>();
  #revision = 0;
  #ended = false;

  constructor(cameraId: CameraId, options: LiveTrackOptions, clock: Clock) {
    this.cameraId = cameraId;
    this.#options = options;
    this.#waiters = new Waiters(clock);
  }

  /** Counts changes: what was rendered of an earlier revision is stale. */
  get revision(): number {
    return this.#revision;
  }

  /** True once the camera is away beyond its linger: what is listed is the end. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Where the oldest listed media begins that is no longer held here (epoch ms); undefined where all is. */
  get oldestReleased(): number | undefined {
    const starts = [...this.tracks.values()].flatMap(({ segments: [first] }) =>
      first?.released === true ? [first.startTs] : [],
    );
    return starts.length > 0 ? Math.min(...starts) : undefined;
  }

  /** Tracks worth offering to a newcomer: those that are listed, but for layers that have stopped while others go on. */
  get offered(): LiveTrack[] {
    const { listed } = this;
    const goesOn = listed.some(({ kind, stopped }) => kind === 'video' && !stopped);
    return goesOn ? listed.filter(({ kind, stopped }) => kind !== 'video' || !stopped) : listed;
  }

  /** Tracks that can be played: those that are written, or all of them while the publisher is awaited. */
  get listed(): LiveTrack[] {
    const playable = [...this.tracks.values()].filter((track) => track.lastWhole !== undefined && !track.ended);
    const active = playable.filter(({ active }) => active);
    return active.length > 0 ? active : playable;
  }

  /** True once every track that is being written can be played. */
  get ready(): boolean {
    const tracks = [...this.tracks.values()];
    const playable = tracks.some(({ lastWhole }) => lastWhole !== undefined);
    return playable && tracks.every((track) => !track.active || track.lastWhole !== undefined);
  }

  /** A track comes, or comes back. */
  begin(id: TrackId, caps: ChunkCaps): LiveTrack {
    let track = this.tracks.get(id);
    if (track && track.kind === caps.kind) {
      track.begin(caps);
    } else {
      const epoch = Math.max(0, ...[...this.tracks.values()].map((other) => other.epoch));
      this.tracks.set(id, (track = new LiveTrack(id, caps, epoch, this.#options)));
    }
    this.#changed();
    return track;
  }

  /** See {@link LiveTrack.remember}. */
  remember(track: LiveTrack, past: readonly { readonly segment: Segment; readonly init: LiveInit }[]): void {
    track.remember(past);
    if (track.segments.length === 0) return;
    this.#listeners.forEach((listener) => listener(track));
    this.#changed();
  }

  /** Lists nothing that ended before this moment (epoch ms). */
  dropBefore(moment: number): void {
    for (const track of this.tracks.values()) track.dropBefore(moment);
    this.#changed();
  }

  /** Calls back whenever a track has a segment more. */
  onSegment(listener: (track: LiveTrack) => void): void {
    this.#listeners.add(listener);
  }

  /** Takes a chunk in; false where it has no place (see {@link LiveTrack.append}). */
  append(track: LiveTrack, chunk: Chunk): boolean {
    const before = track.last;
    if (!track.append(chunk)) return false;
    if (track.last !== before) this.#listeners.forEach((listener) => listener(track));
    for (const other of this.tracks.values()) {
      if (!other.active && (other.last?.number ?? -Infinity) < chunk.segment - LEFT_BEHIND) other.ended = true;
    }
    this.#changed();
    return true;
  }

  /** Nobody writes this track now. */
  pause(track: LiveTrack): void {
    track.pause();
    this.#changed();
  }

  /** The camera is away: playlists end here, whoever waits is answered. */
  end(): void {
    this.#ended = true;
    for (const track of this.tracks.values()) {
      track.pause();
      track.ended = true;
    }
    this.#changed();
  }

  /** See {@link Waiters.wait}. */
  wait(holds: () => boolean, timeout: number, signal?: AbortSignal): Promise<boolean> {
    return this.#waiters.wait(holds, timeout, signal);
  }

  #changed(): void {
    this.#revision += 1;
    this.#waiters.notify();
  }
}

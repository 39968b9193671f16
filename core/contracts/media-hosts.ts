/** MediaHosts: disposable child processes that run native media code, one launch each. */
import type { AccessUnit, TrackCaps } from '../model/index.ts';
import { contract } from './contract.ts';

/** A stream of access units that goes into a launch through `fdsrc`, or comes out through `fdsink`. */
export interface HostPort {
  /** Its name in the launch: `{name}` is replaced by the elements that bring the bytes in or out. */
  readonly name: string;
  /** Caps in GStreamer's words for inputs; outputs report theirs at run time. */
  readonly caps?: TrackCaps;
}

/** What to run. */
export interface HostLaunch {
  /** Camera and stage, for logs and metrics. */
  readonly label: string;
  /**
   * A GStreamer launch description in which `{in:NAME}` and `{out:NAME}` stand for the ends of the pads:
   * `videotestsrc is-live=true ! x264enc ! {out:video}`.
   */
  readonly launch: string;
  readonly inputs?: readonly HostPort[];
  readonly outputs?: readonly HostPort[];
  /** Lower priority for encoders that must not starve the engine: the child's nice value, 0-19. Default 0. */
  readonly nice?: number;
  /** The child is ended when no output came for this long, in ms; 0 disables. Default 5000. */
  readonly stallTimeout?: number;
}

/** One frame out of a host: the timestamps are nanoseconds of the pipeline's running time. */
export interface HostFrame {
  readonly output: string;
  readonly caps: TrackCaps;
  readonly unit: AccessUnit;
}

/** A running launch. */
export interface MediaHost {
  readonly pid: number;
  /** Called for each frame; a returned promise holds the next one back (the pipe fills, the child waits). */
  onFrame(listener: (frame: HostFrame) => void | Promise<void>): void;
  /** Writes a frame to an input; false means wait for `drained`. */
  write(input: string, unit: AccessUnit): boolean;
  drained(input: string): Promise<void>;
  /** Asks the encoders for a key frame. */
  forceKeyFrame(): Promise<void>;
  /** Sets a property of a named element while it runs. */
  set(element: string, property: string, value: number | string | boolean): Promise<void>;
  /** Sends EOS and lets it finish within `deadline` ms, then kills it. Safe to repeat. */
  close(deadline?: number): Promise<void>;
  /** Settles when the child has ended, with the reason; never rejects. */
  readonly ended: Promise<{
    readonly cause: 'closed' | 'eos' | 'crashed' | 'stalled' | 'error';
    readonly message?: string;
  }>;
}

/** The contract. */
export interface MediaHosts {
  /** Starts a launch in a child of its own. Rejects with HOST_* codes. */
  launch(spec: HostLaunch): Promise<MediaHost>;
  /** True where the machine has this GStreamer element. */
  hasElement(name: string): Promise<boolean>;
}

/** The token. */
export const MediaHosts = contract<MediaHosts>(
  'media-hosts',
  1,
  'Runs native media code in disposable child processes.',
);

/** MediaHosts: disposable child processes that run native media code: one launch each, or small ones side by side. */
import type { AccessUnit, TrackCaps } from '../model/index.ts';
import { contract } from './contract.ts';

/** A stream of access units that goes into a launch. */
export interface HostInput {
  /** Its name in the launch: lower case letters, digits and `-`. */
  readonly name: string;
  readonly caps: TrackCaps;
}

/** A stream of access units that comes out of a launch; its caps are told with each frame. */
export interface HostOutput {
  /** Its name in the launch: lower case letters, digits and `-`. */
  readonly name: string;
}

/**
 * Raw media made by JavaScript inside the child, so that raw pictures cross no process. The module exports a
 * {@link GenerateRaw} named `generate`; it has no other power than to push, and ends with the child.
 */
export interface HostGenerator {
  /** URL of the module. */
  readonly module: string;
  /** Plain data for `generate`. */
  readonly options: Readonly<Record<string, string | number | boolean | null>>;
  /** Raw caps in GStreamer's words, by the name that `{src:NAME}` stands for in the launch. */
  readonly sources: Readonly<Record<string, string>>;
}

/**
 * What a generator's module exports as `generate`. It paces itself in real time and pushes each picture or block of
 * samples with its presentation time in ns; the bytes are copied, so the buffer may be used again. What the launch
 * cannot take within a second is dropped, oldest first.
 */
export type GenerateRaw<Options = HostGenerator['options']> = (
  options: Options,
  push: (source: string, data: Uint8Array, pts: number) => void,
) => void;

/**
 * Raw media that JavaScript inside the child listens to, so that it can move properties of elements by it. The module exports a
 * {@link MonitorRaw} named `monitor`; it may not hold the media up, and what it is too slow for it never sees.
 */
export interface HostMonitor {
  /** URL of the module. */
  readonly module: string;
  /** Plain data for `monitor`. */
  readonly options: Readonly<Record<string, string | number | boolean | null>>;
  /** The end that it listens to stands as `{tap:NAME}` in the launch. */
  readonly tap: string;
  /** Raw caps there, in GStreamer's words. */
  readonly caps: string;
}

/**
 * What a monitor's module exports as `monitor`: called once for each launch, it gives what is called with the bytes of each raw buffer. `set`
 * sets a number property of a named element; it throws where there is none such.
 */
export type MonitorRaw<Options = HostMonitor['options']> = (
  options: Options,
  set: (element: string, property: string, value: number) => void,
) => (data: Uint8Array) => void;

/** What to run. */
export interface HostLaunch {
  /** Stage and camera, for logs, metrics and `ps`. */
  readonly label: string;
  /**
   * A GStreamer launch description in which `{in:NAME}`, `{src:NAME}`, `{tap:NAME}` and `{out:NAME}` stand for the ends of the
   * streams: `{in:video} ! avdec_h264 ! x264enc ! video/x-h264,stream-format=avc,alignment=au ! {out:small}`.
   */
  readonly launch: string;
  readonly inputs?: readonly HostInput[];
  readonly outputs?: readonly HostOutput[];
  readonly generator?: HostGenerator;
  readonly monitor?: HostMonitor;
  /** Lower priority for encoders that must not starve the engine: the child's nice value, 0-19. Default 0. */
  readonly nice?: number;
  /**
   * The child is ended when no output came for this long, in ms, although it had input (or has none to wait for) and
   * its frames were taken; 0 disables. Default 5000.
   */
  readonly stallTimeout?: number;
  /**
   * Launches with the same word here may run side by side in one child, so that hundreds of small ones cost a few
   * processes. Such a launch has at most one input and one output, and no generator. A crash ends every launch of that
   * child; one that was in several crashes is run apart from the others.
   */
  readonly share?: string;
}

/**
 * One frame out of a host, or one JPEG picture ("data" of codec "jpeg"). Timestamps are the launch's running time in ticks of the caps' timescale (video 90000, audio
 * its sample rate, pictures 90000); for an input passed through they are the input's own. A change of caps is a new object.
 */
export interface HostFrame {
  readonly output: string;
  readonly caps: TrackCaps;
  readonly unit: AccessUnit;
}

/** How a host ended. */
export interface HostEnd {
  /** `closed` by us; `eos`: the media ended; `crashed`, `stalled`; `error`: an element of the launch failed. */
  readonly cause: 'closed' | 'eos' | 'crashed' | 'stalled' | 'error';
  /** For logs: what the element said, or the child's last lines. */
  readonly message?: string;
  /** The provider's error code, for all causes but `closed` and `eos`. */
  readonly code?: `${string}/${string}`;
}

/** What a launch has done, and what it takes. What is measured every few seconds is absent until it was. */
export interface HostUsage {
  /** Processors that its child is busy with, over the last few seconds; other launches may share the child. */
  readonly cores?: number;
  /** Resident memory of its child, in bytes. */
  readonly rssBytes?: number;
  readonly framesIn: number;
  /** Of all its outputs. */
  readonly framesOut: number;
  /** Seconds of media that came out a second, over the last few: 1 is real time. */
  readonly speed?: number;
  /** From a frame that went in until what was made of it came out, ms. */
  readonly latency?: number;
}

/** A running launch. */
export interface MediaHost {
  /** Of the child, which other launches may share. */
  readonly pid: number;
  readonly usage: HostUsage;
  /**
   * Called for each frame, in order for each output; a returned promise holds that output back (its pipe fills, the
   * child waits). One listener; frames made before it was set wait. What it throws ends the host with `error`.
   */
  onFrame(listener: (frame: HostFrame) => void | Promise<void>): void;
  /** Writes a frame to an input; false means wait for `drained`. After the end it does nothing and returns true. */
  write(input: string, unit: AccessUnit): boolean;
  /** Settles when the input takes more, or the host has ended. */
  drained(input: string): Promise<void>;
  /** Asks the encoders for a key frame, on one output or on all. */
  forceKeyFrame(output?: string): Promise<void>;
  /** Sets a property of a named element while it runs; rejects where there is none such or its type differs. */
  set(element: string, property: string, value: number | string | boolean): Promise<void>;
  /** Ends the inputs, lets what is inside come out within `deadline` ms (default 2000), then kills. Safe to repeat. */
  close(deadline?: number): Promise<void>;
  /** Settles when the child has ended and its last frame was handed over; never rejects. */
  readonly ended: Promise<HostEnd>;
}

/** The contract. */
export interface MediaHosts {
  /** Starts a launch in a child of its own, or by `share` in one with others. Rejects with the provider's codes: a missing element, a bad launch, a crash. */
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

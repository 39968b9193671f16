/** One run of a ladder's host: frames in, pictures of every rung out in the input's time. */
import type {
  AccessUnit,
  Clock,
  HostEnd,
  HostFrame,
  HostLaunch,
  HostUsage,
  MediaHost,
  MediaHosts,
  VideoCaps,
} from 'eddy/plugin';
import { CatchUp } from '../shared/catch-up.ts';
import type { PassedOn } from '../shared/words.ts';
import type { Mode } from './encoders.ts';
import { INPUT, STALL_MS } from './launch.ts';
import { LadderTimeline, LINE_RATE } from './timeline.ts';

/** Where it goes. */
export interface UseSink {
  /** A picture of a rung, in media time; a promise holds that rung back. */
  picture(rung: string, caps: VideoCaps, unit: AccessUnit): void | Promise<void>;
  passOn(rung: string, event: PassedOn): void;
}

/** How long what is inside may take to come out, in ms. */
const FINISH_MS = 5000;
/**
 * Media that may be inside, in s: an encoder that looks ahead holds a second by itself. More waits at the link, whose policy says what is left
 * out, until there is room again.
 */
const INSIDE_S = { 'low-latency': 1, quality: 3 } as const;
const ROOM_S = 0.3;
/** A host that makes media faster than time passes is not late, however much is inside: it catches up, or is fed a recording. */
const KEEPS_UP = 1.02;
/** Over how long that is measured, ms. */
const SPEED_MS = 1000;
/** More between two pictures is a hole in the source, which nobody made, s. */
const HOLE_S = 0.2;

/** See the file's head; made by {@link startUse}. */
export class Use {
  readonly #host: MediaHost;
  readonly #rungs: readonly string[];
  readonly #sink: UseSink;
  readonly #clock: Clock;
  readonly #most: number;
  readonly #timeline: LadderTimeline;
  readonly #catchUp: CatchUp;
  /** The newest picture of any rung, on the line. */
  #seen = 0;
  /** Media that was made, s; how much it was when it was last measured, and when (monotonic ms); and the speed until then. */
  #made = 0;
  #measured = 0;
  #measuredAt: number;
  #speed = Infinity;
  /** Until all pictures of the run before are out. */
  #before: Promise<void> | undefined;

  constructor(host: MediaHost, caps: VideoCaps, rungs: readonly string[], sink: UseSink, clock: Clock, mode: Mode) {
    this.#host = host;
    this.#rungs = rungs;
    this.#sink = sink;
    this.#clock = clock;
    this.#measuredAt = clock.monotonic();
    this.#most = INSIDE_S[mode];
    this.#timeline = new LadderTimeline(caps.timescale);
    this.#catchUp = new CatchUp(host, clock, STALL_MS);
    host.onFrame((frame) => this.#take(frame));
  }

  get ended(): Promise<HostEnd> {
    return this.#catchUp.ended;
  }

  /** Of the host. */
  get pid(): number {
    return this.#host.pid;
  }

  /** What its host has done and takes. */
  get usage(): HostUsage {
    return this.#host.usage;
  }

  /** True where this is one of its outputs. */
  makes(output: string): boolean {
    return this.#rungs.includes(output);
  }

  /** Its pictures come behind those of the run before, which end with this promise. */
  follow(before: Promise<void>): void {
    this.#before = before.finally(() => (this.#before = undefined));
  }

  /** Sets a property of an element while it runs. */
  set(element: string, property: string, value: number): Promise<void> {
    return this.#host.set(element, property, value);
  }

  /** What is inside, as a share of what may be: 0 to 1, and more where a host starts or stands. */
  get fullness(): number {
    // A host that has yet to give its first picture is starting: it is not late.
    return !this.fruitful || this.#currentSpeed() > KEEPS_UP ? 0 : this.#timeline.inside(this.#seen) / this.#most;
  }

  /** Seconds of media that are made in a second. */
  #currentSpeed(): number {
    const passed = this.#clock.monotonic() - this.#measuredAt;
    return passed < SPEED_MS ? this.#speed : ((this.#made - this.#measured) * 1000) / passed;
  }

  /** True once something has come out. */
  get fruitful(): boolean {
    return this.#catchUp.made > 0;
  }

  /** Takes a frame; the promise, if any, settles when there is room for the next. */
  feed(unit: AccessUnit): void | Promise<void> {
    const { dts, pts } = this.#timeline.place(unit);
    const { duration: _, ...rest } = unit;
    const room = this.#host.write(INPUT, { ...rest, dts, pts });
    if (this.#timeline.inside(this.#seen) > this.#most) return this.#catchUp.wait();
    if (!room) return this.#host.drained(INPUT);
  }

  /** To be passed on before what the next frame becomes. */
  note(event: PassedOn): void {
    this.#timeline.note(event);
  }

  /** No more frames: settles when all have come out, or cannot. */
  async finish(): Promise<void> {
    await this.#host.close(FINISH_MS);
    for (const rung of this.#rungs) for (const event of this.#timeline.rest(rung)) this.#sink.passOn(rung, event);
  }

  /** What is inside is of no use to anyone. */
  async drop(): Promise<void> {
    await this.#host.close(0);
  }

  #measure(pts: number): void {
    this.#made += Math.min(HOLE_S, (pts - this.#seen) / LINE_RATE);
    this.#seen = pts;
    const now = this.#clock.monotonic();
    if (now - this.#measuredAt < SPEED_MS) return;
    this.#speed = this.#currentSpeed();
    this.#measured = this.#made;
    this.#measuredAt = now;
  }

  #take({ output, caps, unit }: HostFrame): void | Promise<void> {
    if (caps.kind !== 'video') return;
    if (this.#before) return this.#before.then(() => this.#take({ output, caps, unit }));
    this.#catchUp.count();
    if (unit.pts > this.#seen) this.#measure(unit.pts);
    if (this.#timeline.inside(this.#seen) < this.#most - ROOM_S) this.#catchUp.release();
    const moment = this.#timeline.moment(output, unit.pts);
    if (!moment) return;
    for (const event of moment.events) this.#sink.passOn(output, event);
    const { offset, arrivedAt, capturedAt } = moment;
    return this.#sink.picture(output, caps, {
      ...unit,
      dts: unit.dts + offset,
      pts: unit.pts + offset,
      arrivedAt,
      ...(capturedAt !== undefined && { capturedAt }),
    });
  }
}

/** Starts a run; rejects as `MediaHosts.launch` does. */
export async function startUse(
  hosts: MediaHosts,
  launch: HostLaunch,
  caps: VideoCaps,
  sink: UseSink,
  clock: Clock,
  mode: Mode,
): Promise<Use> {
  const rungs = (launch.outputs ?? []).map(({ name }) => name);
  return new Use(await hosts.launch(launch), caps, rungs, sink, clock, mode);
}

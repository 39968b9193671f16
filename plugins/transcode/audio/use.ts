/** One run of a launch for a track: frames in, frames out in the input's time. */
import {
  rescale,
  type AccessUnit,
  type AudioCaps,
  type Clock,
  type HostEnd,
  type HostFrame,
  type MediaHost,
  type MediaHosts,
} from 'eddy/plugin';
import { MediaError } from 'eddy/media';
import { CatchUp } from '../shared/catch-up.ts';
import type { PassedOn } from '../shared/words.ts';
import { STALL_MS, STREAM, type Plan } from './plan.ts';
import { Timeline, type Placed } from './timeline.ts';

/** Where it goes. */
export interface UseSink {
  /** False means: wait for `ready`. */
  write(unit: AccessUnit): boolean;
  ready(): Promise<void>;
  passOn(event: PassedOn): void;
  /** A frame of the input was left out, since it cannot be read. */
  malformed(): void;
  silence(seconds: number): void;
}

/** How long what is inside may take to come out, in ms. */
const FINISH_MS = 2000;
/**
 * Sound that may be inside, in s. More waits at the link, whose policy says what is left out: a host that is short of
 * processor time would else fall a minute behind in silence.
 */
const INSIDE_S = 1;

/** See the file's head; made by {@link startUse}. */
export class Use {
  readonly #host: MediaHost;
  readonly #plan: Plan;
  readonly #sink: UseSink;
  readonly #catchUp: CatchUp;
  readonly #timeline: Timeline<PassedOn>;

  constructor(host: MediaHost, plan: Plan, caps: AudioCaps, sink: UseSink, clock: Clock) {
    this.#host = host;
    this.#plan = plan;
    this.#sink = sink;
    this.#catchUp = new CatchUp(host, clock, STALL_MS);
    this.#timeline = new Timeline<PassedOn>({
      timescale: caps.timescale,
      inputRate: plan.inputRate,
      outputRate: plan.caps.sampleRate,
      samplesOf: (data) => plan.samplesOf(data),
      jumped: () => ({ type: 'discontinuity', cause: 'clock-jumped' }),
      onSilence: (seconds) => sink.silence(seconds),
    });
    host.onFrame((frame) => this.#take(frame));
  }

  get ended(): Promise<HostEnd> {
    return this.#catchUp.ended;
  }

  /** True once something has come out. */
  get fruitful(): boolean {
    return this.#catchUp.made > 0;
  }

  /** Takes a frame; the promise, if any, settles when there is room for the next. */
  feed(unit: AccessUnit): void | Promise<void> {
    try {
      return this.#write(this.#timeline.place(unit));
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#sink.malformed();
    }
  }

  /** To be passed on before what the next frame becomes. */
  note(event: PassedOn): void {
    void this.#write(this.#timeline.note(event, event.type === 'discontinuity'));
  }

  /** No more frames: settles when all have come out, or cannot. */
  async finish(): Promise<void> {
    void this.#write(this.#timeline.flush());
    await this.#host.close(FINISH_MS);
    for (const event of this.#timeline.rest()) this.#sink.passOn(event);
  }

  /** What is inside is of no use to anyone. */
  async drop(): Promise<void> {
    await this.#host.close(0);
  }

  #write(placed: readonly Placed[]): void | Promise<void> {
    let room = true;
    for (const { unit, at, duration } of placed) {
      room = this.#host.write(STREAM.in, { ...unit, dts: at, pts: at, duration, key: true }) && room;
    }
    if (placed.length > 0 && this.#timeline.inside > INSIDE_S) {
      return this.#catchUp.wait();
    }
    if (!room) return this.#host.drained(STREAM.in);
  }

  #take({ caps, unit }: HostFrame): void | Promise<void> {
    const { outputFrame, caps: made, lead } = this.#plan;
    const { first, rest } = lead(caps as AudioCaps);
    const at = rescale(unit.pts, caps.kind === 'data' ? 1 : caps.timescale, made.timescale);
    const moment = this.#timeline.moment(at - (this.#catchUp.made === 0 ? first : rest));
    this.#catchUp.count();
    if (!moment) return;
    if (this.#timeline.inside < INSIDE_S / 2) this.#catchUp.release();
    for (const event of moment.events) this.#sink.passOn(event);
    const { pts, arrivedAt, capturedAt } = moment;
    const frame: AccessUnit = {
      dts: pts,
      pts,
      duration: outputFrame,
      key: true,
      data: unit.data,
      arrivedAt,
      ...(capturedAt !== undefined && { capturedAt }),
    };
    if (!this.#sink.write(frame)) return this.#sink.ready();
  }
}

/** Starts a run; rejects as `MediaHosts.launch` does. */
export async function startUse(
  hosts: MediaHosts,
  label: string,
  plan: Plan,
  caps: AudioCaps,
  sink: UseSink,
  clock: Clock,
): Promise<Use> {
  return new Use(await hosts.launch({ ...plan.launch, label }), plan, caps, sink, clock);
}

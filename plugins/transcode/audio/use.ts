/** One run of a launch for a track: frames in, frames out in the input's time. */
import {
  rescale,
  type AccessUnit,
  type AudioCaps,
  type Clock,
  type DiscontinuityCause,
  type GapCause,
  type HostEnd,
  type HostFrame,
  type MediaHost,
  type MediaHosts,
} from 'eddy/plugin';
import { MediaError } from 'eddy/media';
import { STALL_MS, STREAM, type Plan } from './plan.ts';
import { Timeline, type Placed } from './timeline.ts';

/** What is passed on at its place among the frames. */
export type PassedOn =
  | { readonly type: 'discontinuity'; readonly cause: DiscontinuityCause }
  | { readonly type: 'gap'; readonly from: number; readonly to: number; readonly cause: GapCause };

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
  readonly ended: Promise<HostEnd>;
  readonly #host: MediaHost;
  readonly #plan: Plan;
  readonly #sink: UseSink;
  readonly #clock: Clock;
  readonly #stuck = Promise.withResolvers<HostEnd>();
  readonly #timeline: Timeline<PassedOn>;
  #made = 0;
  /** Set while the input waits for the output. */
  #room: PromiseWithResolvers<void> | undefined;

  constructor(host: MediaHost, plan: Plan, caps: AudioCaps, sink: UseSink, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
    this.#plan = plan;
    this.#sink = sink;
    this.ended = Promise.race([host.ended, this.#stuck.promise]);
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

  /** True once something has come out. */
  get fruitful(): boolean {
    return this.#made > 0;
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
      return this.#outputToCatchUp();
    }
    if (!room) return this.#host.drained(STREAM.in);
  }

  /** Settles when less is inside, or the run has ended. */
  async #outputToCatchUp(): Promise<void> {
    this.#room ??= Promise.withResolvers<void>();
    const { promise } = this.#room;
    for (let waiting = true; waiting;) {
      const made = this.#made;
      const late = Promise.withResolvers<'late'>();
      const cancel = this.#clock.after(STALL_MS, () => late.resolve('late'));
      waiting = (await Promise.race([promise, this.ended, late.promise])) === 'late';
      cancel();
      if (waiting && this.#made === made) {
        this.#stuck.resolve({ cause: 'stalled', message: 'what comes out does not follow what goes in' });
        return void this.#host.close(0);
      }
    }
  }

  #take({ caps, unit }: HostFrame): void | Promise<void> {
    const { outputFrame, caps: made, lead } = this.#plan;
    const { first, rest } = lead(caps as AudioCaps);
    const at = rescale(unit.pts, caps.kind === 'data' ? 1 : caps.timescale, made.timescale);
    const moment = this.#timeline.moment(at - (this.#made++ === 0 ? first : rest));
    if (!moment) return;
    if (this.#room && this.#timeline.inside < INSIDE_S / 2) {
      this.#room.resolve();
      this.#room = undefined;
    }
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

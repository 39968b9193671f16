/**
 * The ladder of one track: the source as its top rung while that can be, a host that makes the other rungs while anyone wants them, and
 * one line of output for each rung all along, whatever becomes of the host. Where the source can be a rung no longer, that one is encoded too, for good.
 */
import type {
  AccessUnit,
  Clock,
  DiscontinuityCause,
  EndCause,
  FlowOutput,
  GapCause,
  HostLaunch,
  InputTrack,
  Logger,
  MediaHosts,
  TrackReader,
  VideoCaps,
} from 'eddy/plugin';
import { UNWANTED_MS } from '../shared/restarts.ts';
import type { PassedOn } from '../shared/words.ts';
import { BitRates } from './bit-rates.ts';
import type { CpuBudget } from './cpu-budget.ts';
import { describeLadder } from './describe.ts';
import type { EncoderChoice, EncoderSet } from './encoders.ts';
import type { KeptRung } from './heirs.ts';
import { ladderLaunch } from './launch.ts';
import { LadderLoad } from './load.ts';
import type { Meters } from './meters.ts';
import { LadderPlan } from './plan.ts';
import type { Config } from './plugin.ts';
import { RungDemand } from './rung-demand.ts';
import { RungWriters } from './rung-writers.ts';
import { keyIntervalOf, keyStep, type PlannedRung } from './rungs.ts';
import { Runs, type OwnCode } from './runs.ts';
import type { Sheddable } from './shedding.ts';
import { canPass, fpsOf, SourceRung } from './source-rung.ts';

const RESTARTED: PassedOn = { type: 'discontinuity', cause: 'restarted' };
/** So much is lost of what is inside; the link tells of the break itself when somebody wants it again. */
const UNWANTED: PassedOn = { type: 'discontinuity', cause: 'source-signalled' };

/** What a ladder needs of its stage and camera. */
export interface LadderSurroundings {
  readonly config: Config;
  readonly hosts: MediaHosts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: Meters;
  readonly out: FlowOutput<'frames'>;
  /** Stage, camera and track, for logs and `ps`. */
  readonly label: string;
  /** Among the ladders of a full machine the lowest loses rungs first. */
  readonly priority: number;
  readonly report: (code: OwnCode, message: string) => void;
  readonly encoders: EncoderChoice;
  readonly budget: CpuBudget;
  /** Rungs of the ladder before, of the source whose place this one takes. */
  readonly kept: readonly KeptRung[];
  /** Called once it has ended or is stopped, maybe twice. */
  onEnd(): void;
}

/** See the file's head. */
export class Ladder implements TrackReader<'frames'>, Sheddable {
  readonly #around: LadderSurroundings;
  readonly #track: InputTrack<'frames'>;
  readonly #caps: VideoCaps;
  readonly #plan: LadderPlan;
  readonly #made: RungWriters;
  readonly #demand: RungDemand<PlannedRung>;
  readonly #runs: Runs;
  /** What it costs, for the budget of all ladders. */
  readonly load: LadderLoad;
  readonly #bitRates: BitRates;
  /** The top rung while the source itself is it. */
  #source: SourceRung | undefined;
  #stopped = false;
  #cancelIdle: (() => void) | undefined;
  /** The host has its key frame: what follows is of use to it. */
  #fed = false;

  constructor(track: InputTrack<'frames'>, around: LadderSurroundings) {
    this.#around = around;
    this.#track = track;
    this.#caps = track.caps as VideoCaps;
    const plan = (this.#plan = new LadderPlan(around.config.rungs, this.#caps, around.config, around.kept));
    this.#demand = new RungDemand(around.clock, plan.unwanted, () => this.#demandChanged());
    this.#made = new RungWriters({
      track,
      out: around.out,
      rungs: plan.rungs,
      trackOf: (rung) => plan.trackOf(rung, `${track.id}-${rung.name}`),
      bitrateOf: (rung) => plan.bitrateOf(rung),
      isMade: (rung) => plan.madeOf(rung) !== 'left out',
      wanted: (rung, wanted) => this.#demand.set(rung, wanted),
      made: (arrivedAt) => around.meters.made(arrivedAt),
    });
    this.#runs = new Runs({
      ...around,
      mode: around.config.mode,
      caps: this.#caps,
      sink: this.#made,
      codecs: () => plan.toMake.map(({ codec }) => codec),
      launch: (encoders) => this.#launch(encoders),
      began: () => this.look(),
    });
    this.load = new LadderLoad({ ...around, caps: this.#caps, plan, runs: this.#runs });
    this.#bitRates = new BitRates({
      ...around,
      caps: this.#caps,
      plan,
      runs: this.#runs,
      pressureOf: (rung) => this.#made.pressureOf(rung),
    });
    const { passthrough, gop } = around.config;
    const top = plan.rungs[0]!;
    if (passthrough === 'auto' && canPass(this.#caps, top)) {
      this.#source = new SourceRung(track, around.out, plan.trackOf(top, track.id), gop, keyStep(plan.rungs));
      plan.passed = true;
    }
  }

  item(unit: AccessUnit): void | Promise<void> {
    if (this.#source?.count(unit) === false) this.#encodeTop(this.#source);
    this.#bitRates.count(unit);
    const passed = this.#source?.pass(unit);
    const fed = this.#feed(unit);
    return passed && fed ? Promise.all([passed, fed]).then(() => undefined) : (passed ?? fed);
  }

  discontinuity(cause: DiscontinuityCause): void {
    this.#source?.discontinuity(cause);
    this.#bitRates.interrupted();
    this.#runs.note({ type: 'discontinuity', cause });
    // The encoders' count of frames is no longer the source's.
    if (this.#source) this.#drop();
    this.#fed = false;
  }

  gap(from: number, to: number, cause: GapCause): void {
    this.#source?.gap(from, to, cause);
    this.#runs.note({ type: 'gap', from, to, cause });
  }

  async end(cause: EndCause): Promise<void> {
    this.#cancelIdle?.();
    this.#demand.stop();
    await this.#runs.finish();
    this.#stopped = true;
    this.#source?.end(cause);
    this.#made.end(cause);
    this.#around.onEnd();
  }

  /** Somebody wants it, or nobody does any more. */
  look(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    if (this.#around.out.wanted || !this.#runs.use) return;
    this.#cancelIdle = this.#around.clock.after(UNWANTED_MS, () => {
      if (this.#runs.use) this.#drop(UNWANTED);
    });
  }

  /** Every second: bit rates follow what readers keep up with. */
  lookDownstream(): void {
    if (this.#runs.use) this.#bitRates.look();
  }

  /** For the ladder of the source that takes the place of this one's. */
  get kept(): readonly KeptRung[] {
    return this.#plan.kept;
  }

  get priority(): number {
    return this.#around.priority;
  }

  get fullness(): number {
    return this.#runs.use?.fullness ?? 0;
  }

  get out(): number {
    return this.#plan.out;
  }

  /** Goes on without its most expensive rung. Where the source is none, the smallest stays: someone watches it. */
  shed(): boolean {
    const rung = this.#runs.use && this.#plan.leaveOut();
    if (!rung) return false;
    this.#endRung(rung);
    this.#around.report('transcode.video/RUNGS_SHED', `${this.#around.label}: ${rung.name} is left out`);
    this.#drop(RESTARTED);
    return true;
  }

  restore(): boolean {
    if (!this.load.fitsOneMore) return false;
    this.#plan.takeBack();
    void this.#runs.prepare();
    return true;
  }

  /** What is planned and what runs, for the API: as JSON, without what is undefined. */
  describe(): Readonly<Record<string, unknown>> {
    const { use, encoders } = this.#runs;
    return describeLadder({
      track: this.#track.id,
      caps: this.#caps,
      plan: this.#plan,
      ...(use && encoders && { running: { encoders, pid: use.pid, usage: use.usage } }),
      load: this.load,
    });
  }

  /** Names of the rungs that are encoded, or will be. */
  get encodedRungs(): readonly string[] {
    return this.#plan.toMake.map(({ name }) => name);
  }

  /** Changes a rung's bit rate, now and for every host to come; rungs that are not here are left alone. */
  async setBitrate(name: string, bitrate: number): Promise<void> {
    const rung = this.#plan.toMake.find((each) => each.name === name);
    if (rung) await this.#bitRates.ask(rung, bitrate);
  }

  /** The end, whatever is inside. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelIdle?.();
    this.#demand.stop();
    this.#around.onEnd();
    await this.#runs.stop();
  }

  /** The source is no rung any more: the host makes that one too. */
  #encodeTop(source: SourceRung): void {
    this.#source = undefined;
    this.#plan.passed = false;
    const top = this.#plan.rungs[0]!;
    this.#around.report(
      'transcode.video/SOURCE_IRREGULAR',
      `${this.#around.label}: ${top.name} is encoded from now on`,
    );
    source.end('replaced');
    this.#drop();
  }

  #feed(unit: AccessUnit): void | Promise<void> {
    if (this.#plan.toMake.length === 0 || this.#stopped || !this.#around.out.wanted) return;
    // As long as the source may be a rung, its GOP has to be known before the encoders can keep step.
    if (this.#source && this.#source.gop === undefined) return;
    const { meters } = this.#around;
    if (!this.#runs.use) this.#fed = false;
    if (!this.#fed && !unit.key) return meters.lost('waiting-for-key-frame');
    if (unit.key) this.#runs.change();
    if (this.#runs.use) {
      this.#fed = true;
      return this.#runs.use.feed(unit);
    }
    if (this.#runs.waiting) return meters.lost('restarting');
    // Held at its link meanwhile, whose policy says what becomes of those behind it.
    return this.#runs.start().then(() => {
      this.#fed = this.#runs.use !== undefined;
      return this.#runs.use?.feed(unit);
    });
  }

  /** Describes the host of what is to be made now. */
  #launch(encoders: EncoderSet): HostLaunch {
    const { label, report, config } = this.#around;
    const plan = this.#plan;
    const gone = this.load.admit(encoders);
    for (const rung of gone) this.#endRung(rung);
    if (gone.length > 0)
      report('transcode.video/NO_ROOM_FOR_RUNGS', `${label}: without ${gone.map(({ name }) => name).join(', ')}`);
    const rungs = plan.toMake.map((rung) => ({ ...rung, bitrate: plan.bitrateOf(rung) }));
    const keyInterval = this.#source?.gop ?? keyIntervalOf(plan.rungs, config.gop, fpsOf(this.#caps));
    return ladderLaunch(label, this.#caps, rungs, { encoders, mode: config.mode, keyInterval, preset: config.preset });
  }

  /** It is left out: its track ends, and so does what was said of that. */
  #endRung(rung: PlannedRung): void {
    this.#made.end('stopped', rung);
    this.#demand.forget(rung);
  }

  #demandChanged(): void {
    if (this.#plan.toMake.length > 0) void this.#runs.prepare();
    else if (this.#runs.use) this.#drop(UNWANTED);
  }

  /** The next host begins with a key frame. */
  #drop(tell?: PassedOn): void {
    this.load.release();
    this.#fed = false;
    void this.#runs.drop(tell);
  }
}

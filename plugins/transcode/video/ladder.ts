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
  HostEnd,
  InputTrack,
  Logger,
  MediaHosts,
  TrackReader,
  VideoCaps,
} from 'eddy/plugin';
import { FRUITLESS, Restarts, UNWANTED_MS } from '../shared/restarts.ts';
import { endInWords, failureInWords, type PassedOn } from '../shared/words.ts';
import type { EncoderChoice, EncoderSet } from './encoders.ts';
import { encoderOf, ladderLaunch } from './launch.ts';
import type { Meters } from './meters.ts';
import type { Config, manifest } from './plugin.ts';
import { keyIntervalOf, keyStep, planRungs, type PlannedRung } from './rungs.ts';
import { RungWriters } from './rung-writers.ts';
import type { Sheddable } from './shedding.ts';
import { canPass, fpsOf, SourceRung } from './source-rung.ts';
import { startUse, type Use } from './use.ts';

type OwnCode = `transcode.video/${keyof (typeof manifest)['errors']}`;

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
  onEnd(): void;
}

/** See the file's head. */
export class Ladder implements TrackReader<'frames'>, Sheddable {
  readonly #around: LadderSurroundings;
  readonly #track: InputTrack<'frames'>;
  readonly #caps: VideoCaps;
  readonly #rungs: readonly PlannedRung[];
  readonly #restarts: Restarts;
  readonly #made: RungWriters;
  /** The top rung while the source itself is it. */
  #source: SourceRung | undefined;
  #use: Use | undefined;
  /** Of the run that goes on. */
  #encoders: EncoderSet | undefined;
  #starting: Promise<void> | undefined;
  #stopped = false;
  #cancelIdle: (() => void) | undefined;
  /** Those that were changed by the API. */
  readonly #bitrates = new Map<string, number>();
  /** To be passed on by the next use. */
  #events: PassedOn[] = [];
  /** Encoded rungs that are left out since the machine is full, the most expensive ones. */
  #out = 0;
  /** The host has its key frame: what follows is of use to it. */
  #fed = false;

  constructor(track: InputTrack<'frames'>, around: LadderSurroundings) {
    this.#around = around;
    this.#track = track;
    this.#caps = track.caps as VideoCaps;
    this.#rungs = planRungs(around.config.rungs, this.#caps, around.config);
    this.#made = new RungWriters({
      track,
      out: around.out,
      rungs: this.#rungs,
      made: (arrivedAt) => around.meters.made(arrivedAt),
    });
    this.#restarts = new Restarts(() => around.clock.monotonic());
    const { passthrough, gop } = around.config;
    if (passthrough === 'auto' && canPass(this.#caps, this.#rungs[0]))
      this.#source = new SourceRung(track, around.out, gop, keyStep(this.#rungs));
  }

  item(unit: AccessUnit): void | Promise<void> {
    if (this.#source?.count(unit) === false) this.#encodeTop(this.#source);
    const passed = this.#source?.pass(unit);
    const fed = this.#feed(unit);
    return passed && fed ? Promise.all([passed, fed]).then(() => undefined) : (passed ?? fed);
  }

  discontinuity(cause: DiscontinuityCause): void {
    this.#source?.discontinuity(cause);
    this.#note({ type: 'discontinuity', cause });
    // The encoders' count of frames is no longer the source's.
    if (this.#source) void this.#dropUse();
    this.#fed = false;
  }

  gap(from: number, to: number, cause: GapCause): void {
    this.#source?.gap(from, to, cause);
    this.#note({ type: 'gap', from, to, cause });
  }

  async end(cause: EndCause): Promise<void> {
    this.#cancelIdle?.();
    const use = this.#use;
    this.#use = undefined;
    await use?.finish();
    this.#stopped = true;
    this.#source?.end(cause);
    this.#made.end(cause);
    this.#around.onEnd();
  }

  /** Somebody wants it, or nobody does any more. */
  look(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    if (this.#around.out.wanted || !this.#use) return;
    this.#cancelIdle = this.#around.clock.after(UNWANTED_MS, () => {
      // The link tells of the break itself when somebody wants it again; so much is lost of what is inside.
      this.#events.push({ type: 'discontinuity', cause: 'source-signalled' });
      void this.#dropUse();
    });
  }

  get priority(): number {
    return this.#around.priority;
  }

  get fullness(): number {
    return this.#use?.fullness ?? 0;
  }

  get out(): number {
    return this.#out;
  }

  /** Goes on without its most expensive rung. Where the source is none, the smallest stays: someone watches it. */
  shed(): boolean {
    if (!this.#use || this.#rungsToMake().length <= (this.#source ? 0 : 1)) return false;
    const [rung] = this.#rungsToMake();
    this.#out += 1;
    this.#made.end('stopped', rung);
    this.#around.report('transcode.video/RUNGS_SHED', `${this.#around.label}: ${rung!.name} is left out`);
    this.#again();
    return true;
  }

  restore(): boolean {
    if (this.#out === 0) return false;
    this.#out -= 1;
    this.#again();
    return true;
  }

  /** What is planned and what runs, for the API: as JSON, without what is undefined. */
  describe(): Readonly<Record<string, unknown>> {
    const { width, height, codec, frameRate } = this.#caps;
    const top = this.#source && this.#rungs[0];
    return {
      track: this.#track.id,
      source: { codec, width, height, fps: frameRate && Number((frameRate.num / frameRate.den).toFixed(3)) },
      running: this.#use !== undefined,
      ...(this.#use && { pid: this.#use.pid, usage: this.#use.usage }),
      rungs: this.#rungs.map((rung) => ({
        ...rung,
        ...(rung === top
          ? { made: 'passed through', bitrate: undefined }
          : {
              made: this.#rungsToMake().includes(rung) ? 'encoded' : 'left out',
              bitrate: this.#bitrateOf(rung),
              ...(this.#use && this.#rungsToMake().includes(rung) && { encoder: this.#encoders?.of(rung.codec).name }),
            }),
      })),
    };
  }

  /** Names of the rungs that are encoded, or will be. */
  get encodedRungs(): readonly string[] {
    return this.#rungsToMake().map(({ name }) => name);
  }

  /** Changes a rung's bit rate, now and for every host to come; rungs that are not here are left alone. */
  async setBitrate(name: string, bitrate: number): Promise<void> {
    const rung = this.#rungsToMake().find((each) => each.name === name);
    if (!rung) return;
    this.#bitrates.set(name, bitrate);
    if (!this.#use) return;
    const rate = this.#encoders?.of(rung.codec).rate;
    // An encoder that cannot change while it runs is started anew.
    if (!rate) return this.#again();
    await this.#use.set(encoderOf(rung), rate.property, Math.max(1, Math.round(bitrate / rate.unit)));
  }

  /** The end, whatever is inside. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelIdle?.();
    await this.#starting;
    await this.#dropUse();
  }

  /** The source is no rung any more: the host makes that one too. */
  #encodeTop(source: SourceRung): void {
    this.#source = undefined;
    const top = this.#rungs[0]!;
    this.#around.report(
      'transcode.video/SOURCE_IRREGULAR',
      `${this.#around.label}: ${top.name} is encoded from now on`,
    );
    source.end('replaced');
    void this.#dropUse();
  }

  #feed(unit: AccessUnit): void | Promise<void> {
    if (this.#rungsToMake().length === 0 || this.#stopped || !this.#around.out.wanted) return;
    // As long as the source may be a rung, its GOP has to be known before the encoders can keep step.
    if (this.#source && this.#source.gop === undefined) return;
    if (!this.#fed && !unit.key) return this.#around.meters.lost('waiting-for-key-frame');
    if (this.#use) {
      this.#fed = true;
      return this.#use.feed(unit);
    }
    if (this.#restarts.waiting) return this.#around.meters.lost('restarting');
    // Held at its link meanwhile, whose policy says what becomes of those behind it.
    this.#starting ??= this.#start();
    return this.#starting.then(() => {
      this.#fed = this.#use !== undefined;
      return this.#use?.feed(unit);
    });
  }

  #bitrateOf({ name, bitrate }: PlannedRung): number {
    return this.#bitrates.get(name) ?? bitrate;
  }

  /** Encoded now: the most expensive ones may be out. */
  #rungsToMake(): readonly PlannedRung[] {
    return this.#rungs.slice((this.#source ? 1 : 0) + this.#out);
  }

  /** A new host, with other rungs, from the next key frame on. */
  #again(): void {
    this.#events.push({ type: 'discontinuity', cause: 'restarted' });
    void this.#dropUse();
  }

  #note(event: PassedOn): void {
    if (this.#use) this.#use.note(event);
    else if (this.#events.length < 16) this.#events.push(event);
  }

  async #start(): Promise<void> {
    const { hosts, label, report, clock, config, encoders } = this.#around;
    this.#restarts.started();
    this.#around.meters.started();
    const keyInterval = this.#source?.gop ?? keyIntervalOf(this.#rungs, config.gop, fpsOf(this.#caps));
    let chosen: EncoderSet | undefined;
    try {
      const rungs = this.#rungsToMake().map((rung) => ({ ...rung, bitrate: this.#bitrateOf(rung) }));
      chosen = await encoders.chooseAll(rungs.map(({ codec }) => codec));
      const settings = { encoders: chosen, mode: config.mode, keyInterval, preset: config.preset };
      const launch = ladderLaunch(label, this.#caps, rungs, settings);
      const use = await startUse(hosts, launch, this.#caps, this.#made, clock, config.mode);
      if (this.#stopped) return void (await use.drop());
      this.#use = use;
      this.#encoders = chosen;
      for (const event of this.#events.splice(0)) use.note(event);
      void use.ended.then((end) => this.#ended(use, end));
      this.look();
    } catch (error) {
      this.#restarts.failed(false);
      if (chosen) this.#fallBack(chosen);
      report('transcode.video/NOT_STARTED', `${label}: ${failureInWords(error)}`);
    } finally {
      this.#starting = undefined;
    }
  }

  /** A device that was lost: what runs in software takes over. */
  #fallBack(chosen: EncoderSet): void {
    const { encoders, label, report } = this.#around;
    const lost = chosen.all.filter((encoder) => encoders.failed(encoder));
    if (lost.length > 0)
      report('transcode.video/ENCODER_LOST', `${label}: ${lost.map(({ element }) => element).join(', ')} failed`);
  }

  /** The next one begins with a key frame. */
  async #dropUse(): Promise<void> {
    const use = this.#use;
    this.#use = undefined;
    this.#fed = false;
    await use?.drop();
  }

  #ended(use: Use, end: HostEnd): void {
    if (this.#use !== use) return;
    this.#use = undefined;
    this.#fed = false;
    this.#cancelIdle?.();
    this.#restarts.failed(use.fruitful);
    if (use.fruitful) this.#events.push({ type: 'discontinuity', cause: 'restarted' });
    const { label, log, report } = this.#around;
    if (this.#encoders) this.#fallBack(this.#encoders);
    const said = endInWords(end);
    log.warn({ launch: label, ...end }, 'a video ladder ended; it is started anew');
    if (this.#restarts.fruitless >= FRUITLESS)
      report('transcode.video/INPUT_UNDECODABLE', `${label}: nothing comes out, each time: ${said}`);
    else report('transcode.video/RESTARTED', `${label}: ${said}`);
  }
}

/**
 * Bit rates of what a ladder encodes, while it does: by what the content takes where Eddy chose the rungs, by what their readers keep up with, by what
 * was asked for; and the encoders are told.
 */
import type { AccessUnit, Logger, VideoCaps } from 'eddy/plugin';
import { ComplexityMeter } from './complexity.ts';
import { Downstream, type DownstreamSurroundings } from './downstream.ts';
import { encoderOf, outputOf } from './launch.ts';
import type { LadderPlan } from './plan.ts';
import type { PlannedRung } from './rungs.ts';
import type { OwnCode, Runs } from './runs.ts';

/** What they need of their ladder. */
export interface BitRateSurroundings extends Pick<DownstreamSurroundings, 'pressureOf'> {
  readonly caps: VideoCaps;
  readonly plan: LadderPlan;
  readonly runs: Runs;
  readonly log: Logger;
  readonly label: string;
  readonly report: (code: OwnCode, message: string) => void;
}

/** See the file's head. */
export class BitRates {
  readonly #around: BitRateSurroundings;
  readonly #complexity: ComplexityMeter;
  readonly #downstream: Downstream;

  constructor(around: BitRateSurroundings) {
    this.#around = around;
    this.#complexity = new ComplexityMeter(around.caps);
    this.#downstream = new Downstream({
      ...around,
      changed: (rung, before, now) => this.#eased(rung, before, now),
    });
  }

  /** Counts every frame of the source: once it is known what they take, that moves the bit rates of rungs that Eddy chose. */
  count(unit: AccessUnit): void {
    if (!this.#complexity.count(unit)) return;
    const { plan } = this.#around;
    plan.complexity = this.#complexity.found;
    if (plan.isAuto) for (const rung of plan.toMake) this.#applySoon(rung);
  }

  /** The source's timeline breaks. */
  interrupted(): void {
    this.#complexity.interrupted();
  }

  /** Every second while rungs are made: those whose readers fall behind get fewer bits, and those that keep up again get them back. */
  look(): void {
    this.#downstream.look();
  }

  /** Changes a rung's bit rate, now and for every host to come. */
  async ask(rung: PlannedRung, bitrate: number): Promise<void> {
    this.#around.plan.ask(rung, bitrate);
    await this.#apply(rung);
  }

  /** Its readers fall behind, or keep up again. */
  #eased(rung: PlannedRung, before: number, now: number): void {
    const { plan, label, report, log } = this.#around;
    const planned = plan.plannedBitrate(rung);
    const message = `${label}: ${rung.name} from ${kbps(before)} to ${kbps(now)}, of ${kbps(planned)} that are planned`;
    log.info({ rung: rung.name, bitrate: now }, message);
    if (before === planned) report('transcode.video/BITRATE_LOWERED', message);
    this.#applySoon(rung);
  }

  /** A host that ends meanwhile is followed by one that has the bit rate from its start. */
  #applySoon(rung: PlannedRung): void {
    this.#apply(rung).catch((error: unknown) =>
      this.#around.log.warn({ err: error, rung: rung.name }, 'a bit rate could not be changed'),
    );
  }

  /** Tells the encoder of a rung its bit rate. */
  async #apply(rung: PlannedRung): Promise<void> {
    const { plan, runs } = this.#around;
    if (!runs.use || !runs.encoders) return;
    const { rate } = runs.encoders.of(rung.codec);
    // An encoder that cannot change while it runs is changed for another.
    if (!rate) return runs.prepare();
    const value = Math.max(1, Math.round(plan.bitrateOf(rung) / rate.unit));
    await runs.set(outputOf(rung), encoderOf(rung), rate.property, value);
  }
}

const kbps = (bitrate: number): string => `${Math.round(bitrate / 1000)} kbit/s`;

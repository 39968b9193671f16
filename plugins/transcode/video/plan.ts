/**
 * Which rungs a ladder makes, and at which bit rates: what was wished for, less what the machine has no room for and what nobody wants now; where
 * Eddy chose the rungs, at what the content takes.
 */
import type { TrackId, VideoCaps } from 'eddy/plugin';
import type { Complexity } from './complexity.ts';
import { heirsOf, type KeptRung } from './heirs.ts';
import type { Rung } from './rung-field.ts';
import { planRungs, shareOfBits, type PlannedRung, type RungDefaults } from './rungs.ts';

/** No rung gets less, bits a second. */
const LEAST_BITRATE = 50_000;

/** What becomes of a rung. */
export type Made = 'passed through' | 'encoded' | 'left out' | 'not wanted';

/** See the file's head. */
export class LadderPlan {
  /** The largest first. */
  readonly rungs: readonly PlannedRung[];
  /** True where Eddy chooses: then it also minds what the machine has room for, and what the content takes. */
  readonly isAuto: boolean;
  /** Tracks of these have no reader that wants them. */
  readonly unwanted = new Set<PlannedRung>();
  /** The source is the first rung, passed through. */
  passed = false;
  /** What the content takes, once that is known. */
  complexity: Complexity | undefined;
  readonly #source: VideoCaps;
  readonly #tracks: Map<PlannedRung, TrackId>;
  /** Bit rates that were asked for by the API, and shares of them that readers keep up with. */
  readonly #asked = new Map<PlannedRung, number>();
  readonly #eased = new Map<PlannedRung, number>();
  #out = 0;

  /** `kept`: of the source whose place this one takes, the largest first. */
  constructor(
    wished: readonly Rung[] | 'auto',
    source: VideoCaps,
    { codec, gop }: RungDefaults,
    kept: readonly KeptRung[] = [],
  ) {
    this.isAuto = wished === 'auto';
    this.#source = source;
    const planned = planRungs(wished, source, { codec, gop });
    const { rungs, tracks } = heirsOf(planned, kept, source, { codec, gop, isAuto: this.isAuto });
    this.rungs = rungs;
    this.#tracks = new Map(tracks);
  }

  /** Under which its pictures go out; `usual` where nothing of the kind has begun yet. */
  trackOf(rung: PlannedRung, usual: TrackId): TrackId {
    const track = this.#tracks.get(rung) ?? usual;
    this.#tracks.set(rung, track);
    return track;
  }

  /** Rungs whose pictures have gone out, now or before this source. */
  get kept(): readonly KeptRung[] {
    return this.rungs.flatMap((rung) => {
      const track = this.#tracks.get(rung);
      return track === undefined ? [] : [{ rung, track }];
    });
  }

  /** Rungs that are encoded now, or will be; the most expensive ones may be out. */
  get toMake(): readonly PlannedRung[] {
    return this.#without(this.#out);
  }

  /** How many rungs are out since the machine is full. */
  get out(): number {
    return this.#out;
  }

  /** Leaves out the most expensive rung that is made; undefined where it has none that can go: someone watches the smallest. */
  leaveOut(): PlannedRung | undefined {
    const { toMake } = this;
    if (toMake.length <= (this.passed ? 0 : 1)) return undefined;
    this.#out = this.rungs.indexOf(toMake[0]!) + 1 - Number(this.passed);
    return toMake[0];
  }

  /** Leaves out rungs until the rest costs no more than there is room for; answers with those that had to go. */
  fitInto(room: number, costOf: (rungs: readonly PlannedRung[]) => number): readonly PlannedRung[] {
    const gone: PlannedRung[] = [];
    while (costOf(this.toMake) > room) {
      const rung = this.leaveOut();
      if (!rung) break;
      gone.push(rung);
    }
    return gone;
  }

  /** What would be made with one rung more, the one that went last; undefined where none is out. */
  get withOneMore(): readonly PlannedRung[] | undefined {
    return this.#out === 0 ? undefined : this.#without(this.#out - 1);
  }

  /** Takes back the rung that went last. */
  takeBack(): void {
    this.#out = Math.max(0, this.#out - 1);
  }

  madeOf(rung: PlannedRung): Made {
    if (this.passed && rung === this.rungs[0]) return 'passed through';
    if (this.unwanted.has(rung)) return 'not wanted';
    return this.toMake.includes(rung) ? 'encoded' : 'left out';
  }

  /** Bits a second that the rung is to have when all is well. */
  plannedBitrate(rung: PlannedRung): number {
    return this.#asked.get(rung) ?? (this.isAuto ? this.#byContent(rung) : rung.bitrate);
  }

  /** ... and that it has now. */
  bitrateOf(rung: PlannedRung): number {
    return Math.max(LEAST_BITRATE, Math.round(this.plannedBitrate(rung) * (this.#eased.get(rung) ?? 1)));
  }

  ask(rung: PlannedRung, bitrate: number): void {
    this.#asked.set(rung, bitrate);
  }

  /** Its readers keep up with this share of what is planned. */
  ease(rung: PlannedRung, share: number): void {
    this.#eased.set(rung, share);
  }

  /** What is made where so many are out. */
  #without(out: number): readonly PlannedRung[] {
    return this.rungs.slice(Number(this.passed) + out).filter((rung) => !this.unwanted.has(rung));
  }

  /** What the content takes at this size, and never more than the source itself has. */
  #byContent(rung: PlannedRung): number {
    if (!this.complexity) return rung.bitrate;
    const { share, bitrate } = this.complexity;
    const most = bitrate * shareOfBits(rung, this.#source);
    return Math.max(LEAST_BITRATE, Math.round(Math.min(rung.bitrate * share, most) / 10_000) * 10_000);
  }
}

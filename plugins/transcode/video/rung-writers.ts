/** The tracks that come out of a ladder's hosts: one for each rung, whatever becomes of the host that makes it. */
import type { AccessUnit, EndCause, FlowOutput, InputTrack, TrackId, TrackWriter, VideoCaps } from 'eddy/plugin';
import { sameCaps } from '../shared/same-caps.ts';
import type { PassedOn } from '../shared/words.ts';
import { outputOf } from './launch.ts';
import type { PlannedRung } from './rungs.ts';
import type { UseSink } from './use.ts';

/** What they need of their ladder. */
export interface RungSurroundings {
  readonly track: InputTrack<'frames'>;
  readonly out: FlowOutput<'frames'>;
  readonly rungs: readonly PlannedRung[];
  /** Under which it goes out. */
  readonly trackOf: (rung: PlannedRung) => TrackId;
  /** Bits a second that it is made with. */
  readonly bitrateOf: (rung: PlannedRung) => number;
  /** False for a rung that has been left out: what a host still gives of it is of no use. */
  readonly isMade: (rung: PlannedRung) => boolean;
  /** Somebody wants it, or nobody does any more. */
  readonly wanted: (rung: PlannedRung, wanted: boolean) => void;
  /** A picture came out; `arrivedAt` is when the frame that it was made of came, epoch ms. */
  made(arrivedAt: number): void;
}

interface Rung {
  readonly writer: TrackWriter<'frames'>;
  /** As the host told them. */
  readonly caps: VideoCaps;
  /** Of the last picture: nothing goes back behind it within a timeline. */
  lastDts: number | undefined;
}

/** See the file's head. */
export class RungWriters implements UseSink {
  readonly #around: RungSurroundings;
  /** By the output of the launch. */
  readonly #rungs = new Map<string, Rung>();

  constructor(around: RungSurroundings) {
    this.#around = around;
  }

  picture(output: string, caps: VideoCaps, unit: AccessUnit): void | Promise<void> {
    const rung = this.#of(output, caps);
    if (!rung) return;
    // What comes twice around a restart.
    if (rung.lastDts !== undefined && unit.dts <= rung.lastDts) return;
    rung.lastDts = unit.dts;
    this.#around.made(unit.arrivedAt);
    if (!rung.writer.write(unit)) return rung.writer.ready();
  }

  passOn(output: string, event: PassedOn): void {
    const rung = this.#rungs.get(output);
    if (!rung) return;
    if (event.type === 'gap') return rung.writer.gap(event.from, event.to, event.cause);
    rung.lastDts = undefined;
    rung.writer.discontinuity(event.cause);
  }

  /** How full the fullest link of a rung is, 0 to 1 and more; 0 where it has none yet. */
  pressureOf(rung: PlannedRung): number {
    return this.#rungs.get(outputOf(rung))?.writer.pressure ?? 0;
  }

  /** Ends a rung, or all. */
  end(cause: EndCause, only?: PlannedRung): void {
    for (const [output, { writer }] of this.#rungs) {
      if (only && output !== outputOf(only)) continue;
      writer.end(cause);
      this.#rungs.delete(output);
    }
  }

  #of(output: string, caps: VideoCaps): Rung | undefined {
    const known = this.#rungs.get(output);
    if (known && sameCaps(known.caps, caps)) return known;
    const { track, out, rungs, trackOf, bitrateOf, isMade, wanted } = this.#around;
    const planned = rungs.find((each) => outputOf(each) === output)!;
    if (!isMade(planned)) return undefined;
    known?.writer.end('replaced');
    const options = known ? { from: track, replaces: known.writer } : { from: track };
    const writer = out.addTrack(trackOf(planned), { ...caps, bitrate: bitrateOf(planned) }, options);
    writer.onWanted((now) => wanted(planned, now));
    wanted(planned, writer.wanted);
    const rung: Rung = { writer, caps, lastDts: undefined };
    this.#rungs.set(output, rung);
    return rung;
  }
}

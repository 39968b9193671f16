/** The tracks that come out of a ladder's hosts: one for each rung, whatever becomes of the host that makes it. */
import {
  rescale,
  type AccessUnit,
  type EndCause,
  type FlowOutput,
  type InputTrack,
  type TrackWriter,
  type VideoCaps,
} from 'eddy/plugin';
import { outputOf } from './launch.ts';
import type { PlannedRung } from './rungs.ts';
import { LINE_RATE, type PassedOn } from './timeline.ts';
import type { UseSink } from './use.ts';

/** What they need of their ladder. */
export interface RungSurroundings {
  readonly track: InputTrack<'frames'>;
  readonly out: FlowOutput<'frames'>;
  readonly rungs: readonly PlannedRung[];
  /** A name of this rung that no other live track of the pad has. */
  name(rung: string): string;
  /** A picture came out; `arrivedAt` is when the frame that it was made of came, epoch ms. */
  made(arrivedAt: number): void;
}

interface Rung {
  readonly writer: TrackWriter<'frames'>;
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
    const scaled = (ticks: number): number => rescale(ticks, LINE_RATE, rung.caps.timescale);
    const dts = scaled(unit.dts);
    // What comes twice around a restart.
    if (rung.lastDts !== undefined && dts <= rung.lastDts) return;
    rung.lastDts = dts;
    this.#around.made(unit.arrivedAt);
    if (!rung.writer.write({ ...unit, dts, pts: scaled(unit.pts) })) return rung.writer.ready();
  }

  passOn(output: string, event: PassedOn): void {
    const rung = this.#rungs.get(output);
    if (!rung) return;
    if (event.type === 'gap') return rung.writer.gap(event.from, event.to, event.cause);
    rung.lastDts = undefined;
    rung.writer.discontinuity(event.cause);
  }

  /** Ends a rung, or all. */
  end(cause: EndCause, only?: PlannedRung): void {
    for (const [output, { writer }] of this.#rungs) {
      if (only && output !== outputOf(only)) continue;
      writer.end(cause);
      this.#rungs.delete(output);
    }
  }

  #of(output: string, caps: VideoCaps): Rung {
    const known = this.#rungs.get(output);
    if (known && sameCaps(known.caps, caps)) return known;
    const { track, out, rungs } = this.#around;
    const planned = rungs.find((each) => outputOf(each) === output)!;
    known?.writer.end('replaced');
    const options = known ? { from: track, replaces: known.writer } : { from: track };
    const full: VideoCaps = { ...caps, bitrate: planned.bitrate };
    const writer = out.addTrack(known?.writer.id ?? this.#around.name(planned.name), full, options);
    const rung: Rung = { writer, caps: full, lastDts: undefined };
    this.#rungs.set(output, rung);
    return rung;
  }
}

function sameCaps(a: VideoCaps, b: VideoCaps): boolean {
  return a.codecString === b.codecString && a.timescale === b.timescale && Buffer.compare(a.config, b.config) === 0;
}

/** A ladder as the API tells it: what is planned, what runs, and what both cost. */
import type { HostUsage, TrackId, VideoCaps } from 'eddy/plugin';
import type { EncoderSet } from './encoders.ts';
import type { LadderLoad } from './load.ts';
import type { LadderPlan } from './plan.ts';
import type { PlannedRung } from './rungs.ts';

/** What is told of. */
export interface LadderFacts {
  readonly track: TrackId;
  readonly caps: VideoCaps;
  readonly plan: LadderPlan;
  readonly running?: { readonly encoders: EncoderSet; readonly pid: number; readonly usage: HostUsage };
  readonly load: Pick<LadderLoad, 'here' | 'figures'>;
}

const cores = (value: number): number => Number(value.toFixed(2));

/** As JSON, without what is undefined. */
export function describeLadder(facts: LadderFacts): Readonly<Record<string, unknown>> {
  const { track, caps, plan, running, load } = facts;
  const { measured, room, ladders } = load.figures;
  const { width, height, codec, frameRate } = caps;
  // Of a rung that is not made: what the ladder with it would take for it.
  const encoded = plan.rungs.filter((rung) => plan.madeOf(rung) !== 'passed through');
  const all = load.here(encoded);
  const now = load.here(plan.toMake);
  const priceOf = (rung: PlannedRung): number =>
    cores(now.rungs[plan.toMake.indexOf(rung)] ?? all.rungs[encoded.indexOf(rung)] ?? 0);
  return {
    track,
    source: { codec, width, height, fps: frameRate && Number((frameRate.num / frameRate.den).toFixed(3)) },
    complexity: plan.complexity,
    running: running !== undefined,
    pid: running?.pid,
    usage: running?.usage,
    cpu: {
      predicted: cores(now.total),
      measured: measured === undefined ? undefined : cores(measured),
      room: cores(room),
      ladders,
    },
    rungs: plan.rungs.map((rung) => {
      const made = plan.madeOf(rung);
      if (made === 'passed through') return { ...rung, bitrate: undefined, made };
      const [bitrate, planned] = [plan.bitrateOf(rung), plan.plannedBitrate(rung)];
      return {
        ...rung,
        bitrate,
        planned: bitrate < planned ? planned : undefined,
        made,
        encoder: made === 'encoded' ? running?.encoders.find(rung.codec)?.name : undefined,
        cpu: priceOf(rung),
      };
    }),
  };
}

/**
 * A publisher that changes its picture has other rungs from then on, and their viewers play on: each rendition goes on under its name,
 * whatever its size is by now. A player that began with these renditions knows of no others.
 */
import type { TrackId, VideoCaps } from 'eddy/plugin';
import { planRung, usualBitrate, type PlannedRung, type RungDefaults } from './rungs.ts';

/** A rung of the ladder before, and the track that it had. */
export interface KeptRung {
  readonly rung: PlannedRung;
  readonly track: TrackId;
}

/** Rungs for a source that comes after another, the largest first, and the tracks that go on with them. */
export interface Heirs {
  readonly rungs: readonly PlannedRung[];
  readonly tracks: ReadonlyMap<PlannedRung, TrackId>;
}

const linesOf = ({ width, height }: Pick<PlannedRung, 'width' | 'height'>): number => Math.min(width, height);

/**
 * `planned`: what the source would have by itself. Rungs that were written go on by their name, those that Eddy chose by their rank. What
 * was kept beyond is made as it was, and never larger than the source.
 */
export function heirsOf(
  planned: readonly PlannedRung[],
  kept: readonly KeptRung[],
  source: VideoCaps,
  { isAuto, ...defaults }: RungDefaults & { readonly isAuto: boolean },
): Heirs {
  const tracks = new Map<PlannedRung, TrackId>();
  // Nobody asked for those that Eddy would not choose now: they cost as little as can be.
  const most = isAuto ? linesOf(planned.at(-1)!) : linesOf(source);
  const names = new Set(planned.map(({ name }) => name));
  const again = (before: PlannedRung, lines: number): PlannedRung => {
    const own = isAuto ? `${lines}p` : before.name;
    let name = own;
    for (let count = 2; names.has(name); count++) name = `${own}-${count}`;
    const wished = { ...before, name, lines, bitrate: undefined, gop: before.gops * defaults.gop };
    const rung = planRung(wished, source, defaults);
    return { ...rung, bitrate: Math.min(before.bitrate, usualBitrate(rung.width, rung.height, rung.fps)) };
  };
  const rungs = [...planned];
  for (const [rank, { rung: before, track }] of kept.entries()) {
    const same = isAuto ? planned[rank] : planned.find(({ name }) => name === before.name);
    const rung = same ?? again(before, Math.min(linesOf(before), most));
    tracks.set(rung, track);
    if (same) continue;
    names.add(rung.name);
    rungs.push(rung);
  }
  return { rungs: rungs.toSorted((a, b) => linesOf(b) - linesOf(a)), tracks };
}

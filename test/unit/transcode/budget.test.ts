import { describe, expect, it } from 'vitest';
import type { VideoCaps } from 'eddy/plugin';
import { ladderCost, type CostSettings } from '../../../plugins/transcode/video/cost.ts';
import { PRESETS } from '../../../plugins/transcode/video/encoder-list.ts';
import { CpuBudget, type Costly } from '../../../plugins/transcode/video/cpu-budget.ts';
import { LadderPlan } from '../../../plugins/transcode/video/plan.ts';
import type { Complexity } from '../../../plugins/transcode/video/complexity.ts';

const source = (width: number, height: number, fps = 30): VideoCaps => ({
  ...{ kind: 'video', codec: 'h264', timescale: 90_000, width, height, config: new Uint8Array() },
  ...{ codecString: 'avc1.64001f', frameRate: { num: fps, den: 1 } },
});
const by =
  (name: 'x264' | 'x265' | 'va'): CostSettings['encoderOf'] =>
  () => ({ name, device: name === 'va' });
const x264: CostSettings = { encoderOf: by('x264'), preset: 'veryfast', mode: 'low-latency' };
const defaults = { codec: 'h264', gop: 2000 } as const;
const names = (rungs: readonly { name: string }[]): string => rungs.map(({ name }) => name).join(' ');

describe('what a ladder costs', () => {
  const caps = source(1920, 1080);
  const { rungs } = new LadderPlan('auto', caps, defaults);
  const cost = (settings: Partial<CostSettings> = {}) => ladderCost(caps, rungs, { ...x264, ...settings });

  it('is about what was measured for 1080p30 to three rungs, and what is left out costs nothing', () => {
    // docs/benchmarks.md: 75 s of one core for a minute, of 1080p, 720p and 360p.
    expect(cost().total).toBeGreaterThan(0.8);
    expect(cost().total).toBeLessThan(1.6);
    expect(cost().total).toBeCloseTo(cost().rungs.reduce((sum, each) => sum + each, cost().decode));
    expect(ladderCost(caps, [], x264).total).toBe(0);
    const [top, middle, low] = cost().rungs;
    expect([top! > middle!, middle! > low!]).toEqual([true, true]);
  });

  it('grows with frames, presets and looking ahead, and falls with a device', () => {
    const of60 = ladderCost(source(1920, 1080, 60), rungs, x264).total;
    expect(of60 / cost().total).toBeCloseTo(2);
    expect(cost({ preset: 'ultrafast' }).total).toBeLessThan(cost().total / 2);
    expect(cost({ preset: 'medium' }).total).toBeGreaterThan(cost().total * 2);
    expect(cost({ mode: 'quality' }).total).toBeGreaterThan(cost().total * 1.2);
    const steps = PRESETS.map((preset) => cost({ preset }).total);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    const hevc = ladderCost(caps, new LadderPlan('auto', caps, { codec: 'hevc', gop: 2000 }).rungs, x264);
    expect(hevc.total).toBeGreaterThan(cost().total * 3);
    expect(cost({ encoderOf: by('va') }).total).toBeLessThan(cost().total / 2);
  });
});

describe('the budget of all ladders', () => {
  interface Ladder extends Costly {
    modelled: number;
    measured: number | undefined;
  }
  function start(processors: number) {
    const budget = new CpuBudget(processors);
    const add = (modelled: number): Ladder => {
      const ladder: Ladder = { modelled, measured: undefined };
      leave.set(ladder, budget.add(ladder));
      return ladder;
    };
    const leave = new Map<Ladder, () => void>();
    return { budget, add, leave };
  }

  it('leaves some of the processors to others, and counts what was promised', () => {
    const { budget, add, leave } = start(4);
    expect(budget.cores).toBe(3.2);
    const [one, two] = [add(1.5), add(1)];
    expect([budget.roomFor(one), budget.roomFor(two)].map((room) => Number(room.toFixed(2)))).toEqual([2.2, 1.7]);
    one.modelled = 9;
    expect(budget.roomFor(two)).toBe(0);
    leave.get(one)!();
    expect(budget.roomFor(two)).toBe(3.2);
  });

  it('goes by what a host takes once that is known, and learns from it what the machine can do', () => {
    const { budget, add } = start(4);
    const [one, two] = [add(1), add(1)];
    one.measured = 0.5;
    expect(budget.roomFor(two)).toBeCloseTo(2.7);
    budget.look();
    // Not all at once: one look may be wrong.
    expect(budget.here(1)).toBeCloseTo(0.95);
    for (let n = 0; n < 60; n += 1) budget.look();
    expect(budget.here(1)).toBeCloseTo(0.5, 1);
    expect(budget.roomFor(one)).toBeCloseTo(2.7, 1);
    // Nothing runs, or nothing is to be made: nothing to learn from.
    one.measured = undefined;
    two.modelled = 0;
    two.measured = 3;
    for (let n = 0; n < 60; n += 1) budget.look();
    expect(budget.here(1)).toBeCloseTo(0.5, 1);
  });
});

describe('a plan', () => {
  const complexity = (share: number, bitrate: number): Complexity => ({ share, bitrate, quantiser: 28 });
  const costOf = (caps: VideoCaps) => (rungs: LadderPlan['rungs']) => ladderCost(caps, rungs, x264).total;

  it('of Eddy’s own leaves out what does not fit, the most expensive first, and never all', () => {
    const caps = source(3840, 2160);
    const plan = new LadderPlan('auto', caps, defaults);
    expect(names(plan.rungs)).toBe('2160p 1440p 1080p');
    expect(names(plan.fitInto(2.5, costOf(caps)))).toBe('2160p');
    expect(names(plan.toMake)).toBe('1440p 1080p');
    expect(plan.rungs.map((rung) => plan.madeOf(rung))).toEqual(['left out', 'encoded', 'encoded']);
    expect(names(plan.fitInto(0.1, costOf(caps)))).toBe('1440p');
    expect(names(plan.toMake)).toBe('1080p');
    expect(names(plan.withOneMore!)).toBe('1440p 1080p');
    // The source is there by itself: then all others may go.
    plan.passed = true;
    plan.fitInto(0, costOf(caps));
    expect(plan.toMake).toEqual([]);
  });

  it('gives bits by what the content takes, and never more than the source has', () => {
    const caps = source(1280, 720);
    const plan = new LadderPlan('auto', caps, defaults);
    const [top, low] = plan.rungs as [(typeof plan.rungs)[0], (typeof plan.rungs)[0]];
    expect(plan.bitrateOf(top)).toBe(2_500_000);
    plan.complexity = complexity(0.5, 6_000_000);
    expect(plan.bitrateOf(top)).toBe(1_250_000);
    plan.complexity = complexity(1.6, 6_000_000);
    expect(plan.bitrateOf(top)).toBe(4_000_000);
    plan.complexity = complexity(1.6, 1_000_000);
    expect(plan.bitrateOf(top)).toBe(1_000_000);
    expect(plan.bitrateOf(low)).toBeLessThan(600_000);
    // What was asked for goes before, and what readers keep up with below it.
    plan.ask(top, 3_000_000);
    plan.ease(top, 0.7);
    expect([plan.plannedBitrate(top), plan.bitrateOf(top)]).toEqual([3_000_000, 2_100_000]);
  });

  it('of a list is made as it was written', () => {
    const plan = new LadderPlan(
      [{ name: '720p', lines: 720, fps: undefined, bitrate: 2_000_000 }],
      source(1280, 720),
      defaults,
    );
    plan.complexity = complexity(0.4, 500_000);
    expect(plan.bitrateOf(plan.rungs[0]!)).toBe(2_000_000);
  });

  it('does not make what nobody wants, and sheds what is made', () => {
    const plan = new LadderPlan('auto', source(1920, 1080), defaults);
    plan.unwanted.add(plan.rungs[0]!);
    expect(names(plan.toMake)).toBe('720p 480p');
    expect(plan.madeOf(plan.rungs[0]!)).toBe('not wanted');
    expect(plan.leaveOut()?.name).toBe('720p');
    expect([names(plan.toMake), plan.out]).toEqual(['480p', 2]);
    expect(plan.leaveOut()).toBeUndefined();
    plan.unwanted.clear();
    plan.takeBack();
    expect(names(plan.toMake)).toBe('720p 480p');
  });
});

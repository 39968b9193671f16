import { expect, it } from 'vitest';
import { idleShare } from '../../../plugins/transcode/video/idle.ts';
import { Shedding, type Sheddable } from '../../../plugins/transcode/video/shedding.ts';

class Ladder implements Sheddable {
  fullness = 0.1;
  out = 0;
  readonly name: string;
  readonly priority: number;
  readonly #rungs: number;
  readonly #told: string[];

  constructor(name: string, priority: number, rungs: number, told: string[]) {
    this.name = name;
    this.priority = priority;
    this.#rungs = rungs;
    this.#told = told;
  }

  shed(): boolean {
    if (this.out === this.#rungs - 1) return false;
    this.out += 1;
    this.#told.push(`-${this.name}`);
    return true;
  }

  restore(): boolean {
    this.out -= 1;
    this.#told.push(`+${this.name}`);
    return true;
  }
}

function start() {
  const told: string[] = [];
  const shedding = new Shedding();
  const ladders = {
    old: new Ladder('old', 0, 3, told),
    stage: new Ladder('stage', 5, 2, told),
    young: new Ladder('young', 0, 2, told),
  };
  for (const ladder of Object.values(ladders)) shedding.add(ladder);
  /** So many looks, and what was done at which of them. */
  const look = (count: number, idle: number): string[] => {
    const done: string[] = [];
    for (let n = 1; n <= count; n += 1) {
      shedding.look(idle);
      done.push(...told.splice(0).map((what) => `${n}${what}`));
    }
    return done;
  };
  return { shedding, ladders, look };
}

it('takes from the lowest priority, of equals from the newest, one at a time, until nobody is late', () => {
  const { ladders, look } = start();
  expect(look(10, 0)).toEqual([]);
  ladders.stage.fullness = 0.9;
  // The second late look; then what that gave back has time to show.
  expect(look(20, 0)).toEqual(['2-young', '6-old', '10-old', '14-stage']);
  ladders.stage.fullness = 0.2;
  expect(look(30, 0.1)).toEqual([]);
});

it('one late look is no reason', () => {
  const { ladders, look } = start();
  for (let n = 0; n < 10; n += 1) {
    ladders.old.fullness = n % 2 === 0 ? 0.9 : 0.1;
    expect(look(1, 0)).toEqual([]);
  }
});

it('gives back when there is room, the highest priority first, and waits longer for what had to go again', () => {
  const { ladders, look } = start();
  ladders.old.fullness = 1;
  look(14, 0);
  ladders.old.fullness = 0.1;
  expect(ladders).toMatchObject({ old: { out: 2 }, stage: { out: 1 }, young: { out: 1 } });
  // Busy with something else.
  expect(look(40, 0.2)).toEqual([]);
  expect(look(24, 0.6)).toEqual(['10+stage', '20+old']);
  ladders.young.fullness = 1;
  expect(look(4, 0)).toEqual(['2-old']);
  ladders.young.fullness = 0.1;
  // Twenty looks the first time, now forty.
  expect(look(37, 0.6)).toEqual([]);
  expect(look(5, 0.6)).toHaveLength(1);
});

it('a ladder that has gone is asked for nothing', () => {
  const told: string[] = [];
  const shedding = new Shedding();
  const ladder = new Ladder('a', 0, 3, told);
  const leave = shedding.add(ladder);
  ladder.fullness = 1;
  leave();
  for (let n = 0; n < 5; n += 1) shedding.look(0);
  expect(told).toEqual([]);
});

it('the idle share is that of all processors since the last look', () => {
  const times = [
    [100, 100],
    [150, 150],
    [150, 250],
  ] as const;
  let at = 0;
  const share = idleShare(() => {
    const [idle, user] = times[at++]!;
    return [{ model: '', speed: 0, times: { idle, user, nice: 0, sys: 0, irq: 0 } }];
  });
  expect([share(), share(), share()]).toEqual([0, 0.5, 0]);
});

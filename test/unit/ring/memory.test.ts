import { beforeEach, describe, expect, it } from 'vitest';
import { RingMemory } from '../../../plugins/timeshift/ring/memory.ts';
import { TrackMemory } from '../../../plugins/timeshift/ring/track-memory.ts';
import { chunk, FIRST, segments, START, videoCaps } from '../../support/chunks.ts';

const A = 'a' as never;
const B = 'b' as never;
const ALL = { start: 0, end: Number.MAX_SAFE_INTEGER };

describe('the memory of all cameras', () => {
  let now = START;
  let memory: RingMemory;
  /** Segments of several cameras, in the order of time. */
  const fill = (cameras: readonly { id: never; to: number; bytes?: number }[]): void => {
    for (const { id } of cameras) memory.begin(id, 'video', videoCaps());
    for (let number = 0; number <= Math.max(...cameras.map(({ to }) => to)); number += 1) {
      for (const { id, to, bytes = 100 } of cameras) {
        if (number > to) continue;
        for (const one of segments(number, number, { data: new Uint8Array(bytes) })) memory.append(id, 'video', one);
      }
    }
  };
  const kept = (camera: never): number[] => memory.segments(camera, ALL).map(({ number }) => number - FIRST);

  beforeEach(() => {
    now = START;
    memory = new RingMemory({ window: 10_000, memory: 4000 }, () => now);
  });

  it('forgets what ended before the window, of cameras that are away too', async () => {
    fill([
      { id: A, to: 4 },
      { id: B, to: 1 },
    ]);
    memory.end(B, 'video');
    now = START + 12_100;
    expect(memory.evict()).toBe(0);
    expect(kept(A)).toEqual([1, 2, 3, 4]);
    expect(kept(B)).toEqual([1]);
    now = START + 60_000;
    memory.evict();
    // A is still being written, B is not.
    expect(memory.cameras()).toEqual(['a']);
    expect(memory.bytes).toBe(0);
  });

  it('goes on for a camera whose past has all gone', async () => {
    fill([{ id: A, to: 1 }]);
    now = START + 60_000;
    memory.evict();
    for (const one of segments(30, 30)) memory.append(A, 'video', one);
    expect(kept(A)).toEqual([30]);
  });

  it('holds all cameras to one budget, the oldest media going first, and tells how much of the window is missing', async () => {
    fill([
      { id: A, to: 4 },
      { id: B, to: 4, bytes: 300 },
    ]);
    now = START + 10_000;
    expect(memory.bytes).toBe(5 * 400 + 5 * 1200);
    expect(memory.evict()).toBe(6000);
    expect(kept(A)).toEqual([3, 4]);
    expect(kept(B)).toEqual([3, 4]);
    expect(memory.bytes).toBeLessThanOrEqual(4000);
  });

  it('stays within its budget over thousands of segments', async () => {
    memory.begin(A, 'video', videoCaps());
    for (let number = 0; number < 5000; number += 1) {
      for (const one of segments(number, number)) memory.append(A, 'video', one);
      now = START + number * 2000;
      memory.evict();
    }
    expect(kept(A).length).toBeLessThanOrEqual(7);
    expect(memory.bytes).toBeLessThanOrEqual(2800);
  });
});

describe('one track', () => {
  const track = () => new TrackMemory(A, 'video', videoCaps());

  it('keeps the buffers that came, without copying them', () => {
    const memory = track();
    const chunks = segments(0, 0);
    chunks.forEach((one) => memory.append(one));
    expect(memory.segments[0]!.parts.map((part, index) => part === chunks[index]!.data)).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  it('does not begin in the middle of a segment', () => {
    const memory = track();
    memory.append(chunk(0, 2));
    memory.append(chunk(0, 3));
    expect(memory.segments).toHaveLength(0);
  });

  it('finishes a segment whose last part was lost when the next begins', () => {
    const memory = track();
    memory.append(chunk(0, 0));
    memory.append(chunk(0, 1));
    const finished = memory.append(chunk(1, 0));
    expect(finished.map(({ segment }) => [segment.number - FIRST, segment.duration])).toEqual([[0, 1000]]);
  });

  it('counts time that a lost part leaves in its segment', () => {
    const memory = track();
    for (const part of [0, 1, 3]) memory.append(chunk(0, part));
    expect(memory.segments[0]!.segment).toMatchObject({ duration: 2000, bytes: 300 });
  });

  it('makes no new generation of the same init segment', () => {
    const memory = track();
    segments(0, 0).forEach((one) => memory.append(one));
    memory.begin(videoCaps({ init: Uint8Array.from(videoCaps().init) }));
    segments(1, 1).forEach((one) => memory.append(one));
    expect(new Set(memory.segments.map(({ generation }) => generation.name)).size).toBe(1);
  });
});

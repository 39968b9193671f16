import { describe, expect, it } from 'vitest';
import { LinkMeter } from '../../../core/engine/link-meter.ts';
import { LinkTrack, type LinkTrackOptions } from '../../../core/engine/link-track.ts';

interface Held {
  readonly seen: string[];
  readonly finish: (() => void)[];
}

/** A link whose reader notes what it sees, and keeps each item while it is slow. */
function link(options: Partial<LinkTrackOptions> = {}) {
  const meter = new LinkMeter();
  const errors: unknown[] = [];
  const reader: Held = { seen: [], finish: [] };
  const state = { slow: false, fail: undefined as Error | undefined, room: 0, keyRequests: 0, wanted: 0, now: 0 };
  const track = new LinkTrack({ queueMs: 1000, full: 'block', resync: false, ...options }, meter, {
    monotonic: () => state.now,
    onReaderError: (error) => errors.push(error),
    onRoom: () => (state.room += 1),
    requestKeyFrame: () => (state.keyRequests += 1),
    onWanted: () => (state.wanted += 1),
  });
  const read = (): void =>
    track.setReader({
      item: (item) => {
        if (state.fail) throw state.fail;
        reader.seen.push(String(item));
        return state.slow ? new Promise<void>((resolve) => reader.finish.push(resolve)) : undefined;
      },
      discontinuity: (cause) => void reader.seen.push(cause),
      gap: (from, to, cause) => void reader.seen.push(`gap ${from}-${to} ${cause}`),
      end: (cause) => void reader.seen.push(`end ${cause}`),
    });
  /** Pushes frame `n`, of 100 ms each, a key frame every `gop`. */
  const push = (n: number, gop = 5, settle?: () => void): boolean =>
    track.push(n, { bytes: 10, at: n * 100, resync: n % gop === 0 }, settle);
  const finish = async (count = 1): Promise<void> => {
    for (let i = 0; i < count; i++) {
      reader.finish.shift()?.();
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  return { track, meter, errors, state, seen: reader.seen, read, push, finish };
}

describe('a link', () => {
  it('calls an idle reader at once', () => {
    const { push, read, seen, meter } = link();
    read();
    expect(push(0)).toBe(true);
    expect(seen).toEqual(['0']);
    expect(meter).toMatchObject({ items: 1, bytes: 10, queueItems: 0 });
  });

  it('keeps the order of items, discontinuities, gaps and the end, however slow the reader', async () => {
    const { track, push, read, seen, state, finish } = link();
    state.slow = true;
    read();
    push(0);
    push(1);
    track.discontinuity('source-signalled');
    track.gap(5, 9, 'dropped');
    push(2);
    track.end('publisher-ended');
    expect(push(3)).toBe(true);
    await finish(3);
    expect(seen).toEqual(['0', '1', 'source-signalled', 'gap 5-9 dropped', '2', 'end publisher-ended']);
    await track.done;
  });

  it('holds what comes before a reader is there', () => {
    const { push, read, seen } = link();
    push(0);
    push(1);
    expect(seen).toEqual([]);
    read();
    expect(seen).toEqual(['0', '1']);
  });

  it('begins where a reader may begin, and counts what came before', () => {
    const { push, read, seen, meter } = link({ resync: true });
    read();
    for (let n = 3; n < 7; n++) push(n);
    expect(seen).toEqual(['5', '6']);
    expect(meter.drops).toEqual({ 'waiting-for-key-frame': 2 });
  });

  it('passes nothing while nobody wants it, then begins at a key frame', () => {
    const { track, push, read, seen, state } = link();
    read();
    push(0);
    track.want(false);
    for (let n = 1; n < 7; n++) push(n);
    expect(seen).toEqual(['0']);
    track.want(true);
    expect(state.keyRequests).toBe(1);
    for (let n = 7; n < 12; n++) push(n);
    expect(seen).toEqual(['0', 'source-signalled', '10', '11']);
  });

  it('holds back at a closed gate and lets go in order', () => {
    const { track, push, read, seen } = link();
    read();
    track.hold(true);
    push(0);
    track.discontinuity('restarted');
    push(1);
    expect(seen).toEqual([]);
    track.hold(false);
    expect(seen).toEqual(['0', 'restarted', '1']);
  });

  it('fails once when its reader throws, and counts the item', () => {
    const { track, push, read, errors, state, meter } = link();
    read();
    state.fail = new Error('poison');
    expect(push(0)).toBe(true);
    push(1);
    expect(errors).toEqual([state.fail]);
    expect(meter.drops).toEqual({ 'reader-failed': 1 });
    expect(track.isDone).toBe(true);
  });

  it('does not tell of a reader that fails after it was cut off', async () => {
    const { track, errors } = link();
    let reject = (_error: Error): void => {};
    track.setReader({ item: () => new Promise<void>((_, no) => (reject = no)) });
    track.push(0, { bytes: 1, at: 0, resync: true });
    track.close();
    reject(new Error('too late'));
    await new Promise(setImmediate);
    expect(errors).toEqual([]);
  });

  it('counts what is queued when it is cut, and settles it', () => {
    const { track, push, read, state, meter } = link();
    state.slow = true;
    read();
    let settled = 0;
    for (let n = 0; n < 3; n++) push(n, 5, () => (settled += 1));
    track.close();
    expect(meter.drops).toEqual({ closed: 2 });
    expect(settled).toBe(2);
  });
});

describe('a full queue', () => {
  it('block: pushes back, keeps everything, tells when there is room', async () => {
    const { track, push, read, seen, state, finish, meter } = link({ queueMs: 300 });
    state.slow = true;
    read();
    // 0 is with the reader; 1 to 4 span 300 ms.
    expect([0, 1, 2, 3, 4].map((n) => push(n))).toEqual([true, true, true, true, true]);
    expect(track.hasRoom).toBe(true);
    expect([5, 6].map((n) => push(n))).toEqual([false, false]);
    expect(track.hasRoom).toBe(false);
    expect([state.room, meter.backPressure]).toEqual([0, 1]);
    await finish(2);
    expect([track.hasRoom, state.room]).toEqual([true, 1]);
    await finish(5);
    expect(seen).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect(meter.drops).toEqual({});
  });

  it('does not take a leap of the timeline for time that waits', () => {
    for (const leap of [3_600_000, -3_600_000]) {
      const { track, push, read, state, meter } = link({ queueMs: 500, full: 'drop-to-keyframe' });
      state.slow = true;
      read();
      for (let n = 0; n < 4; n++) push(n);
      track.discontinuity('clock-jumped');
      for (let n = 4; n < 8; n++) track.push(n, { bytes: 1, at: leap + n * 100, resync: n === 6 });
      expect([meter.queueMs, meter.drops]).toEqual([500, {}]);
      track.push(8, { bytes: 1, at: leap + 800, resync: false });
      expect(meter.drops).toEqual({ 'queue-full': 5 });
      expect(meter.queueMs).toBe(200);
    }
  });

  it('block: a queue of no length has room while it is empty', async () => {
    const { track, push, read, state, finish } = link({ queueMs: 0 });
    state.slow = true;
    read();
    expect([0, 1].map((n) => push(n))).toEqual([true, true]);
    expect(push(2)).toBe(false);
    expect(track.hasRoom).toBe(false);
    await finish(1);
    expect(track.hasRoom).toBe(true);
    await finish(2);
    expect(track.hasRoom).toBe(true);
  });

  it('block: a writer that does not listen is cut off, counted, and begins again at a key frame', async () => {
    const { push, read, seen, state, finish, meter } = link({ queueMs: 200 });
    state.slow = true;
    read();
    for (let n = 0; n < 30; n++) push(n);
    // 0 is with the reader, 1 to 17 span 8 x 200 ms; 18 is over, 19 waits, 20 is a key frame but there is still no room.
    expect(meter.drops.overrun).toBeGreaterThan(0);
    expect(meter.items + meter.queueItems + total(meter)).toBe(30);
    await finish(40);
    state.slow = false;
    for (let n = 30; n < 37; n++) push(n);
    expect(seen.slice(0, 18)).toEqual(Array.from({ length: 18 }, (_, n) => String(n)));
    expect(seen.slice(-8)).toEqual(['frames-dropped', '30', '31', '32', '33', '34', '35', '36']);
  });

  it('drop-to-keyframe: drops to a key frame in the newer half of the queue and marks the cut', async () => {
    const { push, read, seen, state, finish, meter } = link({ queueMs: 1000, full: 'drop-to-keyframe' });
    state.slow = true;
    read();
    // 0 is with the reader; 1 to 11 span 1000 ms; 12 is over. 10 is a key frame in the newer half.
    for (let n = 0; n <= 12; n++) expect(push(n)).toBe(true);
    expect(meter.drops).toEqual({ 'queue-full': 9 });
    state.slow = false;
    await finish(1);
    expect(seen).toEqual(['0', 'frames-dropped', '10', '11', '12']);
  });

  it('drop-to-keyframe: where no key frame is near, drops all, asks for one and waits for it', async () => {
    const { push, read, seen, state, finish, meter } = link({ queueMs: 500, full: 'drop-to-keyframe' });
    state.slow = true;
    read();
    for (let n = 0; n <= 8; n++) push(n, 20);
    expect(state.keyRequests).toBe(1);
    state.slow = false;
    await finish(1);
    for (let n = 9; n <= 21; n++) push(n, 20);
    expect(seen).toEqual(['0', 'frames-dropped', '20', '21']);
    expect(meter.drops).toEqual({ 'queue-full': 7, 'waiting-for-key-frame': 12 });
  });

  it('drop-to-keyframe: gaps that were signalled in between are still told', async () => {
    const { track, push, read, seen, state, finish } = link({ queueMs: 500, full: 'drop-to-keyframe' });
    state.slow = true;
    read();
    push(0);
    push(1);
    track.gap(100, 300, 'publisher-lost');
    track.discontinuity('publisher-returned');
    for (let n = 2; n <= 8; n++) push(n, 6);
    state.slow = false;
    await finish(1);
    expect(seen).toEqual(['0', 'gap 100-300 publisher-lost', 'frames-dropped', '6', '7', '8']);
  });

  it('drop-newest: keeps what is queued and begins again at a key frame', async () => {
    const { push, read, seen, state, finish, meter } = link({ queueMs: 300, full: 'drop-newest' });
    state.slow = true;
    read();
    for (let n = 0; n <= 6; n++) expect(push(n)).toBe(true);
    state.slow = false;
    await finish(1);
    for (let n = 7; n <= 11; n++) push(n);
    expect(seen).toEqual(['0', '1', '2', '3', '4', 'frames-dropped', '10', '11']);
    expect(meter.drops).toEqual({ 'queue-full': 1, 'waiting-for-key-frame': 4 });
  });

  it('spill: never pushes back, keeps far more than its size, then drops and says so', async () => {
    const { push, read, seen, state, finish, meter } = link({ queueMs: 100, full: 'spill' });
    state.slow = true;
    read();
    for (let n = 0; n <= 11; n++) expect(push(n, 1)).toBe(true);
    expect(meter.drops).toEqual({});
    push(12, 1);
    expect(meter.drops).toEqual({ overrun: 1 });
    await finish(13);
    expect(seen).toEqual(Array.from({ length: 12 }, (_, n) => String(n)));
  });
});

describe('the pressure of a link', () => {
  it('tells how full it is, and that it is full while what was dropped is waited for', async () => {
    const { track, push, read, state, finish } = link({ queueMs: 400, full: 'drop-to-keyframe' });
    read();
    push(0);
    expect(track.pressure).toBe(0);
    state.slow = true;
    for (let n = 1; n <= 4; n++) push(n, 10);
    expect(track.pressure).toBe(0.5);
    for (let n = 5; n <= 7; n++) push(n, 10);
    // No key frame to go on with: all of it went, and nothing comes until there is one.
    expect([track.queuedItems, track.pressure]).toEqual([0, 1]);
    state.slow = false;
    await finish(5);
    push(8, 10);
    expect(track.pressure).toBe(1);
    push(10, 10);
    expect(track.pressure).toBe(0);
  });

  it('goes beyond the whole where a writer does not wait for a link that blocks', () => {
    const { track, push, read, state } = link({ queueMs: 200, full: 'block' });
    state.slow = true;
    read();
    for (let n = 0; n <= 6; n++) push(n);
    expect(track.pressure).toBe(2.5);
  });
});

describe('a reader that does not want its track', () => {
  it('gets nothing, and begins at a key frame once it does', () => {
    const { track, push, read, seen, state, meter } = link();
    read();
    push(0);
    track.readerWants(false);
    expect([track.wanted, state.wanted]).toEqual([false, 1]);
    expect(push(1)).toBe(true);
    // Its pad comes and goes meanwhile: that makes no difference.
    track.want(false);
    track.want(true);
    expect([track.wanted, state.wanted, state.keyRequests]).toEqual([false, 1, 0]);
    track.readerWants(true);
    expect([track.wanted, state.wanted, state.keyRequests]).toEqual([true, 2, 1]);
    for (let n = 2; n <= 6; n++) push(n);
    expect(seen).toEqual(['0', 'source-signalled', '5', '6']);
    expect(meter.drops).toEqual({ 'waiting-for-key-frame': 3 });
    track.end('stopped');
    expect(track.wanted).toBe(false);
  });
});

const total = (meter: LinkMeter): number => Object.values(meter.drops).reduce((sum, count) => sum + count, 0);

/** What every provider of SegmentIndex must do. Call it from a test file with a way to start one. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SegmentIndex, Span } from '../../core/contracts/index.ts';
import type { CameraId, GapCause, Segment } from '../../core/model/index.ts';
import { indexedSegment, START } from '../support/segments.ts';

/** A started, empty index. */
export interface StartedIndex {
  readonly index: SegmentIndex;
  /** A second user of the same data, in a process of its own as far as the index can tell; absent: it has none. */
  another?(): Promise<SegmentIndex>;
  /** Whether watchers are told what that second user adds. */
  readonly tellsOthers?: boolean;
  stop(): Promise<void>;
}

const CAM = 'cam1' as CameraId;
const OTHER = 'Cam1' as CameraId;
const ALL = { start: 0, end: Number.MAX_SAFE_INTEGER };
const HOUR = 3_600_000;
/** What others add is heard a moment later; how long that is depends on how busy the machine is. */
const PATIENT = { timeout: 8000 };
const at = (from: number, to: number) => ({ start: START + from, end: START + to });
const media = (from: number, to: number): Span => ({ kind: 'media', ...at(from, to) });
const gap = (from: number, to: number, cause: GapCause): Span => ({ kind: 'gap', ...at(from, to), cause });
const from = (first: number, last: number, changes: Partial<Segment> = {}): Segment[] =>
  Array.from({ length: last - first + 1 }, (_, index) => indexedSegment(first + index, changes));

/** The suite. */
export function segmentIndexContract(name: string, start: () => Promise<StartedIndex>): void {
  describe(`${name} keeps the contract SegmentIndex`, () => {
    let started: StartedIndex;
    let index: SegmentIndex;
    beforeEach(async () => {
      started = await start();
      index = started.index;
    });
    afterEach(() => started.stop());
    const numbers = async (...range: Parameters<SegmentIndex['range']>): Promise<number[]> =>
      (await index.range(...range)).map(({ number }) => number);

    it('gives back every field as it was', async () => {
      const [plain] = from(0, 0);
      const odd = indexedSegment(1, {
        startTs: START + 2000.4375,
        duration: 2002.0000000000002,
        url: 'elsewhere/under/another.m4s',
        initUrl: 'elsewhere/init.mp4',
        bytes: 5_000_000_000,
        baseTime: 2 ** 52,
        durationTicks: 180_180,
        discontinuity: true,
        independent: false,
        codecString: 'avc1.640028',
      });
      await index.add([plain!, odd]);
      expect(await index.range(CAM, ALL)).toEqual([plain, odd]);
      expect(await index.latest(CAM)).toEqual(odd);
    });

    it('knows nothing of an unknown camera, and says so without an error', async () => {
      await index.add(from(0, 0));
      expect(await index.range(OTHER, ALL)).toEqual([]);
      expect(await index.latest(OTHER)).toBeUndefined();
      expect(await index.spans(OTHER, ALL)).toEqual([]);
      expect(await index.range(CAM, ALL, 'no-such-track')).toEqual([]);
      expect(await index.latest(CAM, 'no-such-track')).toBeUndefined();
    });

    it('finds what overlaps a range, half open, also what merely reaches into its start', async () => {
      await index.add(from(0, 4));
      expect(await numbers(CAM, ALL)).toEqual([0, 1, 2, 3, 4]);
      expect(await numbers(CAM, at(2000, 4000))).toEqual([1]);
      expect(await numbers(CAM, at(1999, 4001))).toEqual([0, 1, 2]);
      expect(await numbers(CAM, at(3000, 3001))).toEqual([1]);
      expect(await numbers(CAM, at(3000, 3000))).toEqual([]);
      expect(await numbers(CAM, at(4000, 3000))).toEqual([]);
      expect(await numbers(CAM, at(10_000, 99_000))).toEqual([]);
      expect(await numbers(CAM, at(-5000, 0))).toEqual([]);
    });

    it('finds one long segment among short ones', async () => {
      await index.add([indexedSegment(0, { duration: 60_000 }), ...from(40, 45)]);
      expect(await numbers(CAM, at(50_000, 51_000))).toEqual([0]);
      expect(await numbers(CAM, at(59_000, 81_000))).toEqual([0, 40]);
    });

    it('orders by time, then track, then number, picks a track, and stops at the limit', async () => {
      await index.add([...from(0, 2), ...from(0, 2, { track: 'audio' })].reverse());
      const found = await index.range(CAM, ALL);
      expect(found.map(({ track, number }) => `${number} ${track}`)).toEqual([
        ...['0 audio', '0 video', '1 audio', '1 video', '2 audio', '2 video'],
      ]);
      expect(await index.range(CAM, ALL, undefined, 3)).toEqual(found.slice(0, 3));
      expect(await numbers(CAM, ALL, 'audio', 2)).toEqual([0, 1]);
      expect(await index.range(CAM, ALL, undefined, 0)).toEqual([]);
    });

    it('keeps cameras apart whose names differ by case alone, and lists them', async () => {
      await index.add([...from(0, 1), ...from(5, 5, { cameraId: OTHER })]);
      expect(await numbers(CAM, ALL)).toEqual([0, 1]);
      expect(await numbers(OTHER, ALL)).toEqual([5]);
      expect(await index.cameras()).toEqual(['Cam1', 'cam1']);
    });

    it('tells the latest, in whatever order they came', async () => {
      expect(await index.latest(CAM)).toBeUndefined();
      await index.add([indexedSegment(3), indexedSegment(1), indexedSegment(2, { track: 'audio' })]);
      expect(await index.latest(CAM)).toMatchObject({ number: 3, track: 'video' });
      expect(await index.latest(CAM, 'audio')).toMatchObject({ number: 2, track: 'audio' });
    });

    it('adds the same id again without a change', async () => {
      const heard: number[] = [];
      index.watch(CAM, ({ number }) => heard.push(number));
      await index.add(from(0, 1));
      await index.add([...from(1, 2), ...from(2, 2), indexedSegment(0, { bytes: 1 })]);
      expect(await index.range(CAM, ALL)).toEqual(from(0, 2));
      expect(heard).toEqual([0, 1, 2]);
    });

    it('refuses what is no segment, and then adds none of those with it', async () => {
      const wrong: Segment[] = [
        { ...indexedSegment(1), id: 'cam1/video/1' },
        { ...indexedSegment(1), cameraId: 'cam2' },
        { ...indexedSegment(1), track: 'audio' },
        { ...indexedSegment(1), startTs: NaN },
      ];
      for (const one of wrong)
        await expect(index.add([indexedSegment(0), one])).rejects.toMatchObject({ code: 'INDEX_SEGMENT_INVALID' });
      expect(await index.range(CAM, ALL)).toEqual([]);
    });

    it('tells one stretch of media, cut to the range', async () => {
      await index.add([...from(0, 4), ...from(0, 4, { track: 'audio', duration: 1990 })]);
      expect(await index.spans(CAM, at(0, 60_000))).toEqual([media(0, 10_000)]);
      expect(await index.spans(CAM, at(3000, 5000))).toEqual([media(3000, 5000)]);
      expect(await index.spans(CAM, at(-5000, 1000))).toEqual([media(0, 1000)]);
      expect(await index.spans(CAM, at(-5000, -1000))).toEqual([]);
      expect(await index.spans(CAM, at(20_000, 30_000))).toEqual([]);
      expect(await index.spans(CAM, at(5000, 5000))).toEqual([]);
    });

    it('tells holes with their causes, and one that nobody explained as dropped', async () => {
      await index.add([...from(0, 1), ...from(4, 4), ...from(7, 7)]);
      await index.addGap(CAM, { ...at(4000, 8000), cause: 'publisher-lost' });
      const spans = [
        media(0, 4000),
        gap(4000, 8000, 'publisher-lost'),
        media(8000, 10_000),
        gap(10_000, 14_000, 'dropped'),
        media(14_000, 16_000),
      ];
      expect(await index.spans(CAM, ALL)).toEqual(spans);
      expect(await index.spans(CAM, at(5000, 12_000))).toEqual([
        gap(5000, 8000, 'publisher-lost'),
        media(8000, 10_000),
        gap(10_000, 12_000, 'dropped'),
      ]);
      expect(await index.spans(CAM, at(5000, 6000))).toEqual([gap(5000, 6000, 'publisher-lost')]);
    });

    it('gives a hole the cause that covers most of it, however it is cut', async () => {
      await index.add([indexedSegment(0), indexedSegment(10)]);
      await index.addGap(CAM, { ...at(2000, 5000), cause: 'store-outage' });
      await index.addGap(CAM, { ...at(5000, 20_000), cause: 'crash' });
      expect((await index.spans(CAM, ALL))[1]).toEqual(gap(2000, 20_000, 'crash'));
      expect(await index.spans(CAM, at(2500, 4000))).toEqual([gap(2500, 4000, 'crash')]);
    });

    it('lets a recorded gap reach beyond the newest media, and takes it once', async () => {
      await index.add(from(0, 0));
      for (let times = 0; times < 2; times++) await index.addGap(CAM, { ...at(2000, 9000), cause: 'restart' });
      await index.addGap(CAM, { ...at(9000, 9000), cause: 'crash' });
      expect(await index.spans(CAM, ALL)).toEqual([media(0, 2000), gap(2000, 9000, 'restart')]);
      expect(await index.spans(CAM, at(5000, 6000))).toEqual([gap(5000, 6000, 'restart')]);
      expect(await index.spans(OTHER, ALL)).toEqual([]);
    });

    it('reserves numbers that nobody was given before', async () => {
      expect(await index.reserve(CAM, 1000, 10)).toBe(1000);
      expect(await index.reserve(CAM, 1000, 10)).toBe(1010);
      expect(await index.reserve(CAM, 5000, 1)).toBe(5000);
      expect(await index.reserve(OTHER, 7, 1)).toBe(7);
      const given = await Promise.all(Array.from({ length: 20 }, () => index.reserve(CAM, 0, 3)));
      expect(given.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, nth) => 5001 + nth * 3));
    });

    it('reserves above every number that was ever added, also after its deletion', async () => {
      await index.add(from(500, 501));
      expect(await index.reserve(CAM, 100, 5)).toBe(502);
      await index.add([indexedSegment(900)]);
      await index.delete([indexedSegment(900).id]);
      expect(await index.reserve(CAM, 0, 1)).toBe(901);
    });

    it('goes on counting when the clock steps back, and keeps order when it steps ahead', async () => {
      const first = await index.reserve(CAM, 1000, 2);
      await index.add([indexedSegment(first)]);
      await index.add([indexedSegment(first + 1, { startTs: START + first * 2000 + HOUR })]);
      expect((await index.spans(CAM, ALL)).map(({ kind, start, end }) => [kind, end - start])).toEqual([
        ['media', 2000],
        ['gap', HOUR - 2000],
        ['media', 2000],
      ]);
      // Back by an hour: numbers are asked for by the clock, and must not be given again.
      const next = await index.reserve(CAM, 1000 - 1800, 1);
      expect(next).toBe(first + 2);
      await index.add([indexedSegment(next, { startTs: START + first * 2000 + 2000 })]);
      expect(await numbers(CAM, ALL)).toEqual([first, next, first + 1]);
      expect(await index.latest(CAM)).toMatchObject({ number: first + 1 });
    });

    it('keeps the segments of two writers apart', async () => {
      const [mine, theirs] = [indexedSegment(1), indexedSegment(1, { writer: 'w2' })];
      await Promise.all([index.add([mine]), index.add([theirs])]);
      expect((await index.range(CAM, ALL)).map(({ writer }) => writer).sort()).toEqual(['w1', 'w2']);
      await index.delete([mine.id]);
      expect(await index.range(CAM, ALL)).toEqual([theirs]);
    });

    it('serves two users of the same data', async ({ skip }) => {
      if (!started.another) return skip('it has one user');
      const second = await started.another();
      await Promise.all(Array.from({ length: 20 }, (_, nth) => (nth % 2 ? index : second).add([indexedSegment(nth)])));
      expect(await second.range(CAM, ALL)).toEqual(await index.range(CAM, ALL));
      expect(await numbers(CAM, ALL)).toHaveLength(20);
      const given = await Promise.all(
        Array.from({ length: 20 }, (_, nth) => (nth % 2 ? index : second).reserve(CAM, 1000, 5)),
      );
      expect(new Set(given).size).toBe(20);
      expect(Math.max(...given)).toBe(1095);
      await second.delete([indexedSegment(3).id]);
      expect(await numbers(CAM, ALL)).not.toContain(3);
    });

    it('tells what another user adds too, each once, and both in the one order of adding', async ({ skip }) => {
      if (!started.another || started.tellsOthers !== true) return skip('it tells what it adds itself');
      const second = await started.another();
      const heard: [mine: number[], theirs: number[]] = [[], []];
      index.watch(CAM, ({ number }) => heard[0].push(number));
      second.watch(CAM, ({ number }) => heard[1].push(number));
      for (let nth = 0; nth < 20; nth++) {
        await (nth % 2 ? index : second).add([indexedSegment(nth), indexedSegment(nth, { cameraId: OTHER })]);
        expect(heard[nth % 2 ? 0 : 1].at(-1), 'before add settles').toBe(nth);
      }
      const all = from(0, 49).map(({ number }) => number);
      await vi.waitFor(() => expect(heard).toEqual([all.slice(0, 20), all.slice(0, 20)]), PATIENT);
      await Promise.all(from(20, 49).map((one, nth) => (nth % 2 ? index : second).add([one])));
      await vi.waitFor(() => expect(heard.map(({ length }) => length)).toEqual([50, 50]), PATIENT);
      expect(heard[0]).toEqual(heard[1]);
      expect(heard[0].toSorted((a, b) => a - b)).toEqual(all);
    });

    it('adds once what two users add at the same time', async ({ skip }) => {
      if (!started.another) return skip('it has one user');
      const second = await started.another();
      const heard: number[] = [];
      index.watch(CAM, ({ number }) => heard.push(number));
      await Promise.all(from(0, 19).flatMap((one) => [index.add([one]), second.add([one])]));
      expect(await index.range(CAM, ALL)).toEqual(from(0, 19));
      if (started.tellsOthers !== true) return;
      await vi.waitFor(() => expect(heard).toHaveLength(20), PATIENT);
      expect(new Set(heard).size).toBe(20);
    });

    it('deletes, also what is not there, and gaps with what went before them', async () => {
      await index.add([...from(0, 1), ...from(4, 5)]);
      await index.addGap(CAM, { ...at(4000, 8000), cause: 'crash' });
      await index.delete([indexedSegment(1).id, indexedSegment(77).id, 'nonsense', 'cam9/video/0-0.w.m4s', '']);
      expect(await numbers(CAM, ALL)).toEqual([0, 4, 5]);
      expect((await index.spans(CAM, ALL))[1]).toEqual(gap(2000, 8000, 'crash'));
      await index.delete([indexedSegment(0).id]);
      await index.add([indexedSegment(0)]);
      expect((await index.spans(CAM, ALL))[1]).toEqual(gap(2000, 8000, 'dropped'));
      await index.delete(from(0, 5).map(({ id }) => id));
      await index.delete([]);
      expect(await index.cameras()).toEqual([]);
      expect(await index.spans(CAM, ALL)).toEqual([]);
    });

    it('deletes many while it takes in more', async () => {
      await index.add(from(0, 2999));
      const deletion = index.delete(from(0, 2989).map(({ id }) => id));
      await index.add(from(3000, 3004));
      await deletion;
      expect(await numbers(CAM, ALL)).toEqual(from(2990, 3004).map(({ number }) => number));
    });

    it('tells watchers of their camera, before add settles, until they have gone', async () => {
      const heard: string[] = [];
      const unwatch = index.watch(CAM, ({ id }) => heard.push(id));
      const listener = (segment: Segment): void => void heard.push(`again ${segment.id}`);
      const [first, second] = [index.watch(CAM, listener), index.watch(CAM, listener)];
      await index.add([...from(0, 0), ...from(9, 9, { cameraId: OTHER })]);
      const [one, two] = [indexedSegment(0).id, indexedSegment(1).id];
      expect(heard).toEqual([one, `again ${one}`, `again ${one}`]);
      first();
      first();
      unwatch();
      heard.length = 0;
      await index.add(from(1, 1));
      expect(heard).toEqual([`again ${two}`]);
      second();
    });

    it('is not hurt by a watcher that throws', async () => {
      const heard: number[] = [];
      index.watch(CAM, () => {
        throw new Error('watcher');
      });
      index.watch(CAM, ({ number }) => heard.push(number));
      await index.add(from(0, 1));
      expect(heard).toEqual([0, 1]);
      expect(await numbers(CAM, ALL)).toEqual([0, 1]);
    });

    it('adds many at once, each acknowledged', async () => {
      await Promise.all(from(0, 299).map((one) => index.add([one])));
      expect(await numbers(CAM, ALL)).toEqual(from(0, 299).map(({ number }) => number));
    });
  });
}

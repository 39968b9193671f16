/** What every provider of Timeline must do. Call it from a test file with a way to start one. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Timeline } from '../../core/contracts/index.ts';
import {
  type CameraId,
  type Chunk,
  type ChunkCaps,
  type GapCause,
  type Segment,
  segmentName,
} from '../../core/model/index.ts';
import { audioCaps, chunk, FIRST, segments, START, videoCaps } from '../support/chunks.ts';

/** A started timeline and how it is fed. Its clock stands at {@link START} until it is moved. */
export interface StartedTimeline {
  readonly timeline: Timeline;
  begin(camera: string, track: string, caps: ChunkCaps): void;
  chunk(camera: string, track: string, chunk: Chunk): void;
  gap(camera: string, track: string, from: number, to: number, cause: GapCause): void;
  end(camera: string, track: string): void;
  /** Server time becomes START + `ms`. */
  setTime(ms: number): Promise<void>;
  stop(): Promise<void>;
}

const cam = (name: string): CameraId => name as CameraId;
const CAM = cam('cam1');
const ALL = { start: 0, end: Number.MAX_SAFE_INTEGER };
const at = (from: number, to: number) => ({ start: START + from, end: START + to });
const numbers = (found: readonly Segment[]): number[] => found.map(({ number }) => number - FIRST);

/** The suite. */
export function timelineContract(name: string, start: () => Promise<StartedTimeline>): void {
  describe(`${name} keeps the contract Timeline`, () => {
    let started: StartedTimeline;
    let timeline: Timeline;
    const feed = (track: string, chunks: readonly Chunk[]): void =>
      chunks.forEach((one) => started.chunk('cam1', track, one));

    beforeEach(async () => {
      started = await start();
      timeline = started.timeline;
      started.begin('cam1', 'video', videoCaps());
      feed('video', segments(0, 4));
      await started.setTime(10_000);
    });
    afterEach(() => started.stop());

    it('knows nothing of an unknown camera, and says so without an error', async () => {
      const nobody = cam('nobody');
      expect(await timeline.cameras()).toEqual(['cam1']);
      expect(await timeline.tracks(nobody)).toEqual([]);
      expect(await timeline.segments(nobody, ALL)).toEqual([]);
      expect(await timeline.spans(nobody, ALL)).toEqual([]);
      expect(await timeline.read(nobody, 'video', 'x.m4s')).toBeUndefined();
      expect(await timeline.init(nobody, 'video', 'x.mp4')).toBeUndefined();
    });

    it('finds the segments that overlap a range, half open', async () => {
      expect(numbers(await timeline.segments(CAM, ALL))).toEqual([0, 1, 2, 3, 4]);
      expect(numbers(await timeline.segments(CAM, at(2000, 4000)))).toEqual([1]);
      expect(numbers(await timeline.segments(CAM, at(1999, 4001)))).toEqual([0, 1, 2]);
      expect(numbers(await timeline.segments(CAM, at(3000, 3001)))).toEqual([1]);
      expect(await timeline.segments(CAM, at(3000, 3000))).toEqual([]);
    });

    it('describes a segment exactly', async () => {
      const [, second] = await timeline.segments(CAM, ALL);
      expect(second).toEqual({
        id: `cam1/video/${START + 2000}-${FIRST + 1}.w1.m4s`,
        cameraId: 'cam1',
        track: 'video',
        number: FIRST + 1,
        startTs: START + 2000,
        duration: 2000,
        writer: 'w1',
        url: `cam1/video/${START + 2000}-${FIRST + 1}.w1.m4s`,
        initUrl: `cam1/video/init-${FIRST}.w1.mp4`,
        bytes: 400,
        timescale: 90_000,
        baseTime: 180_000,
        durationTicks: 180_000,
        discontinuity: false,
        independent: true,
        codecString: 'avc1.64001f',
      });
    });

    it('gives the bytes of a segment as its parts in order, and its init segment', async () => {
      const [, second] = await timeline.segments(CAM, ALL);
      const parts = segments(1, 1).map(({ data }) => Buffer.from(data));
      const read = await timeline.read(CAM, 'video', segmentName(second!));
      expect(Buffer.from(read!)).toEqual(Buffer.concat(parts));
      const init = await timeline.init(CAM, 'video', second!.initUrl.split('/').at(-1)!);
      expect(init).toEqual(videoCaps().init);
      expect(await timeline.read(CAM, 'video', `${START}-${FIRST}.w2.m4s`)).toBeUndefined();
      expect(await timeline.read(CAM, 'audio', segmentName(second!))).toBeUndefined();
    });

    it('does not tell of a segment before it is finished', async () => {
      feed('video', [chunk(5, 0), chunk(5, 1)]);
      expect(numbers(await timeline.segments(CAM, ALL))).toEqual([0, 1, 2, 3, 4]);
      feed('video', [chunk(5, 2), chunk(5, 3)]);
      expect(numbers(await timeline.segments(CAM, ALL))).toEqual([0, 1, 2, 3, 4, 5]);
    });

    it('orders by time, then by track, and picks one track', async () => {
      started.begin('cam1', 'audio', audioCaps());
      feed('audio', segments(0, 1, { timescale: 48_000 }));
      const found = await timeline.segments(CAM, at(0, 4000));
      expect(found.map(({ track, number }) => [track, number - FIRST])).toEqual([
        ['audio', 0],
        ['video', 0],
        ['audio', 1],
        ['video', 1],
      ]);
      expect(numbers(await timeline.segments(CAM, ALL, 'audio'))).toEqual([0, 1]);
    });

    it('keeps an init segment for as long as a segment needs it', async () => {
      started.end('cam1', 'video');
      started.begin('cam1', 'video', videoCaps({ init: Uint8Array.of(9), codecString: 'avc1.640028' }));
      feed('video', segments(5, 5, { discontinuity: true }));
      const [track] = await timeline.tracks(CAM);
      expect(track).toMatchObject({
        track: 'video',
        init: `init-${FIRST + 5}.w1.mp4`,
        caps: { codecString: 'avc1.640028' },
      });
      expect(await timeline.init(CAM, 'video', track!.init)).toEqual(Uint8Array.of(9));
      expect(await timeline.init(CAM, 'video', `init-${FIRST}.w1.mp4`)).toEqual(videoCaps().init);
    });

    it('tells one stretch of media, cut to the range', async () => {
      expect(await timeline.spans(CAM, at(0, 60_000))).toEqual([{ kind: 'media', ...at(0, 10_000) }]);
      expect(await timeline.spans(CAM, at(3000, 5000))).toEqual([{ kind: 'media', ...at(3000, 5000) }]);
    });

    it('tells a hole with the cause that was given', async () => {
      started.gap('cam1', 'video', START + 10_000, START + 14_000, 'crash');
      feed('video', segments(7, 7));
      expect(await timeline.spans(CAM, at(0, 60_000))).toEqual([
        { kind: 'media', ...at(0, 10_000) },
        { kind: 'gap', ...at(10_000, 14_000), cause: 'crash' },
        { kind: 'media', ...at(14_000, 16_000) },
      ]);
    });

    it('tells a hole that nobody explained as dropped', async () => {
      feed('video', segments(6, 6));
      expect((await timeline.spans(CAM, ALL))[1]).toEqual({ kind: 'gap', ...at(10_000, 12_000), cause: 'dropped' });
    });

    it('answers for a camera that is away, whose hole reaches to now', async () => {
      started.end('cam1', 'video');
      await started.setTime(25_000);
      expect(await timeline.cameras()).toEqual(['cam1']);
      expect(numbers(await timeline.segments(CAM, at(0, 4000)))).toEqual([0, 1]);
      expect(await timeline.spans(CAM, at(8000, 60_000))).toEqual([
        { kind: 'media', ...at(8000, 10_000) },
        { kind: 'gap', ...at(10_000, 25_000), cause: 'publisher-lost' },
      ]);
    });

    it('tells the time without a publisher as a hole once it is back', async () => {
      started.end('cam1', 'video');
      await started.setTime(20_000);
      started.begin('cam1', 'video', videoCaps());
      feed('video', segments(10, 10, { discontinuity: true }));
      expect(await timeline.spans(CAM, at(9000, 60_000))).toEqual([
        { kind: 'media', ...at(9000, 10_000) },
        { kind: 'gap', ...at(10_000, 20_000), cause: 'publisher-lost' },
        { kind: 'media', ...at(20_000, 22_000) },
      ]);
    });

    it('keeps what was written when the publisher went in mid segment', async () => {
      feed('video', [chunk(5, 0), chunk(5, 1)]);
      started.end('cam1', 'video');
      expect((await timeline.segments(CAM, ALL)).at(-1)).toMatchObject({
        number: FIRST + 5,
        duration: 1000,
        bytes: 200,
      });
    });
  });
}

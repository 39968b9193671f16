import { expect, it } from 'vitest';
import { KeyFrameMeter } from '../../../plugins/webrtc/workers/key-frame-meter.ts';

const stat = (ssrc: number, rid: string | undefined, pliCount: number, firCount = 0) => ({
  ssrc,
  rid,
  pliCount,
  firCount,
});

function meter() {
  const added: (readonly [number | undefined, unknown])[] = [];
  const add = (value?: number, labels?: unknown) => void added.push([value, labels]);
  const counter = { add, follow: () => undefined, remove: () => undefined };
  return { added, meter: new KeyFrameMeter({ counter: () => counter }) };
}

const router = (cameraId: string, ...producers: object[]) =>
  ({ cameraId, producers: new Map(producers.map((producer, i) => [String(i), producer])) }) as never;

it('adds what is new of each layer since it looked last, PLI and FIR together', async () => {
  const { added, meter: keyFrames } = meter();
  let stats = [stat(1, 'q', 2), stat(2, 'f', 1, 1)];
  const video = { kind: 'video', getStats: async () => stats };
  const audio = { kind: 'audio', getStats: () => Promise.reject(new Error('nobody asks sound for pictures')) };
  const cam = router('cam', video, audio);
  await keyFrames.read([cam]);
  stats = [stat(1, 'q', 5), stat(2, 'f', 1, 1)];
  await keyFrames.read([cam]);
  expect(added).toEqual([
    [2, { camera: 'cam', layer: 'q' }],
    [2, { camera: 'cam', layer: 'f' }],
    [3, { camera: 'cam', layer: 'q' }],
    [0, { camera: 'cam', layer: 'f' }],
  ]);
});

it('goes on where a producer has closed meanwhile, and never asks twice at a time', async () => {
  const { added, meter: keyFrames } = meter();
  const asked = Promise.withResolvers<object[]>();
  let questions = 0;
  const slow = { kind: 'video', getStats: () => (questions++, asked.promise) };
  const gone = { kind: 'video', getStats: () => Promise.reject(new Error('closed')) };
  const cameras = [router('gone', gone), router('cam', slow)];
  const reading = keyFrames.read(cameras);
  await keyFrames.read(cameras);
  expect(questions).toBe(1);
  asked.resolve([stat(7, undefined, 4)]);
  await reading;
  expect(added).toEqual([[4, { camera: 'cam', layer: '' }]]);
  await keyFrames.read([]);
  expect(questions).toBe(1);
});

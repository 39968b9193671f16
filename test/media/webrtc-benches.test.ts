/** The benches of WebRTC in their short form: that they measure what they say. Figures of speed belong to `make proof`. */
import { expect, it } from 'vitest';
import { runBench } from '../support/bench.ts';

it(
  'fan-out: viewers of Eddy and of bare mediasoup get every picture of the same camera',
  { timeout: 180_000 },
  async () => {
    const measured = await runBench<{
      viewers: number;
      ratio: number;
      'KiB of memory a viewer': { eddy: { worker: number } };
      held: { connected: number; 'pictures of the viewer that had least': number };
    }>('fan-out', '--viewers', '10', '--rounds', '1', '--turn', '1', '--hold', '1');
    expect(measured.viewers).toBe(10);
    expect(measured.ratio).toBeGreaterThan(0);
    expect(measured.held.connected).toBe(10);
    expect(measured.held['pictures of the viewer that had least']).toBeGreaterThan(10);
  },
);

it('sfu-frames: WHIP cameras come out of webrtc.sfu as frames', { timeout: 180_000 }, async () => {
  const measured = await runBench<{ tracks: number; 'Mbps of frames': number; 'packets lost': number }>(
    'sfu-frames',
    '4',
    '2',
  );
  expect(measured.tracks).toBe(8);
  expect(measured['Mbps of frames']).toBeGreaterThan(1);
});

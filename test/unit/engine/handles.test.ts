/** Tracks of `rtp` handles: a handle says how things stand, so whoever comes late is told it; its stage brings the clock. */
import { describe, expect, it } from 'vitest';
import type { RtpCaps, RtpHandle } from '../../../core/model/index.ts';
import { input, output, type Flow, type FlowInput, type FlowOutput } from '../../../core/plugin/index.ts';
import {
  capturingSink,
  scriptedSource,
  syntheticVideo,
  testPipeline,
  testPlugin,
} from '../../../core/testing/index.ts';

const caps: RtpCaps = { kind: 'video', codec: 'vp8', clockRate: 90_000, layers: 1 };
const handle = (producerId: string): RtpHandle => ({
  routerId: 'r',
  producerId,
  kind: 'video',
  rtpParameters: { codecs: [] },
});
const ids = (items: readonly RtpHandle[]): string[] => items.map(({ producerId }) => producerId);

describe('handles', () => {
  it('reach a viewer that comes late, and one that comes back, in their newest form', async () => {
    const source = scriptedSource({ rtp: 'rtp' });
    const sink = capturingSink({ in: 'rtp' });
    sink.pads.in.want(false);
    const stages = { source: source.plugin, sink: sink.plugin };
    const t = await testPipeline({ stages, links: ['source.rtp -> sink.in'] });
    const publication = await source.publish('cam1');
    const track = publication.out.rtp.addTrack('video', caps);
    track.write(handle('a'));
    await t.advance(0);
    sink.pads.in.want(true);
    await t.advance(0);
    expect(ids(sink.pads.in.items()).at(-1)).toBe('a');
    sink.pads.in.want(false);
    track.write(handle('b'));
    await t.advance(0);
    expect(ids(sink.pads.in.items()).at(-1)).toBe('a');
    sink.pads.in.want(true);
    await t.advance(0);
    expect(ids(sink.pads.in.items()).at(-1)).toBe('b');
    await t.stop();
  });

  it('reach a stage that is added while the camera plays', async () => {
    const source = scriptedSource({ rtp: 'rtp' });
    const [first, second] = [capturingSink({ in: 'rtp' }), capturingSink({ in: 'rtp' })];
    const stages = { source: source.plugin, first: first.plugin };
    const t = await testPipeline({ stages, links: ['source.rtp -> first.in'] });
    const publication = await source.publish('cam1');
    publication.out.rtp.addTrack('video', caps).write(handle('a'));
    await t.apply({
      stages: { ...stages, second: second.plugin },
      links: ['source.rtp -> first.in', 'source.rtp -> second.in'],
    });
    await t.advance(0);
    expect([first, second].map(({ pads }) => ids(pads.in.items()))).toEqual([['a'], ['a']]);
    await t.stop();
  });

  it('a stage that makes frames of them gives these its own clock', async () => {
    const source = scriptedSource({ rtp: 'rtp' });
    const sink = capturingSink({ in: 'frames' });
    const clock = { toWall: (ticks: number, timescale: number) => 1000 + (ticks / timescale) * 1000 };
    const reader = testPlugin(
      {
        inputs: { rtp: input('rtp', { doc: 'Handles.' }) },
        outputs: { video: output('frames', { doc: 'Frames.' }) },
      },
      () => ({
        flow(flow: Flow) {
          const video = flow.out['video'] as unknown as FlowOutput<'frames'>;
          (flow.in['rtp'] as unknown as FlowInput<'rtp'>).onTrack((from) => {
            video.addTrack('video', syntheticVideo().caps, { from, clock }).write(syntheticVideo().frame(0));
            return { item: () => undefined };
          });
        },
      }),
    );
    const t = await testPipeline({
      stages: { source: source.plugin, reader, sink: sink.plugin },
      links: ['source.rtp -> reader.rtp', 'reader.video -> sink.in'],
    });
    const publication = await source.publish('cam1');
    publication.out.rtp.addTrack('video', caps).write(handle('a'));
    await t.advance(0);
    expect(sink.pads.in.tracks()[0]!.track.clock.toWall(90_000, 90_000)).toBe(2000);
    await t.stop();
  });
});

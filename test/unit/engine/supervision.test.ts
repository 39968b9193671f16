import { describe, expect, it } from 'vitest';
import { RestartRule } from '../../../core/engine/restart-rule.ts';
import type { Context } from '../../../core/plugin/index.ts';
import { capturingSink, pen, testPipeline, testPlugin, VirtualClock } from '../../../core/testing/index.ts';
import { avSource, numbers, passThrough, range, video } from './support.ts';

/** A stage that passes on, and whose context the test holds. */
function fallible(starts: number[] = [], onStart: () => void = () => {}) {
  const contexts: Context[] = [];
  const inner = passThrough();
  const plugin = {
    manifest: inner.manifest,
    load: async () => {
      const { create } = await inner.load();
      return {
        create: (ctx: Context) => {
          contexts.push(ctx);
          const running = create(ctx as never) as object;
          return {
            ...running,
            start: () => {
              starts.push(ctx.clock.monotonic());
              onStart();
            },
          };
        },
      };
    },
  };
  return { plugin, contexts };
}

describe('a stage that fails', () => {
  it('restarts by itself; neighbours and other branches are undisturbed', async () => {
    const source = avSource();
    const [behind, beside] = [capturingSink({ in: 'frames' }), capturingSink({ in: 'frames' })];
    const starts: number[] = [];
    const { plugin, contexts } = fallible(starts);
    const t = await testPipeline({
      stages: { source: source.plugin, fallible: plugin, behind: behind.plugin, beside: beside.plugin },
      links: ['source.video -> fallible.in, beside.in', 'fallible.out -> behind.in'],
    });
    const publication = await source.publish('cam1');
    const track = pen(publication.out.video, 'video', video.caps);
    let next = 0;
    const write = async (count: number): Promise<void> => {
      for (const unit of video.frames(count, next)) track.write(unit);
      next += count;
      await t.advance(0);
    };
    await write(12);
    contexts[0]!.fail(new Error('crashed'));
    await write(3);
    expect(t.engine.state).toBe('degraded');
    expect(t.engine.view.snapshot()).toMatchObject({ nodes: [{}, { name: 'fallible', state: 'starting' }, {}, {}] });
    await t.advance(500);
    expect(t.engine.state).toBe('running');
    await write(15);
    expect(starts).toEqual([0, 500]);
    expect(publication.signal.aborted).toBe(false);
    expect(numbers(beside.pads.in.items())).toEqual(range(0, 30));
    // Those behind see one track end and the next begin in its place, at a key frame.
    expect(behind.pads.in.tracks().map((each) => [numbers(each.items), each.ended, each.replaces])).toEqual([
      [range(0, 12), 'stopped', undefined],
      [range(20, 30), undefined, 'video'],
    ]);
    expect(t.eventTypes('behind')).toEqual(['stage.starting', 'stage.running']);
    await t.stop();
  });

  it('waits longer each time, then is given up: the pipeline goes on degraded', async () => {
    const starts: number[] = [];
    const { plugin, contexts } = fallible(starts, () => {
      if (starts.length > 1) throw new Error('still broken');
    });
    const source = avSource();
    const t = await testPipeline({
      stages: { source: source.plugin, it: plugin },
      links: ['source.video -> it.in'],
      supervise: { backoff: { min: 100, max: 350 }, max: { count: 4, within: 60_000 } },
    });
    contexts[0]!.fail(new Error('crashed'));
    await t.advance(10_000);
    expect(starts).toEqual([0, 100, 300, 650, 1000]);
    expect(t.engine.state).toBe('degraded');
    expect(t.engine.view.ready().reasons).toEqual(['"it" is not running and is no longer restarted']);
    expect(t.engine.view.snapshot()).toMatchObject({ nodes: [{}, { name: 'it', state: 'failed' }] });
    expect(t.fatals).toEqual([]);
    await expect(source.publish('cam1')).resolves.toBeDefined();
    await t.stop();
  });

  it('is given up and the engine told, where the pipeline says stop', async () => {
    const { plugin, contexts } = fallible();
    const t = await testPipeline({
      stages: { source: avSource().plugin, it: plugin },
      links: ['source.video -> it.in'],
      supervise: { restart: 'never', then: 'stop' },
    });
    contexts[0]!.fail(new Error('broken'));
    await t.advance(0);
    expect(t.fatals).toMatchObject([{ code: 'STAGE_GAVE_UP' }]);
    await t.advance(60_000);
    expect(contexts).toHaveLength(1);
    await t.stop();
  });

  it('ends its publications, and may publish again after its restart', async () => {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' });
    const t = await testPipeline({
      stages: { source: source.plugin, sink: sink.plugin },
      links: ['source.video -> sink.in'],
    });
    const publication = await source.publish('cam1');
    pen(publication.out.video, 'video', video.caps).write(video.frame(0));
    source.context.fail(new Error('crashed'));
    await t.advance(0);
    expect(publication.signal.reason).toMatchObject({ code: 'STAGE_FAILED' });
    expect(sink.pads.in.tracks()).toMatchObject([{ ended: 'failed' }]);
    await t.advance(500);
    const again = await source.publish('cam1');
    pen(again.out.video, 'video', video.caps).write(video.frame(0));
    expect(sink.pads.in.tracks()).toMatchObject([{}, { replaces: 'video' }]);
    await t.stop();
  });

  it('while the pipeline stops is not started again', async () => {
    const { plugin, contexts } = fallible();
    const t = await testPipeline({
      stages: { source: avSource().plugin, it: plugin },
      links: ['source.video -> it.in'],
    });
    contexts[0]!.fail(new Error('crashed'));
    const stopped = t.stop();
    contexts[0]!.fail(new Error('again'));
    await stopped;
    await t.advance(60_000);
    expect(contexts).toHaveLength(1);
    expect(t.time.timers()).toEqual([]);
  });

  it('in its start is replaced by a changed graph, though it was given up', async () => {
    let broken = true;
    const starts: number[] = [];
    const { plugin, contexts } = fallible(starts, () => {
      if (broken && starts.length > 1) throw new Error('broken');
    });
    const graph = { stages: { source: avSource().plugin, it: plugin }, links: ['source.video -> it.in'] };
    const t = await testPipeline({ ...graph, supervise: { max: { count: 1, within: 60_000 } } });
    contexts[0]!.fail(new Error('crashed'));
    await t.advance(60_000);
    expect(t.engine.view.snapshot()).toMatchObject({ nodes: [{}, { state: 'failed' }] });
    broken = false;
    const mended = { ...plugin, manifest: { ...plugin.manifest, version: '1.0.1' } };
    await t.apply({ ...graph, stages: { ...graph.stages, it: mended } });
    expect(t.engine.state).toBe('running');
    await t.stop();
  });
});

describe('what a plugin leaves', () => {
  it('of timers and listeners ends with it', async () => {
    let heard = 0;
    let ticks = 0;
    let context!: Context;
    const plugin = testPlugin({}, (ctx) => {
      context = ctx;
      ctx.clock.every(100, () => (ticks += 1));
      ctx.events.on(() => (heard += 1));
      return {};
    });
    const t = await testPipeline({ stages: { it: plugin } });
    await t.advance(1000);
    expect(ticks).toBe(10);
    await t.apply({ stages: {} });
    const before = [heard, ticks];
    t.engine.container.get('events').emit({ type: 'pipeline.running' });
    await t.advance(1000);
    expect([heard, ticks]).toEqual(before);
    expect(context.scope.signal.aborted).toBe(true);
    await expect(context.clock.sleep(5)).rejects.toBeDefined();
    await t.stop();
  });

  it('tells only events that its manifest declares', async () => {
    let context!: Context;
    const events = { 'it.counted': { meaning: 'x', data: { count: { type: 'number', doc: 'x' } } } } as const;
    const plugin = testPlugin({ events }, (ctx) => {
      context = ctx;
      return {};
    });
    const t = await testPipeline({ stages: { it: plugin } });
    context.events.emit({ type: 'it.counted', data: { count: 1 } });
    expect(t.events.at(-1)).toMatchObject({ type: 'it.counted', stage: 'it', data: { count: 1 } });
    expect(() => context.events.emit({ type: 'it.conted' })).toThrow(
      /manifest of ".+" does not declare the event "it.conted"/,
    );
    await t.stop();
  });

  it('of findings is logged, counted, told as an event and kept with the camera, once', async () => {
    const source = avSource();
    const t = await testPipeline({ stages: { source: source.plugin } });
    await source.publish('cam1');
    for (let i = 0; i < 3; i++)
      source.context.report({ code: 'test.source/ODD', message: 'odd bytes', cameraId: 'cam1' as never });
    expect(t.camera('cam1')!.findings).toMatchObject([{ code: 'test.source/ODD', count: 3, message: 'odd bytes' }]);
    expect(t.logs.filter((line) => line.code === 'test.source/ODD')).toHaveLength(1);
    expect(t.eventTypes('cam1').filter((type) => type === 'report')).toHaveLength(1);
    expect(await t.metric('reports_total', { code: 'test.source/ODD' })).toBe(3);
    await t.stop();
  });
});

describe('backoff', () => {
  it('forgets failures that are long ago', () => {
    const clock = new VirtualClock();
    const rule = new RestartRule(clock);
    const policy = {
      restart: 'on-failure',
      backoff: { min: 100, max: 1000 },
      max: { count: 2, within: 1000 },
      then: 'degrade',
    } as const;
    const next = (): number | undefined => rule.next(policy);
    expect([next(), next(), next()]).toEqual([100, 200, undefined]);
    return clock.advance(1001).then(() => expect(next()).toBe(100));
  });
});

import { describe, expect, it } from 'vitest';
import type { EddyError } from '../../../core/errors/index.ts';
import { mayFollow } from '../../../core/engine/lifecycle.ts';
import { capturingSink, pen, settle, TestPipeline, testPipeline, testPlugin } from '../../../core/testing/index.ts';
import { avSource, numbers, passThrough, range, video } from './support.ts';

/** A plugin that notes each call of its hooks. */
function noted(calls: string[], name: string, hooks: { start?: () => void | Promise<void> } = {}) {
  const note = (what: string) => () => void calls.push(`${what} ${name}`);
  return testPlugin({ name: `test.${name}` }, () => ({
    start: () => {
      calls.push(`start ${name}`);
      return hooks.start?.();
    },
    open: note('open'),
    close: note('close'),
    drain: note('drain'),
    stop: note('stop'),
  }));
}

describe('the life of a pipeline', () => {
  it('starts in order of needs, opens, and stops in reverse', async () => {
    const calls: string[] = [];
    const t = new TestPipeline();
    await t.apply({ services: { a: noted(calls, 'a') }, stages: { b: noted(calls, 'b'), c: noted(calls, 'c') } });
    expect(t.engine.state).toBe('running');
    await t.stop();
    expect(calls).toEqual([
      ...['start a', 'start b', 'start c', 'open a', 'open c', 'open b'],
      ...['close a', 'close b', 'close c', 'drain b', 'drain c', 'drain a', 'stop c', 'stop b', 'stop a'],
    ]);
    expect(t.eventTypes().filter((type) => type.startsWith('pipeline.'))).toEqual([
      'pipeline.starting',
      'pipeline.running',
      'pipeline.draining',
      'pipeline.stopped',
    ]);
  });

  it('may be stopped before it starts, and as often as one likes', async () => {
    const t = new TestPipeline();
    await t.stop();
    await Promise.all([t.stop(), t.stop()]);
    expect(t.engine.state).toBe('stopped');
    await expect(t.apply({ stages: { a: testPlugin({}) } })).rejects.toMatchObject({ code: 'GATE_CLOSED' });
  });

  it('stops each node once, though stop is called twice at a time', async () => {
    const calls: string[] = [];
    const t = await testPipeline({ stages: { a: noted(calls, 'a') } });
    await Promise.all([t.stop(), t.stop()]);
    await t.stop();
    expect(calls.filter((call) => call === 'stop a')).toHaveLength(1);
  });

  it('gives up a start that is under way when it is stopped, and lets nobody in', async () => {
    const calls: string[] = [];
    const source = avSource();
    const t = new TestPipeline();
    const slow = testPlugin({}, (ctx) => ({
      start: async () => {
        calls.push('start slow');
        await ctx.clock.sleep(60_000);
      },
      stop: () => void calls.push('stop slow'),
    }));
    const applied = t.apply({ stages: { source: source.plugin, slow, late: noted(calls, 'late') } });
    const refused = expect(applied).rejects.toBeDefined();
    await settle(3);
    expect(calls).toEqual(['start slow']);
    const stopped = t.engine.stop();
    await expect(source.publish('cam1')).rejects.toMatchObject({ code: 'GATE_CLOSED' });
    await stopped;
    await refused;
    expect(t.clock.monotonic()).toBe(0);
    expect(calls).toEqual(['start slow', 'stop slow']);
    expect(t.engine.state).toBe('stopped');
    expect(t.eventTypes()).not.toContain('pipeline.running');
    expect(t.time.timers()).toEqual([]);
  });

  it('fails where a node does not start, says which, stops the others, and may be tried again', async () => {
    const calls: string[] = [];
    let broken = true;
    const fragile = noted(calls, 'fragile', {
      start: () => {
        if (broken) throw new Error('the port is in use');
      },
    });
    const t = new TestPipeline();
    const graph = { services: { a: noted(calls, 'a') }, stages: { fragile } };
    await expect(t.apply(graph)).rejects.toMatchObject({ code: 'STAGE_START_FAILED', message: 'the port is in use' });
    expect([t.engine.state, calls]).toEqual(['failed', ['start a', 'start fragile', 'stop fragile', 'stop a']]);
    broken = false;
    await t.apply(graph);
    expect(t.engine.state).toBe('running');
    await t.stop();
  });

  it('has no way back from stopped', () => {
    expect(mayFollow('stopped', 'starting')).toBe(false);
    expect(mayFollow('created', 'running')).toBe(false);
  });
});

describe('the gate', () => {
  it('lets nobody in before every node has started', async () => {
    const source = avSource();
    let early: unknown;
    const prober = testPlugin({}, (ctx) => ({
      start: async () => {
        early = await ctx.cameras
          .publish({ cameraId: 'cam1', credentials: {}, peer: { address: '::1', protocol: 'test' } })
          .catch((error: EddyError) => error.code);
      },
    }));
    const t = await testPipeline({ stages: { source: source.plugin, prober } });
    expect(early).toBe('GATE_CLOSED');
    await expect(source.publish('cam1')).resolves.toBeDefined();
    await t.stop();
    await expect(source.publish('cam1')).rejects.toMatchObject({ code: 'GATE_CLOSED' });
  });
});

describe('a drain', () => {
  /** source -> first -> second -> sink, with a first stage that holds frames back until it drains. */
  async function chain(options: { drain?: number } = {}) {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' });
    const order: string[] = [];
    const first = passThrough({
      drain: async () => void order.push('first'),
      onItem: async () => {
        await t.clock.sleep(100);
      },
    });
    const second = passThrough({ drain: async () => void order.push('second') });
    const t: TestPipeline = await testPipeline({
      stages: { source: source.plugin, first, second, sink: sink.plugin },
      links: ['source.video -> first.in', 'first.out -> second.in', 'second.out -> sink.in'],
      ...options,
    });
    const track = pen((await source.publish('cam1')).out.video, 'video', video.caps);
    return { t, track, sink: sink.pads.in, order };
  }

  it('passes on everything, in the order of the data', async () => {
    const { t, track, sink, order } = await chain();
    for (const unit of video.frames(8)) track.write(unit);
    const { blocked } = await t.stop();
    expect(blocked).toEqual([]);
    expect(numbers(sink.items())).toEqual(range(0, 8));
    expect(order).toEqual(['first', 'second']);
    expect(sink.tracks()).toMatchObject([{ ended: 'stopped' }]);
  });

  it('names who still blocks at the deadline, and nobody who only waits for it', async () => {
    const { t, track } = await chain({ drain: 300 });
    for (const unit of video.frames(8)) track.write(unit);
    await expect(t.stop()).resolves.toEqual({ blocked: ['first'] });
    expect(t.clock.monotonic()).toBe(300);
    expect(t.logs).toContainEqual(expect.objectContaining({ code: 'DRAIN_TIMEOUT', blocked: ['first'] }));
    expect(t.engine.state).toBe('stopped');
  });

  it('names each of several that block, and ends at once where it is told to', async () => {
    const source = avSource();
    const stuck = () => testPlugin({}, () => ({ drain: () => new Promise<void>(() => {}) }));
    const t = await testPipeline({
      stages: { source: source.plugin, one: stuck(), fine: testPlugin({}), two: stuck() },
    });
    const deadline = AbortSignal.abort();
    await expect(t.engine.stop(deadline)).resolves.toEqual({ blocked: ['one', 'two'] });
    expect(t.clock.monotonic()).toBe(0);
  });

  it('ends the tracks that a stage leaves open, so that those behind it can drain', async () => {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' });
    const forgetful = testPlugin(passThrough().manifest, () => ({
      flow(flow) {
        flow.in.in.onTrack((track: never) => {
          const writer = flow.out.out.addTrack('video', video.caps, { from: track });
          return { item: (unit: never) => void writer.write(unit) };
        });
      },
    }));
    const t = await testPipeline({
      stages: { source: source.plugin, forgetful, sink: sink.plugin },
      links: ['source.video -> forgetful.in', 'forgetful.out -> sink.in'],
    });
    pen((await source.publish('cam1')).out.video, 'video', video.caps).write(video.frame(0));
    await expect(t.stop()).resolves.toEqual({ blocked: [] });
    expect(t.clock.monotonic()).toBe(0);
    expect(sink.pads.in.tracks()).toMatchObject([{ ended: 'stopped' }]);
    expect(t.logs).toContainEqual(expect.objectContaining({ stage: 'forgetful', unended: ['video'] }));
  });

  it('does not wait for an input that the stage never reads', async () => {
    const source = avSource();
    const deaf = testPlugin(passThrough().manifest, () => ({ flow() {} }));
    const t = await testPipeline({
      stages: { source: source.plugin, deaf, sink: capturingSink({ in: 'frames' }).plugin },
      links: ['source.video -> deaf.in', 'deaf.out -> sink.in'],
    });
    pen((await source.publish('cam1')).out.video, 'video', video.caps).write(video.frame(0));
    await expect(t.stop()).resolves.toEqual({ blocked: [] });
    expect(t.clock.monotonic()).toBe(0);
  });
});

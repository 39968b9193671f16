import { describe, expect, it } from 'vitest';
import { Integer, type Flow, type FlowInput, type AnyPlugin } from '../../../core/plugin/index.ts';
import { capturingSink, pen, settle, testPipeline, testPlugin, type GraphSpec } from '../../../core/testing/index.ts';
import { planApply } from '../../../core/engine/plan.ts';
import { graphOf } from '../../../core/testing/index.ts';
import { avSource, numbers, passThrough, range, video } from './support.ts';

describe('apply while a camera plays', () => {
  async function playing() {
    const source = avSource();
    const [sink, late] = [capturingSink({ in: 'frames' }), capturingSink({ in: 'frames' })];
    const base: GraphSpec = {
      stages: { source: source.plugin, sink: sink.plugin },
      links: [{ link: 'source.video -> sink.in', full: 'block' }],
    };
    const t = await testPipeline(base);
    const track = pen((await source.publish('cam1')).out.video, 'video', video.caps);
    let next = 0;
    const write = (count: number): void => {
      for (const unit of video.frames(count, next)) track.write(unit);
      next += count;
    };
    return { t, base, write, sink: sink.pads.in, late };
  }

  it('adds and removes a stage and its links without losing an item', async () => {
    const { t, base, write, sink, late } = await playing();
    write(5);
    let adding = true;
    const added = t
      .apply({
        stages: { ...base.stages, pass: passThrough(), late: late.plugin },
        links: [...base.links!, 'source.video -> pass.in', 'pass.out -> late.in'],
      })
      .finally(() => (adding = false));
    while (adding) {
      write(1);
      await settle();
    }
    await added;
    write(25);
    await settle();
    const written = numbers(late.pads.in.items()).at(-1)!;
    expect(late.pads.in.items()[0]!.key).toBe(true);
    const removed = await t.apply(base);
    expect(removed).toMatchObject({ plan: { remove: ['pass', 'late'], keep: ['source', 'sink'] }, blocked: [] });
    write(10);
    await settle();
    const all = numbers(sink.items());
    expect(all).toEqual(range(0, all.length));
    expect(sink.tracks()).toHaveLength(1);
    expect(sink.discontinuities()).toEqual([]);
    // What the removed stages had taken in was passed on, and told of its end.
    expect(numbers(late.pads.in.items()).at(-1)).toBe(written);
    expect(late.pads.in.tracks()[0]!.ended).toBe('stopped');
    await t.stop();
  });

  it('removes a link alone: its reader, which stays, is told of the end', async () => {
    const { t, base, write, sink, late } = await playing();
    const both = { stages: { ...base.stages, late: late.plugin }, links: [...base.links!, 'source.video -> late.in'] };
    await t.apply(both);
    write(20);
    await t.apply({ ...both, links: base.links! });
    write(5);
    expect(late.pads.in.tracks()).toMatchObject([{ ended: 'stopped', cut: false }]);
    expect(sink.items()).toHaveLength(25);
    await t.apply(both);
    write(10);
    expect(late.pads.in.tracks()[1]!.items[0]!.key).toBe(true);
    await t.stop();
  });

  it('takes a changed queue of a link without a new flow', async () => {
    const { t, base, write, sink } = await playing();
    write(10);
    await t.apply({ ...base, links: [{ link: 'source.video -> sink.in', full: 'drop-newest', queue: '5s' }] });
    write(10);
    expect(sink.tracks().map((track) => [track.ended, track.replaces, numbers(track.items)])).toEqual([
      ['replaced', undefined, range(0, 10)],
      [undefined, 'video', range(10, 20)],
    ]);
    await t.stop();
  });

  it('drains a stage that is removed: upstream first, nothing that was taken in is lost', async () => {
    const { t, base, write, late } = await playing();
    const slow = passThrough({ onItem: () => t.clock.sleep(100) });
    await t.apply({
      stages: { ...base.stages, slow, late: late.plugin },
      links: [...base.links!, 'source.video -> slow.in', 'slow.out -> late.in'],
    });
    write(5);
    await settle();
    await t.time.run(t.apply(base));
    expect(numbers(late.pads.in.items())).toEqual(range(0, 5));
    await t.stop();
  });
});

describe('a changed configuration', () => {
  const configured = (calls: string[], reconfigure?: (config: { n: number }) => boolean): AnyPlugin =>
    testPlugin({ name: 'test.configured', config: { n: Integer({ doc: 'A number.', default: 1 }) } }, (ctx) => ({
      start: () => void calls.push(`start ${ctx.config.n}`),
      stop: () => void calls.push(`stop ${ctx.config.n}`),
      ...(reconfigure && {
        reconfigure: (config: { n: number }) => {
          calls.push(`reconfigure ${config.n}`);
          return reconfigure(config);
        },
      }),
    }));
  const graph = (plugin: AnyPlugin, n: number, more: GraphSpec['stages'] = {}): GraphSpec => ({
    stages: { it: { plugin, config: { n } }, ...more },
  });

  it('is taken in place where the plugin can, else the node is replaced', async () => {
    const calls: string[] = [];
    const plugin = configured(calls, ({ n }) => n < 3);
    const t = await testPipeline(graph(plugin, 1));
    await t.apply(graph(plugin, 1));
    expect(calls).toEqual(['start 1']);
    await t.apply(graph(plugin, 2));
    expect(calls).toEqual(['start 1', 'reconfigure 2']);
    await t.apply(graph(plugin, 3));
    expect(calls.slice(2)).toEqual(['reconfigure 3', 'stop 1', 'start 3']);
    await t.stop();
  });

  it('replaces a plugin that cannot, or throws', async () => {
    const calls: string[] = [];
    const plain = configured(calls);
    const t = await testPipeline(graph(plain, 1));
    await t.apply(graph(plain, 2));
    expect(calls).toEqual(['start 1', 'stop 1', 'start 2']);
    await t.stop();
    calls.length = 0;
    const throwing = configured(calls, () => {
      throw new Error('no');
    });
    const u = await testPipeline(graph(throwing, 1));
    await u.apply(graph(throwing, 2));
    expect(calls).toEqual(['start 1', 'reconfigure 2', 'stop 1', 'start 2']);
    await u.stop();
  });

  it('is rolled back with everything else where a node does not start', async () => {
    const calls: string[] = [];
    const inPlace = configured(calls, () => true);
    const broken = testPlugin({ name: 'test.broken' }, () => ({
      start: () => {
        throw new Error('broken');
      },
    }));
    const plain: string[] = [];
    const replaced = configured(plain);
    const before: GraphSpec = {
      stages: { it: { plugin: inPlace, config: { n: 1 } }, other: { plugin: replaced, config: { n: 1 } } },
    };
    const t = await testPipeline(before);
    const after: GraphSpec = {
      stages: { it: { plugin: inPlace, config: { n: 2 } }, other: { plugin: replaced, config: { n: 2 } }, broken },
    };
    await expect(t.apply(after)).rejects.toThrow('broken');
    expect(calls).toEqual(['start 1', 'reconfigure 2', 'reconfigure 1']);
    expect(plain).toEqual(['start 1', 'stop 1', 'start 2', 'stop 2', 'start 1']);
    expect(t.engine.graph!.nodes.map((node) => [node.name, node.config])).toEqual([
      ['it', { n: 1 }],
      ['other', { n: 1 }],
    ]);
    expect(t.engine.state).toBe('running');
    // The graph before is what the next one is compared with.
    await expect(t.apply(before)).resolves.toMatchObject({ plan: { keep: ['it', 'other'], change: [] } });
    await t.stop();
  });
});

describe('a replaced plugin', () => {
  it('may have other pads and other services under the same name', async () => {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' });
    const t = await testPipeline({
      stages: { source: source.plugin, it: sink.plugin },
      links: ['source.video -> it.in'],
    });
    const other = testPlugin({ name: 'test.other', inputs: passThrough().manifest.inputs }, () => ({
      flow: (flow: Flow) => (flow.in as unknown as { in: FlowInput<'frames'> }).in.onTrack(() => ({ item() {} })),
    }));
    await t.apply({ stages: { source: source.plugin, it: other }, links: ['source.video -> it.in'] });
    expect(t.engine.state).toBe('running');
    await t.stop();
  });
});

describe('applies', () => {
  it('wait for each other', async () => {
    const steps: string[] = [];
    const slow = (name: string): AnyPlugin =>
      testPlugin({ name: `test.${name}` }, (ctx) => ({
        start: async () => {
          steps.push(`start ${name}`);
          await ctx.clock.sleep(100);
          steps.push(`started ${name}`);
        },
      }));
    const [a, b] = [slow('a'), slow('b')];
    const t = await testPipeline({ stages: {} });
    const both = Promise.all([t.apply({ stages: { a } }), t.apply({ stages: { a, b } })]);
    await t.time.run(both);
    expect(steps).toEqual(['start a', 'started a', 'start b', 'started b']);
    await t.stop();
  });

  it('are planned as plain data', () => {
    const plugin = (name: string, version = '1.0.0'): AnyPlugin => testPlugin({ name: `test.${name}`, version });
    const before = graphOf({ stages: { same: plugin('x'), gone: plugin('x'), newer: plugin('x') } });
    const after = graphOf({ stages: { same: plugin('x'), newer: plugin('x', '1.1.0'), fresh: plugin('y') } });
    expect(planApply(before, after)).toEqual({
      keep: ['same'],
      change: [],
      replace: ['newer'],
      add: ['fresh'],
      remove: ['gone'],
      links: { add: [], remove: [] },
    });
  });
});

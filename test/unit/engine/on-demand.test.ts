import { describe, expect, it } from 'vitest';
import { contract } from '../../../core/contracts/index.ts';
import type { AnyPlugin, Context } from '../../../core/plugin/index.ts';
import { capturingSink, pen, testPipeline, testPlugin, type TestPipeline } from '../../../core/testing/index.ts';
import { avSource, numbers, passThrough, range, video } from './support.ts';

/** A stage that passes on and counts its starts, stops and flows. */
function counted(inner: AnyPlugin = passThrough()) {
  const counts = { starts: 0, stops: 0, flows: 0 };
  const contexts: Context[] = [];
  const plugin = {
    manifest: inner.manifest,
    load: async () => {
      const { create } = await inner.load();
      return {
        create: (context: Context) => {
          contexts.push(context);
          const running = create(context as never) as { flow(flow: never): unknown };
          return {
            ...running,
            start: () => void (counts.starts += 1),
            stop: () => void (counts.stops += 1),
            flow(flow: { scope: { add(undo: () => void): void } }) {
              counts.flows += 1;
              flow.scope.add(() => void (counts.flows -= 1));
              return running.flow(flow as never);
            },
          };
        },
      };
    },
  } as AnyPlugin;
  return { plugin, counts, contexts };
}

interface Shown {
  readonly name: string;
  readonly state: string;
  readonly cameras?: number;
}

const shown = (t: TestPipeline, stage: string): Shown | undefined =>
  (t.engine.view.snapshot().nodes as Shown[]).find(({ name }) => name === stage);

/** source -> rung -> sink, and the sink says whether it wants. */
async function rung(wanted = false) {
  const source = avSource();
  const sink = capturingSink({ in: 'frames' });
  sink.pads.in.want(wanted);
  const stage = counted();
  const graph = {
    stages: {
      source: source.plugin,
      rung: { plugin: stage.plugin, start: 'on-demand', linger: 5000 },
      sink: sink.plugin,
    },
    links: ['source.video -> rung.in', 'rung.out -> sink.in'],
  } as const;
  const t = await testPipeline(graph);
  const publish = async (id: string) => pen((await source.publish(id)).out.video, 'video', video.caps);
  return { t, source, sink: sink.pads.in, counts: stage.counts, contexts: stage.contexts, graph, publish };
}

describe('a stage that runs on demand', () => {
  it('starts with its first use, lingers after its last, and is started anew', async () => {
    const { t, sink, counts, publish } = await rung();
    expect([shown(t, 'rung'), t.engine.view.ready()]).toMatchObject([{ state: 'idle', cameras: 0 }, { ready: true }]);
    const track = await publish('cam1');
    track.write(video.frame(0));
    await t.advance(60_000);
    expect(counts).toEqual({ starts: 0, stops: 0, flows: 0 });
    const [link] = t.camera('cam1')!.tracks[0]!.links;
    expect(link).toMatchObject({ active: false, reason: 'rung runs on demand, and nobody wants it now' });

    sink.want(true);
    await t.advance(0);
    expect([counts, shown(t, 'rung')]).toMatchObject([
      { starts: 1, flows: 1 },
      { state: 'running', cameras: 1 },
    ]);
    for (const unit of video.frames(10, 10)) track.write(unit);
    await t.advance(0);
    expect(numbers(sink.items())).toEqual(range(10, 20));

    sink.want(false);
    await t.advance(4000);
    sink.want(true);
    await t.advance(10_000);
    expect(counts).toEqual({ starts: 1, stops: 0, flows: 1 });
    sink.want(false);
    await t.advance(4999);
    expect(counts.flows).toBe(1);
    await t.advance(1);
    expect(counts).toEqual({ starts: 1, stops: 1, flows: 0 });
    expect([shown(t, 'rung')!.state, t.engine.state]).toEqual(['idle', 'running']);

    sink.want(true);
    await t.advance(0);
    for (const unit of video.frames(10, 30)) track.write(unit);
    await t.advance(0);
    expect(counts).toEqual({ starts: 2, stops: 1, flows: 1 });
    expect(numbers(sink.items())).toEqual([...range(10, 20), ...range(30, 40)]);
    await t.stop();
    expect(counts).toEqual({ starts: 2, stops: 2, flows: 0 });
  });

  it('has a part of those cameras alone that want it, and runs until the last one', async () => {
    const { t, sink, counts, publish } = await rung(true);
    const [one] = [await publish('cam1'), await publish('cam2')];
    await t.advance(0);
    expect([counts, shown(t, 'rung')]).toMatchObject([{ starts: 1, flows: 2 }, { cameras: 2 }]);
    one.end();
    await t.advance(0);
    expect(counts.flows).toBe(2);
    sink.want(false);
    await t.advance(5000);
    expect([counts, shown(t, 'rung')]).toMatchObject([{ stops: 1, flows: 0 }, { cameras: 0 }]);
    await t.stop();
  });

  it('goes with its last camera', async () => {
    const { t, source, counts } = await rung(true);
    const publication = await source.publish('cam1');
    pen(publication.out.video, 'video', video.caps).write(video.frame(0));
    await t.advance(0);
    expect(counts.flows).toBe(1);
    publication.end();
    await t.advance(29_999);
    expect(counts).toEqual({ starts: 1, stops: 0, flows: 1 });
    await t.advance(1);
    expect(counts).toEqual({ starts: 1, stops: 1, flows: 0 });
    await t.stop();
  });

  it('does no work on a route that is not taken, nor for a camera without a track for it', async () => {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' }, { pad: { accepts: [{ codec: 'h264' }] } });
    const convert = counted(passThrough({ accepts: [{ codec: 'hevc' }] }));
    const t = await testPipeline({
      stages: {
        source: source.plugin,
        convert: { plugin: convert.plugin, start: 'on-demand' },
        sink: sink.plugin,
      },
      links: ['source.video -> convert.in', 'source.video | convert.out -> sink.in'],
    });
    const track = pen((await source.publish('cam1')).out.video, 'video', video.caps);
    track.write(video.frame(0));
    await t.advance(1000);
    expect([convert.counts.starts, numbers(sink.pads.in.items())]).toEqual([0, [0]]);
    pen((await source.publish('cam2')).out.video, 'video', { ...video.caps, codec: 'hevc' });
    await t.advance(0);
    expect(convert.counts).toMatchObject({ starts: 1, flows: 1 });
    await t.stop();
  });

  it('wakes a chain of such stages, and is tried again by its rule where it fails', async () => {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' });
    sink.pads.in.want(false);
    const [first, second] = [counted(), counted()];
    const t = await testPipeline({
      stages: {
        source: source.plugin,
        first: { plugin: first.plugin, start: 'on-demand', linger: 1000 },
        second: { plugin: second.plugin, start: 'on-demand', linger: 1000 },
        sink: sink.plugin,
      },
      links: ['source.video -> first.in', 'first.out -> second.in', 'second.out -> sink.in'],
    });
    const track = pen((await source.publish('cam1')).out.video, 'video', video.caps);
    sink.pads.in.want(true);
    await t.advance(0);
    for (const unit of video.frames(10)) track.write(unit);
    await t.advance(0);
    expect(numbers(sink.pads.in.items())).toEqual(range(0, 10));
    second.contexts[0]!.fail(new Error('ill'));
    await t.advance(0);
    expect([t.engine.state, t.engine.view.ready().reasons]).toEqual(['degraded', ['"second" is not running']]);
    await t.advance(500);
    expect([t.engine.state, second.counts.starts, first.counts.starts]).toEqual(['running', 2, 1]);
    for (const unit of video.frames(10, 10)) track.write(unit);
    await t.advance(0);
    expect(numbers(sink.pads.in.items())).toEqual(range(0, 20));
    sink.pads.in.want(false);
    await t.advance(1000);
    expect([first.counts.flows, second.counts.flows]).toEqual([0, 0]);
    await t.stop();
  });

  it('follows apply: to always, and back', async () => {
    const { t, counts, graph, publish } = await rung();
    await publish('cam1');
    const always = { ...graph, stages: { ...graph.stages, rung: { plugin: graph.stages.rung.plugin } } };
    await t.apply(always);
    await t.advance(0);
    expect(counts).toEqual({ starts: 1, stops: 0, flows: 1 });
    await t.apply(graph);
    await t.advance(5000);
    expect(counts).toEqual({ starts: 1, stops: 1, flows: 0 });
    await t.stop();
  });
});

describe('a service that runs on demand', () => {
  it('runs while a running node needs it, and starts before that node', async () => {
    const order: string[] = [];
    const Encoder = contract<{ encode(): Promise<string> }>('test.encoder', 1, 'Encodes.');
    const encoder = testPlugin({ name: 'test.encoder', provides: { encoder: Encoder } }, () => ({
      services: { encoder: { encode: () => Promise.resolve('done') } },
      start: () => void order.push('encoder'),
      stop: () => void order.push('encoder stops'),
    }));
    const sink = capturingSink({ in: 'frames' });
    sink.pads.in.want(false);
    const source = avSource();
    const inner = passThrough({ manifest: { needs: { encoder: Encoder } } });
    const user = {
      manifest: inner.manifest,
      load: async () => {
        const { create } = await inner.load();
        return {
          create: (context: Context) => ({
            ...(create(context as never) as object),
            start: async () => {
              order.push(
                await (context.services as unknown as { encoder: { encode(): Promise<string> } }).encoder.encode(),
              );
            },
            stop: () => void order.push('user stops'),
          }),
        };
      },
    } as AnyPlugin;
    const t = await testPipeline({
      services: { encoder: { plugin: encoder, start: 'on-demand' } },
      stages: {
        source: source.plugin,
        user: { plugin: user, start: 'on-demand', linger: 100 },
        sink: sink.plugin,
      },
      links: ['source.video -> user.in', 'user.out -> sink.in'],
    });
    pen((await source.publish('cam1')).out.video, 'video', video.caps);
    expect(order).toEqual([]);
    sink.pads.in.want(true);
    await t.advance(0);
    expect(order).toEqual(['encoder', 'done']);
    sink.pads.in.want(false);
    await t.advance(100);
    expect(order).toEqual(['encoder', 'done', 'user stops', 'encoder stops']);
    expect(shown(t, 'encoder')!.state).toBe('idle');
    await t.stop();
  });
});

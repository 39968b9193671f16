import { describe, expect, it } from 'vitest';
import type { CheckedGraph } from '../../../core/graph/checked.ts';
import { capturingSink, pen, settle, testPipeline, type ScriptedPublication } from '../../../core/testing/index.ts';
import { audio, avSource, numbers, passThrough, video } from './support.ts';

type Av = ScriptedPublication<{ readonly video: 'frames'; readonly audio: 'frames' }>;

async function twoIngests(secondPublisher: CheckedGraph['cameras']['secondPublisher']) {
  const [rtmp, whip] = [avSource(), avSource()];
  const sink = capturingSink({ video: 'frames', audio: 'frames' });
  const t = await testPipeline({
    cameras: { secondPublisher, linger: 5000 },
    stages: { rtmp: rtmp.plugin, whip: whip.plugin, sink: sink.plugin },
    links: ['rtmp.video | whip.video -> sink.video', 'rtmp.audio | whip.audio -> sink.audio'],
  });
  /** Both tracks of a publication; frames of the second are numbered from 100. */
  const write = (publication: Av) => {
    const [v, a] = [pen(publication.out.video, 'video', video.caps), pen(publication.out.audio, 'audio', audio.caps)];
    return (from: number, count: number): void => {
      for (let i = from; i < from + count; i++) {
        v.write(video.frame(i));
        a.write(audio.frame(i));
      }
    };
  };
  return { t, rtmp, whip, sink: sink.pads, write };
}

const aborted = (publication: Av): string | undefined =>
  (publication.signal.reason as { code?: string } | undefined)?.code;

describe('a second publisher', () => {
  it('is refused where the pipeline says so, through any ingest', async () => {
    const { t, rtmp, whip, sink, write } = await twoIngests('refuse');
    const first = await rtmp.publish('cam1');
    const writeFirst = write(first);
    await expect(whip.publish('cam1')).rejects.toMatchObject({ code: 'PUBLISH_CONFLICT' });
    await expect(rtmp.publish('cam1')).rejects.toMatchObject({ code: 'PUBLISH_CONFLICT' });
    writeFirst(0, 3);
    expect(numbers(sink.video.items())).toEqual([0, 1, 2]);
    first.end();
    await expect(whip.publish('cam1')).resolves.toBeDefined();
    await t.stop();
  });

  it('takes over: the first is told, and its tracks end together', async () => {
    const { t, rtmp, whip, sink, write } = await twoIngests('take-over');
    const first = await rtmp.publish('cam1');
    const writeFirst = write(first);
    writeFirst(0, 3);
    const second = await whip.publish('cam1');
    expect(aborted(first)).toBe('PUBLISH_REPLACED');
    writeFirst(3, 3);
    const writeSecond = write(second);
    writeSecond(105, 10);
    expect(sink.video.tracks().map((track) => [numbers(track.items), track.ended])).toEqual([
      [[0, 1, 2], 'replaced'],
      [[110, 111, 112, 113, 114], undefined],
    ]);
    expect(sink.video.tracks()[1]!.replaces).toBe('video');
    expect(sink.audio.tracks().map((track) => track.ended)).toEqual(['replaced', undefined]);
    expect(t.camera('cam1')!.publications).toMatchObject([{ stage: 'whip', active: true }]);
    await t.stop();
  });

  it('stands by: watched, without demand, elected when the first goes', async () => {
    const { t, rtmp, whip, sink, write } = await twoIngests('standby');
    const first = await rtmp.publish('cam1');
    const writeFirst = write(first);
    writeFirst(0, 3);
    const second = await whip.publish('cam1');
    const writeSecond = write(second);
    expect(second.out.video.wanted).toBe(false);
    writeSecond(100, 3);
    writeFirst(3, 2);
    expect(t.camera('cam1')!.publications).toMatchObject([
      { stage: 'rtmp', active: true },
      { stage: 'whip', active: false },
    ]);
    expect(numbers(sink.video.items())).toEqual([0, 1, 2, 3, 4]);
    first.end('publisher-ended');
    expect(second.out.video.wanted).toBe(true);
    writeSecond(103, 10);
    expect(sink.video.tracks().map((track) => [numbers(track.items), track.ended])).toEqual([
      [[0, 1, 2, 3, 4], 'publisher-ended'],
      [[110, 111, 112], undefined],
    ]);
    expect(t.eventTypes('cam1').filter((type) => type.startsWith('camera.'))).toEqual(['camera.live']);
    await t.stop();
  });

  it('goes first with a higher priority, and back to the waiting one at its end', async () => {
    const { t, rtmp, whip, sink, write } = await twoIngests('standby');
    const low = await rtmp.publish('cam1');
    const writeLow = write(low);
    writeLow(0, 3);
    const high = await whip.publish('cam1', { priority: 10 });
    const writeHigh = write(high);
    writeHigh(100, 3);
    writeLow(3, 3);
    expect(low.signal.aborted).toBe(false);
    high.end();
    writeLow(6, 6);
    expect(sink.video.tracks().map((track) => numbers(track.items))).toEqual([
      [0, 1, 2],
      [100, 101, 102],
      [10, 11],
    ]);
    expect(sink.audio.tracks()).toHaveLength(3);
    await t.stop();
  });

  it('of two that wait, the higher priority goes first, else the elder', async () => {
    const { t, rtmp, whip } = await twoIngests('standby');
    const first = await rtmp.publish('cam1');
    await whip.publish('cam1', { peer: { address: '10.0.0.1' } });
    await whip.publish('cam1', { peer: { address: '10.0.0.2' } });
    const urgent = await whip.publish('cam1', { priority: -1, peer: { address: '10.0.0.3' } });
    const active = (): string => t.camera('cam1')!.publications.find((each) => each.active)!.peer;
    first.end();
    expect(active()).toBe('test:10.0.0.1');
    urgent.end();
    expect(active()).toBe('test:10.0.0.1');
    await t.stop();
  });

  for (const policy of ['take-over', 'standby'] as const) {
    it(`never mixes audio and video of two publishers (${policy}, each killed in turn)`, async () => {
      const { t, rtmp, whip, sink, write } = await twoIngests(policy);
      // Audio of the second has another sample rate, video another size: any mixture shows.
      const seen: (readonly [string | undefined, string | undefined])[] = [];
      const look = (): void => {
        const live = (pad: 'video' | 'audio') => sink[pad].tracks().filter((track) => track.ended === undefined);
        expect(live('video').length).toBeLessThanOrEqual(1);
        expect(live('audio').length).toBeLessThanOrEqual(1);
        const clocks = [live('video')[0]?.track.clock, live('audio')[0]?.track.clock];
        if (clocks[0] && clocks[1]) expect(clocks[0]).toBe(clocks[1]);
        seen.push([live('video')[0]?.id, live('audio')[0]?.id]);
      };
      let publications = [await rtmp.publish('cam1')];
      for (let round = 0; round < 6; round++) {
        const writing = write(publications[0]!);
        writing(round * 20, 12);
        look();
        const next = await (round % 2 === 0 ? whip : rtmp).publish('cam1');
        look();
        publications[0]!.end();
        look();
        publications = [next];
      }
      expect(seen.some(([v, a]) => v !== undefined && a !== undefined)).toBe(true);
      await t.stop();
    });
  }
});

describe('publishing', () => {
  it('refuses what is no camera name, and shows no more than needed of it', async () => {
    const { t, rtmp } = await twoIngests('refuse');
    for (const name of ['', 'a/b', '../etc', 'ä', 'x'.repeat(65), '.hidden']) {
      await expect(rtmp.publish(name)).rejects.toMatchObject({ code: 'CAMERA_ID_INVALID' });
    }
    await expect(rtmp.publish('x'.repeat(5000))).rejects.toThrow(/^.{0,200}$/s);
    await t.stop();
  });

  it('ends once, whoever ends it first', async () => {
    const { t, rtmp, sink, write } = await twoIngests('refuse');
    const publication = await rtmp.publish('cam1');
    write(publication)(0, 2);
    publication.end();
    publication.end();
    expect(publication.signal.aborted).toBe(true);
    expect(sink.video.tracks().map((track) => track.events.filter((event) => event.type === 'end').length)).toEqual([
      1,
    ]);
    expect(t.eventTypes('cam1').filter((type) => type === 'publication.ended')).toHaveLength(1);
    await t.stop();
  });
});

describe('linger', () => {
  async function lingering() {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' });
    const flows: string[] = [];
    const pass = passThrough({
      onFlow: (flow) => {
        flows.push('open');
        flow.scope.add(() => void flows.push('close'));
      },
    });
    const t = await testPipeline({
      cameras: { linger: 5000 },
      stages: { source: source.plugin, pass, sink: sink.plugin },
      links: ['source.video -> pass.in', 'pass.out -> sink.in'],
    });
    return { t, source, sink: sink.pads.in, flows };
  }

  it('keeps the flow for a publisher that returns', async () => {
    const { t, source, sink, flows } = await lingering();
    const first = await source.publish('cam1');
    pen(first.out.video, 'video', video.caps).write(video.frame(0));
    first.end();
    expect(t.camera('cam1')!.state).toBe('lingering');
    await t.advance(4999);
    const second = await source.publish('cam1');
    expect(t.camera('cam1')!.state).toBe('live');
    pen(second.out.video, 'video', video.caps).write(video.frame(10));
    await t.advance(10_000);
    expect(flows).toEqual(['open']);
    expect(sink.tracks().map((track) => [numbers(track.items), track.replaces])).toEqual([
      [[0], undefined],
      [[10], 'video'],
    ]);
    await t.stop();
    expect(flows).toEqual(['open', 'close']);
  });

  it('lets the flow go afterwards: the camera is away, and a return opens a new one', async () => {
    const { t, source, flows } = await lingering();
    (await source.publish('cam1')).end();
    await t.advance(5000);
    expect(t.camera('cam1')!.state).toBe('away');
    expect(flows).toEqual(['open', 'close']);
    await source.publish('cam1');
    expect(flows).toEqual(['open', 'close', 'open']);
    expect(t.eventTypes('cam1').filter((type) => type.startsWith('camera.'))).toEqual([
      'camera.live',
      'camera.lingering',
      'camera.away',
      'camera.live',
    ]);
    await t.stop();
  });

  it('passes on what is still queued before the flow goes', async () => {
    const { t, source, sink } = await lingering();
    const publication = await source.publish('cam1');
    const track = pen(publication.out.video, 'video', video.caps);
    sink.hold();
    for (const unit of video.frames(6)) track.write(unit);
    await settle();
    publication.end();
    await t.advance(5000);
    expect(t.camera('cam1')!.state).toBe('lingering');
    sink.release();
    await t.advance(1);
    expect(numbers(sink.items())).toEqual([0, 1, 2, 3, 4, 5]);
    expect(sink.tracks()[0]).toMatchObject({ ended: 'publisher-ended' });
    expect(t.camera('cam1')!.state).toBe('away');
    await t.stop();
  });

  it('makes a publisher that comes while the flow closes wait for a new one', async () => {
    const { t, source, sink, flows } = await lingering();
    const publication = await source.publish('cam1');
    const track = pen(publication.out.video, 'video', video.caps);
    sink.hold();
    for (const unit of video.frames(3)) track.write(unit);
    await settle();
    publication.end();
    await t.advance(5000);
    let next: unknown;
    void source.publish('cam1').then((accepted) => (next = accepted));
    await settle();
    expect(next).toBeUndefined();
    sink.release();
    await settle();
    expect(next).toBeDefined();
    expect(flows).toEqual(['open', 'close', 'open']);
    expect(t.camera('cam1')!.state).toBe('live');
    await t.stop();
  });
});

it('a camera that is away leaves no meters behind, and its links keep their totals', async () => {
  const { t, rtmp, write } = await twoIngests('refuse');
  const publication = await rtmp.publish('cam1');
  write(publication)(0, 3);
  const link = 'rtmp.video | whip.video -> sink.video';
  const itemsOf = (): number =>
    (t.engine.view.snapshot()['links'] as { id: string; items: number }[]).find(({ id }) => id === link)!.items;
  expect(await t.metric('link_items_total', { link, camera: 'cam1' })).toBe(3);
  const before = itemsOf();
  publication.end();
  await t.advance(6000);
  expect(t.camera('cam1')!.state).toBe('away');
  expect(await t.engine.view.metrics()).not.toContain('camera="cam1"');
  expect(itemsOf()).toBe(before);
  await t.stop();
});

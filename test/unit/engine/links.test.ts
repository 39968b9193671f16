import { describe, expect, it } from 'vitest';
import { capturingSink, pen, settle, testPipeline, type TestPipeline } from '../../../core/testing/index.ts';
import { meetBar } from '../../bar.ts';
import { avSource, numbers, passThrough, range, video } from './support.ts';

/** One source into two sinks by links with these options. */
async function fanOut(slow: { full: 'block' | 'drop-to-keyframe' | 'drop-newest' | 'spill'; queue?: string }) {
  const source = avSource();
  const [a, b] = [capturingSink({ in: 'frames' }), capturingSink({ in: 'frames' })];
  const t = await testPipeline({
    stages: { source: source.plugin, slow: a.plugin, quick: b.plugin },
    links: [{ link: 'source.video -> slow.in', queue: '1s', ...slow }, 'source.video -> quick.in'],
  });
  const publication = await source.publish('cam1');
  const track = pen(publication.out.video, 'video', video.caps);
  return { t, publication, track, slow: a.pads.in, quick: b.pads.in };
}

/** Items that a link dropped, by reason, as `/metrics` has them. */
async function dropsOf(t: TestPipeline, link: string): Promise<Record<string, number>> {
  const metrics = await t.engine.view.metrics();
  const lines = metrics.split('\n').filter((line) => line.startsWith('eddy_link_drops_total{') && line.includes(link));
  return Object.fromEntries(
    lines.map((line) => [/reason="([^"]+)"/.exec(line)![1]!, Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

describe('a slow branch', () => {
  for (const full of ['drop-to-keyframe', 'drop-newest', 'spill'] as const) {
    it(`with "${full}" never delays another, nor its writer`, async () => {
      const { t, track, slow, quick } = await fanOut({ full });
      slow.hold();
      for (const unit of video.frames(200)) expect(track.write(unit)).toBe(true);
      expect(numbers(quick.items())).toEqual(range(0, 200));
      await track.ready();
      let delivered = false;
      if (full !== 'spill') {
        void track.deliver(video.frame(200)).then(() => (delivered = true));
        await settle();
        expect(delivered).toBe(true);
      }
      expect(slow.items()).toHaveLength(1);
      await t.stop();
    });

    it(`with "${full}" counts every item that it drops`, async () => {
      const { t, track, slow, quick } = await fanOut({ full });
      slow.hold();
      for (const unit of video.frames(200)) track.write(unit);
      const meanwhile = quick.items().length;
      slow.release();
      await settle();
      for (const unit of video.frames(20, 200)) track.write(unit);
      await settle();
      const labels = { link: 'source.video -> slow.in' };
      const dropped = await t.metric('link_drops_total', labels);
      expect(dropped).toBeGreaterThan(0);
      expect(dropped + (await t.metric('link_items_total', labels))).toBe(220);
      expect(slow.items()).toHaveLength(220 - dropped);
      expect(slow.discontinuities()).toContain('frames-dropped');
      // What follows a cut begins at a key frame.
      const events = slow.events();
      for (const [i, event] of events.entries()) {
        const next = events[i + 1];
        if (event.type === 'discontinuity' && next?.type === 'item') expect(next.item.key).toBe(true);
      }
      const drops = await dropsOf(t, labels.link);
      const counted = Object.values(drops).reduce((sum, count) => sum + count, 0);
      meetBar({
        what: `links: a slow branch with "${full}"`,
        bar: 'never delays another; every drop counted with its reason',
        measured: `the other branch had ${meanwhile} of 200 frames while this one stood; 220 frames: ${slow.items().length} passed, ${JSON.stringify(drops)} dropped`,
        pass: meanwhile === 200 && counted + slow.items().length === 220,
      });
      await t.stop();
    });
  }

  it('with "block" pushes back by name, and loses nothing of a writer that waits', async () => {
    const { t, track, slow, quick } = await fanOut({ full: 'block' });
    slow.hold();
    const answers = video.frames(12).map((unit) => track.write(unit));
    // 0 is with the reader, 1 to 11 span one second.
    expect(answers.every(Boolean)).toBe(true);
    expect(track.write(video.frame(12))).toBe(false);
    let ready = 0;
    void track.ready().then(() => (ready += 1));
    void track.ready().then(() => (ready += 1));
    await settle();
    expect(ready).toBe(0);
    expect(await t.metric('link_back_pressure_total', { link: 'source.video -> slow.in' })).toBe(1);
    slow.release(1);
    await settle();
    expect(ready).toBe(2);
    slow.release();
    await settle();
    expect(numbers(slow.items())).toEqual(range(0, 13));
    expect(numbers(quick.items())).toEqual(range(0, 13));
    await t.stop();
  });

  it('lets a writer go on that asks for room before each item, at the very bound of the queue', async () => {
    const { t, track, slow } = await fanOut({ full: 'block' });
    slow.hold();
    let written = 0;
    const writing = (async () => {
      for (const unit of video.frames(40)) {
        await track.ready();
        track.write(unit);
        written += 1;
      }
    })();
    await settle();
    expect(written).toBe(13);
    slow.release();
    await writing;
    await settle();
    expect(slow.items()).toHaveLength(40);
    await t.stop();
  });

  it('tells how much waits while its reader is stuck', async () => {
    const { t, track, slow } = await fanOut({ full: 'block' });
    slow.hold();
    for (const unit of video.frames(8)) track.write(unit);
    expect(await t.metric('link_queue_seconds', { link: 'source.video -> slow.in' })).toBeCloseTo(0.6);
    await t.stop();
  });
});

describe('deliver', () => {
  it('settles when every consumer that acknowledges has finished', async () => {
    const { t, track, slow } = await fanOut({ full: 'spill' });
    slow.hold();
    let done = false;
    const delivered = track.deliver(video.frame(0)).then(() => (done = true));
    await settle();
    expect(done).toBe(false);
    slow.release();
    await delivered;
    await t.stop();
  });

  it('rejects where a consumer failed over the item', async () => {
    const { t, track, slow } = await fanOut({ full: 'spill' });
    slow.failNext(new Error('disk full'));
    await expect(track.deliver(video.frame(0))).rejects.toMatchObject({ code: 'DELIVERY_FAILED' });
    await t.stop();
  });

  it('settles when the track has ended or nobody is linked', async () => {
    const { t, track } = await fanOut({ full: 'block' });
    track.end();
    await track.deliver(video.frame(0));
    expect(track.write(video.frame(1))).toBe(false);
    await t.stop();
  });
});

describe('a reader that throws', () => {
  it('fails its own part of this camera only, and comes back at a key frame', async () => {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' });
    const quick = capturingSink({ in: 'frames' });
    const t = await testPipeline({
      stages: { source: source.plugin, sink: sink.plugin, quick: quick.plugin },
      links: ['source.video -> sink.in, quick.in'],
    });
    const one = pen((await source.publish('cam1')).out.video, 'video', video.caps);
    const two = pen((await source.publish('cam2')).out.video, 'video', video.caps);
    let asked = 0;
    one.onKeyFrameRequest(() => (asked += 1));
    for (const unit of video.frames(5)) (one.write(unit), two.write(unit));
    sink.pads.in.failNext(new Error('poison'), 'cam1');
    for (const unit of video.frames(7, 5)) (one.write(unit), two.write(unit));
    expect(t.camera('cam1')?.findings).toMatchObject([{ code: 'FLOW_FAILED', stage: 'sink', message: 'poison' }]);
    expect(t.camera('cam2')?.findings).toEqual([]);
    asked = 0;
    await t.advance(499);
    expect(sink.pads.in.tracks('cam1')).toHaveLength(1);
    await t.advance(1);
    expect(asked).toBe(1);
    for (const unit of video.frames(12, 12)) (one.write(unit), two.write(unit));
    const [before, after] = sink.pads.in.tracks('cam1');
    expect(before).toMatchObject({ cut: true, ended: undefined });
    expect(after).toMatchObject({ id: 'video', replaces: 'video' });
    expect(numbers(after!.items)).toEqual(range(20, 24));
    // Neither the neighbour nor the other camera lost anything.
    expect(numbers(quick.pads.in.items('cam1'))).toEqual(range(0, 24));
    expect(numbers(sink.pads.in.items('cam2'))).toEqual(range(0, 24));
    expect(t.engine.state).toBe('running');
    await t.stop();
  });

  it('waits longer from one failure to the next, then gives up for this camera', async () => {
    const source = avSource();
    const opened: number[] = [];
    const poison = passThrough({
      onFlow: () => opened.push(t.clock.monotonic()),
      onItem: () => {
        throw new Error('always');
      },
    });
    const t: TestPipeline = await testPipeline({
      stages: { source: source.plugin, poison, sink: capturingSink({ in: 'frames' }).plugin },
      links: ['source.video -> poison.in', 'poison.out -> sink.in'],
      supervise: { backoff: { min: 100, max: 1000 }, max: { count: 3, within: 60_000 } },
    });
    const track = pen((await source.publish('cam1')).out.video, 'video', video.caps);
    for (let ms = 0; ms < 3000; ms += 50) {
      track.write(video.frame(0));
      await t.advance(50);
    }
    expect(opened).toEqual([0, 100, 300, 700]);
    expect(t.camera('cam1')?.findings.map((finding) => finding.code)).toContain('STAGE_GAVE_UP');
    await t.stop();
  });
});

describe('a change of a track', () => {
  it('is one track that ends and one that begins and names it, in order, though the reader is slow', async () => {
    const { t, publication, track, slow } = await fanOut({ full: 'block' });
    slow.hold();
    for (const unit of video.frames(3)) track.write(unit);
    const larger = { ...video.caps, width: 640 };
    const next = publication.out.video.addTrack('video', larger, { replaces: track });
    for (const unit of video.frames(3, 10)) next.write(unit);
    await settle();
    expect(slow.tracks()).toHaveLength(1);
    slow.release();
    await settle();
    const [before, after] = slow.tracks();
    expect(before).toMatchObject({ ended: 'replaced' });
    expect(numbers(before!.items)).toEqual([0, 1, 2]);
    expect(after).toMatchObject({ replaces: 'video', caps: { width: 640 } });
    expect(numbers(after!.items)).toEqual([10, 11, 12]);
    await t.stop();
  });

  it('that does not fit a link is told with its mend, and its other links go on', async () => {
    const source = avSource();
    const [narrow, wide] = [
      capturingSink({ in: 'frames' }, { pad: { accepts: [{ codec: 'h264' }] } }),
      capturingSink({ in: 'frames' }),
    ];
    const t = await testPipeline({
      stages: { source: source.plugin, narrow: narrow.plugin, wide: wide.plugin },
      links: ['source.video -> narrow.in, wide.in'],
    });
    const publication = await source.publish('cam1');
    const track = publication.out.video.addTrack('video', { ...video.caps, codec: 'hevc' });
    track.write(video.frame(0));
    expect(wide.pads.in.items()).toHaveLength(1);
    expect(narrow.pads.in.tracks()).toEqual([]);
    const links = t.camera('cam1')!.tracks[0]!.links;
    expect(links).toMatchObject([
      {
        to: 'narrow.in',
        active: false,
        code: 'LINK_INACTIVE',
        reason: expect.stringContaining('HEVC'),
        mend: expect.any(String),
      },
      { to: 'wide.in', active: true },
    ]);
    await t.stop();
  });
});

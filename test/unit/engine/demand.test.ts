import { describe, expect, it } from 'vitest';
import { input, output, type Flow, type FlowInput, type FlowOutput } from '../../../core/plugin/index.ts';
import { capturingSink, pen, testPipeline, testPlugin } from '../../../core/testing/index.ts';
import { avSource, numbers, passThrough, range, video } from './support.ts';

describe('demand', () => {
  it('goes up from the last stage to the source, and back', async () => {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' });
    let worked = 0;
    const pass = passThrough({ onItem: () => void (worked += 1) });
    sink.pads.in.want(false);
    const t = await testPipeline({
      stages: { source: source.plugin, pass, sink: sink.plugin },
      links: ['source.video -> pass.in', 'pass.out -> sink.in'],
    });
    const publication = await source.publish('cam1');
    const wanted: boolean[] = [];
    publication.out.video.onWanted((now) => wanted.push(now));
    const track = pen(publication.out.video, 'video', video.caps);
    expect(publication.out.video.wanted).toBe(false);
    expect(publication.out.audio.wanted).toBe(false);
    for (const unit of video.frames(5)) track.write(unit);
    expect(worked).toBe(0);
    let asked = 0;
    track.onKeyFrameRequest(() => (asked += 1));
    sink.pads.in.want(true);
    expect([wanted, asked]).toEqual([[true], 1]);
    for (const unit of video.frames(10, 5)) track.write(unit);
    await t.advance(0);
    expect(numbers(sink.pads.in.items())).toEqual(range(10, 15));
    expect(worked).toBe(5);
    sink.pads.in.want(false);
    for (const unit of video.frames(10, 15)) track.write(unit);
    sink.pads.in.want(true);
    for (const unit of video.frames(10, 25)) track.write(unit);
    await t.advance(0);
    expect(wanted).toEqual([true, false, true]);
    expect(numbers(sink.pads.in.items())).toEqual([...range(10, 15), ...range(30, 35)]);
    // Whoever was away is told that the timeline breaks, before the key frame.
    const events = sink.pads.in.events();
    expect(events.findIndex((event) => event.type === 'discontinuity')).toBe(5);
    await t.stop();
  });

  it('is for single tracks too: what no reader wants is not passed, and its writer knows', async () => {
    const source = avSource();
    const [one, two] = [capturingSink({ in: 'frames' }), capturingSink({ in: 'frames' })];
    const t = await testPipeline({
      stages: { source: source.plugin, one: one.plugin, two: two.plugin },
      links: ['source.video -> one.in', 'source.video -> two.in'],
    });
    const { out } = await source.publish('cam1');
    const large = out.video.addTrack('large', video.caps);
    const small = out.video.addTrack('small', video.caps);
    const told: string[] = [];
    for (const track of [large, small]) track.onWanted((wanted) => told.push(`${wanted ? '+' : '-'}${track.id}`));
    let asked = 0;
    large.onKeyFrameRequest(() => (asked += 1));
    const readers = [one, two].map(({ pads }) => pads.in.tracks().find(({ id }) => id === 'large')!);
    for (const unit of video.frames(5)) for (const track of [large, small]) track.write(unit);
    expect([large.wanted, small.wanted]).toEqual([true, true]);
    // As long as one reader wants it, it is wanted; the other gets nothing of it.
    readers[0]!.track.want(false);
    for (const unit of video.frames(5, 5)) for (const track of [large, small]) track.write(unit);
    await t.advance(0);
    expect(told).toEqual([]);
    expect([one, two].map(({ pads }) => pads.in.items('cam1', 'large').length)).toEqual([5, 10]);
    readers[1]!.track.want(false);
    expect([told.join(), large.wanted, out.video.wanted]).toEqual(['-large', false, true]);
    // Wanted again: it is asked for a key frame, and begins there with the news that its timeline broke.
    readers[0]!.track.want(true);
    expect([told.join(), asked]).toEqual(['-large,+large', 1]);
    for (const unit of video.frames(20, 10)) for (const track of [large, small]) track.write(unit);
    await t.advance(0);
    const events = one.pads.in.events('cam1', 'large');
    const back = events.findIndex(({ type }) => type === 'discontinuity');
    expect(events[back + 1]).toMatchObject({ type: 'item', item: { key: true } });
    expect(two.pads.in.items('cam1', 'large')).toHaveLength(10);
    expect(one.pads.in.items('cam1', 'small')).toHaveLength(30);
    // The whole pad is not wanted: nor is any of its tracks.
    for (const { pads } of [one, two]) pads.in.want(false);
    expect([large.wanted, small.wanted]).toEqual([false, false]);
    large.end();
    expect(told.join()).toBe('-large,+large,-large,-small');
    await t.stop();
  });

  it('of a recorder is there always; of a stage whose outputs nobody wants it is not', async () => {
    const source = avSource();
    const recorder = capturingSink({ in: 'frames' }, { pad: { demand: 'always' } });
    const unlinked = passThrough();
    const t = await testPipeline({
      stages: { source: source.plugin, recorder: recorder.plugin, unlinked },
      links: ['source.video -> recorder.in', 'source.audio -> unlinked.in'],
    });
    const publication = await source.publish('cam1');
    expect([publication.out.video.wanted, publication.out.audio.wanted]).toEqual([true, false]);
    await t.stop();
  });

  it('is judged output by output: what an input does not reach does not keep it busy', async () => {
    const source = avSource();
    const sink = capturingSink({ a: 'frames', b: 'frames' });
    sink.pads.b.want(false);
    const two = testPlugin(
      {
        inputs: { a: input('frames', { doc: 'A.' }), b: input('frames', { doc: 'B.' }) },
        outputs: {
          a: output('frames', { doc: 'A.', reachedBy: ['a'] }),
          b: output('frames', { doc: 'B.', reachedBy: ['b'] }),
        },
      },
      () => ({ flow() {} }),
    );
    const t = await testPipeline({
      stages: { source: source.plugin, two, sink: sink.plugin },
      links: ['source.video -> two.a', 'source.audio -> two.b', 'two.a -> sink.a', 'two.b -> sink.b'],
    });
    const publication = await source.publish('cam1');
    expect([publication.out.video.wanted, publication.out.audio.wanted]).toEqual([true, false]);
    await t.stop();
  });

  it('survives a listener that throws: the stage fails for this camera, nobody else', async () => {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' });
    const other = capturingSink({ in: 'frames' });
    sink.pads.in.want(false);
    const touchy = testPlugin(
      { inputs: { in: input('frames', { doc: 'In.' }) }, outputs: { out: output('frames', { doc: 'Out.' }) } },
      () => ({
        flow(flow: Flow) {
          (flow.in as unknown as { in: FlowInput<'frames'> }).in.onTrack(() => ({ item() {} }));
          (flow.out as unknown as { out: FlowOutput<'frames'> }).out.onWanted(() => {
            throw new Error('touchy');
          });
        },
      }),
    );
    const t = await testPipeline({
      stages: { source: source.plugin, touchy, sink: sink.plugin, other: other.plugin },
      links: ['source.video -> touchy.in, other.in', 'touchy.out -> sink.in'],
    });
    const track = pen((await source.publish('cam1')).out.video, 'video', video.caps);
    expect(() => sink.pads.in.want(true)).not.toThrow();
    track.write(video.frame(0));
    expect(other.pads.in.items()).toHaveLength(1);
    expect(t.camera('cam1')?.findings).toMatchObject([{ stage: 'touchy', message: 'touchy' }]);
    await t.stop();
  });

  it('asks a source for a key frame at most every 300 ms, however many ask', async () => {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' });
    const t = await testPipeline({
      stages: { source: source.plugin, sink: sink.plugin },
      links: ['source.video -> sink.in'],
    });
    const track = pen((await source.publish('cam1')).out.video, 'video', video.caps);
    let asked = 0;
    track.onKeyFrameRequest(() => (asked += 1));
    const reader = sink.pads.in.tracks()[0]!.track;
    for (let i = 0; i < 5; i++) reader.requestKeyFrame();
    expect(asked).toBe(1);
    await t.advance(299);
    expect(asked).toBe(1);
    await t.advance(1);
    expect(asked).toBe(2);
    await t.advance(1000);
    expect(asked).toBe(2);
    await t.stop();
  });
});

describe('alternative routes', () => {
  /** Frames of the source itself where its codec suits, else those that a converter makes. */
  async function routed() {
    const [rtmp, whip] = [avSource(), avSource()];
    const sink = capturingSink({ in: 'frames' }, { pad: { accepts: [{ codec: 'h264' }] } });
    let converted = 0;
    let opened = 0;
    const convert = testPlugin(
      { inputs: { in: input('frames', { doc: 'In.' }) }, outputs: { out: output('frames', { doc: 'Out.' }) } },
      () => ({
        flow(flow: Flow) {
          opened += 1;
          const out = (flow.out as unknown as { out: FlowOutput<'frames'> }).out;
          (flow.in as unknown as { in: FlowInput<'frames'> }).in.onTrack((track) => {
            const writer = out.addTrack(track.id, video.caps, { from: track });
            return {
              item: (unit) => {
                converted += 1;
                writer.write(unit);
              },
              end: (cause) => writer.end(cause),
            };
          });
        },
      }),
    );
    const t = await testPipeline({
      stages: { rtmp: rtmp.plugin, whip: whip.plugin, convert, sink: sink.plugin },
      links: ['rtmp.video -> convert.in', 'rtmp.video | convert.out | whip.video -> sink.in'],
    });
    return { t, rtmp, whip, sink: sink.pads.in, counts: () => ({ converted, opened }) };
  }
  const hevc = { ...video.caps, codec: 'hevc' } as const;

  it('takes the first that carries and fits; the other does no work', async () => {
    const { t, rtmp, sink, counts } = await routed();
    const track = pen((await rtmp.publish('cam1')).out.video, 'video', video.caps);
    for (const unit of video.frames(20)) track.write(unit);
    expect(numbers(sink.items())).toEqual(range(0, 20));
    expect(counts().converted).toBe(0);
    const links = t
      .camera('cam1')!
      .tracks.flatMap((each) => each.links.map((link) => [each.stage, link.to, link.active]));
    expect(links).toContainEqual(['rtmp', 'sink.in', true]);
    await t.stop();
  });

  it('takes the next where the first does not fit', async () => {
    const { t, rtmp, sink, counts } = await routed();
    const track = pen((await rtmp.publish('cam1')).out.video, 'video', hevc);
    for (const unit of video.frames(20)) track.write(unit);
    expect(numbers(sink.items())).toEqual(range(0, 20));
    expect(counts().converted).toBe(20);
    await t.stop();
  });

  it('switches back when the first fits again, in order, at a key frame', async () => {
    const { t, rtmp, sink, counts } = await routed();
    const publication = await rtmp.publish('cam1');
    const track = publication.out.video.addTrack('video', hevc);
    for (const unit of video.frames(5)) track.write(unit);
    const next = publication.out.video.addTrack('video', video.caps, { replaces: track });
    for (const unit of video.frames(10, 5)) next.write(unit);
    expect(counts().converted).toBe(5);
    const [converted, direct] = sink.tracks();
    expect(numbers(converted!.items)).toEqual(range(0, 5));
    expect(converted!.ended).toBe('replaced');
    expect(direct!.replaces).toBe('video');
    expect(numbers(direct!.items)).toEqual(range(10, 15));
    expect(sink.tracks()).toHaveLength(2);
    await t.stop();
  });

  it('are those of the active publication: another ingest takes its own', async () => {
    const { t, rtmp, whip, sink, counts } = await routed();
    const track = pen((await rtmp.publish('cam1')).out.video, 'video', video.caps);
    track.write(video.frame(0));
    const other = pen((await whip.publish('cam1')).out.video, 'video', video.caps);
    for (const unit of video.frames(3, 10)) other.write(unit);
    track.write(video.frame(1));
    expect(sink.tracks().map((each) => [numbers(each.items), each.ended])).toEqual([
      [[0], 'replaced'],
      [[10, 11, 12], undefined],
    ]);
    expect(counts().converted).toBe(0);
    await t.stop();
  });
});

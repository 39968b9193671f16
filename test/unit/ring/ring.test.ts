import { describe, expect, it } from 'vitest';
import { create } from '../../../plugins/timeshift/ring/ring.ts';
import { chunk, FIRST, segments, START, videoCaps } from '../../support/chunks.ts';
import { settle, VirtualClock } from '../../../core/testing/clock.ts';
import { fakeContext, fakeFlow } from '../hls/fake-context.ts';

async function ring(config = { window: 120_000, memory: 1_000_000 }) {
  const clock = new VirtualClock({ now: START });
  const context = fakeContext({ config, clock });
  const stage = create(context.ctx);
  await stage.start?.();
  const fake = fakeFlow('cam1', ['live', 'segments']);
  void stage.flow(fake.flow);
  const written = (pad: string, index = 0) => fake.written.get(pad)![index]!;
  return { ...context, ...fake, clock, timeline: stage.services.timeline, out: written };
}

describe('timeshift.ring', () => {
  it('passes chunks on in the same turn, as they came', async () => {
    const { track, out } = await ring();
    const reader = track('video', videoCaps());
    const one = chunk(0, 0);
    expect(reader.item(one)).toBeUndefined();
    expect(out('live').items[0]).toBe(one);
  });

  it('tells finished segments by reference', async () => {
    const { track, out } = await ring();
    const reader = track('video', videoCaps());
    segments(0, 1).forEach((one) => void reader.item(one));
    expect(out('segments').items).toMatchObject([
      { number: FIRST },
      { number: FIRST + 1, url: `cam1/video/${START + 2000}-${FIRST + 1}.w1.m4s` },
    ]);
  });

  it('passes a segment without media on, and keeps nothing of it', async () => {
    const { track, out, timeline } = await ring();
    const reader = track('video', videoCaps());
    const hole = [0, 1].map((part) => chunk(1, part, { gap: true, last: part === 1, data: new Uint8Array() }));
    const all = [...segments(0, 0), ...hole, ...segments(2, 2)];
    all.forEach((one) => void reader.item(one));
    expect(out('live').items).toEqual(all);
    expect(out('segments').items).toMatchObject([{ number: FIRST }, { number: FIRST + 2 }]);
    expect(await timeline.segments('cam1' as never, { start: 0, end: START * 2 })).toHaveLength(2);
  });

  it('hands back-pressure up, and keeps what came', async () => {
    const { track, out, timeline } = await ring();
    const reader = track('video', videoCaps());
    out('live').full = true;
    let settled = false;
    void Promise.resolve(reader.item(chunk(0, 0, { last: true }))).then(() => (settled = true));
    await settle();
    expect(settled).toBe(false);
    expect(await timeline.segments('cam1' as never, { start: 0, end: START * 2 })).toHaveLength(1);
    out('live').drain();
    await settle();
    expect(settled).toBe(true);
  });

  it('keeps discontinuities, gaps and the end in their place', async () => {
    const { track, out } = await ring();
    const reader = track('video', videoCaps());
    void reader.item(chunk(0, 0));
    void reader.discontinuity?.('publisher-changed');
    void reader.gap?.(1, 2, 'crash');
    void reader.end('publisher-ended');
    expect(out('live').log).toEqual(['discontinuity publisher-changed', 'gap 1 2 crash', 'end publisher-ended']);
    // The segment that was being written is told before the end.
    expect(out('segments').items).toHaveLength(1);
    expect(out('segments').log.at(-1)).toBe('end publisher-ended');
  });

  it('replaces its outputs when its input is replaced', async () => {
    const { track, out } = await ring();
    void track('video', videoCaps()).end('replaced');
    track('video', videoCaps({ init: Uint8Array.of(9) }), 'video');
    expect(out('live', 0).log).toEqual([]);
    expect(out('live', 1).log).toEqual(['replaces video']);
  });

  it('says once a minute that its memory is short', async () => {
    const { track, clock, reports } = await ring({ window: 120_000, memory: 1000 });
    const reader = track('video', videoCaps());
    for (let number = 0; number < 40; number += 1) {
      segments(number, number).forEach((one) => void reader.item(one));
      await clock.advance(2000);
    }
    expect(reports).toHaveLength(2);
    expect(reports[0]).toMatchObject({ code: 'timeshift.ring/MEMORY_SHORT' });
  });
});

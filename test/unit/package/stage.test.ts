import { afterEach, describe, expect, it } from 'vitest';
import type { AnyPlugin } from '../../../core/plugin/index.ts';
import type { AccessUnit, AudioCaps } from '../../../core/model/index.ts';
import {
  capturingSink,
  pen,
  scriptedSource,
  settle,
  testPipeline,
  type TestPipeline,
} from '../../../core/testing/index.ts';
import cmaf from '../../../plugins/package/cmaf/plugin.ts';
import { AUDIO, audio, VIDEO, video } from './harness.ts';

let pipeline: TestPipeline | undefined;
afterEach(() => pipeline?.stop());

const plugin = cmaf as unknown as AnyPlugin;

async function start() {
  const source = scriptedSource({ video: 'frames', audio: 'frames' });
  const sink = capturingSink({ in: 'chunks' });
  const running = await testPipeline({
    stages: { source: source.plugin, cmaf: plugin, sink: sink.plugin },
    links: [
      { link: 'source.video -> cmaf.video', queue: '10s', full: 'block' },
      { link: 'source.audio -> cmaf.audio', queue: '10s', full: 'block' },
      'cmaf.chunks -> sink.in',
    ],
  });
  pipeline = running;
  /** A publication of `seconds`, sent in order of time and all at once. */
  const publish = async (seconds: number, options: { audio?: AudioCaps; sound?: AccessUnit[]; gop?: number } = {}) => {
    const publication = await source.publish('cam1');
    const now = running.time.now();
    const v = pen(publication.out.video, 'video', VIDEO);
    const a = pen(publication.out.audio, 'audio', options.audio ?? AUDIO);
    const feeds = [
      ...video({ fps: 30, seconds, gop: options.gop ?? 2 }).map((unit) => ({ to: v, unit })),
      ...(options.sound ?? audio({ seconds })).map((unit) => ({ to: a, unit })),
    ].sort((one, two) => one.unit.dts - two.unit.dts);
    for (const { to, unit } of feeds) {
      await running.advance(Math.max(0, now + unit.dts - running.time.now()));
      if (!to.write({ ...unit, arrivedAt: running.time.now() })) await to.ready();
    }
    publication.end();
    await settle();
    return now;
  };
  return { running, source, sink: sink.pads.in, publish };
}

describe('the stage', () => {
  it('gives a track of chunks for each that comes in, numbered from the clock', async () => {
    const { sink, publish } = await start();
    const began = await publish(5);
    expect(
      sink
        .tracks('cam1')
        .map((track) => [track.id, track.caps.codecString, track.ended])
        .sort(),
    ).toEqual([
      ['audio', 'mp4a.40.2', 'publisher-ended'],
      ['video', 'avc1.42c00d', 'publisher-ended'],
    ]);
    for (const id of ['video', 'audio']) {
      const chunks = sink.items('cam1', id);
      expect(chunks[0]!.segment).toBe(Math.floor(began / 2000));
      expect(Math.abs(chunks[0]!.startTs - began)).toBeLessThan(2);
      expect(chunks.at(-1)).toMatchObject({ segment: chunks[0]!.segment + 2, last: true });
      expect(chunks[0]!.writer).toMatch(/^[a-z0-9]{8}$/);
    }
  });

  it('goes on with the numbers when the publisher comes back', async () => {
    const { sink, publish, running } = await start();
    await publish(4);
    await running.advance(1000);
    await publish(4);
    const starts = sink.items('cam1', 'video').filter((chunk) => chunk.part === 0);
    expect(starts.map((chunk) => chunk.segment - starts[0]!.segment)).toEqual([0, 1, 2, 3]);
    expect(starts.map((chunk) => chunk.discontinuity)).toEqual([false, false, true, false]);
    expect(starts[2]!.startTs - starts[0]!.startTs).toBeGreaterThan(4900);
  });

  it('ends a track whose place nobody takes, and waits for who does', async () => {
    const { running, source, sink } = await start();
    const publication = await source.publish('cam1');
    const a = pen(publication.out.audio, 'audio', AUDIO);
    for (const unit of audio({ seconds: 3 })) if (!a.write({ ...unit, arrivedAt: 0 })) await a.ready();
    await running.advance(3000);
    a.end('replaced');
    await running.advance(14_000);
    const ended = () => sink.tracks('cam1').map((track) => track.ended);
    expect(ended()).toEqual([undefined]);
    await running.advance(2000);
    expect(ended()).toEqual(['stopped']);
    // One that comes in time takes the place.
    const b = pen(publication.out.audio, 'audio', AUDIO);
    for (const unit of audio({ seconds: 3 })) if (!b.write({ ...unit, arrivedAt: 0 })) await b.ready();
    await running.advance(3000);
    b.end('replaced');
    await running.advance(10_000);
    const c = pen(publication.out.audio, 'audio', AUDIO);
    for (const unit of audio({ seconds: 3 })) if (!c.write({ ...unit, arrivedAt: 0 })) await c.ready();
    await running.advance(10_000);
    expect(ended()).toEqual(['stopped', 'replaced', undefined]);
    publication.end();
    await settle();
  });

  it('reports a GOP that is too long, and bad bytes, once', async () => {
    const { sink, publish, running } = await start();
    const opus: AudioCaps = {
      ...AUDIO,
      codec: 'opus',
      codecString: 'opus',
      config: Uint8Array.of(0, 2, 1, 56, 0, 0, 0xbb, 0x80, 0, 0, 0),
    };
    const sound = audio({ seconds: 3 }).map((unit, i) => ({
      ...unit,
      data: i % 3 ? Uint8Array.of(0xff, 0) : Uint8Array.of(0xfc, 1),
    }));
    await publish(11, { gop: 10, audio: opus, sound });
    const codes = running.camera('cam1')!.findings.map(({ code, count }) => [code, count]);
    expect(codes).toContainEqual(['package.cmaf/GOP_TOO_LONG', 1]);
    expect(codes).toContainEqual(['package.cmaf/BAD_MEDIA', 1]);
    expect(sink.items('cam1', 'video').length).toBeGreaterThan(20);
  });
});

/** `no-dvr`: a camera whose codec the recording path refuses says so, until something transcodes it. */
import { expect, it } from 'vitest';
import { Timeline } from '../../../core/contracts/index.ts';
import { FakeTimeline } from '../../../core/testing/fakes/segments.ts';
import { capturingSink, pen, testPipeline, testPlugin } from '../../../core/testing/index.ts';
import { input, output, type Flow, type FlowInput, type FlowOutput } from '../../../core/plugin/index.ts';
import { audio, avSource, passThrough, video } from './support.ts';

const MEND = 'publish H.264';
const H264 = [{ kind: 'video', codec: 'h264' }, { kind: 'audio' }] as const;

/** Takes H.264 and any sound. */
const packager = passThrough({
  manifest: {
    name: 'test.packager',
    inputs: {
      in: input('frames', {
        doc: 'In.',
        accepts: H264,
        from: 'all',
        mends: [{ caps: { codec: 'vp8' }, mend: MEND }],
      }),
    },
  },
});

const ring = testPlugin(
  {
    name: 'test.ring',
    inputs: { in: input('frames', { doc: 'In.', from: 'all' }) },
    provides: { timeline: Timeline },
  },
  () => ({
    services: { timeline: new FakeTimeline() },
    flow: (flow: Flow) =>
      (flow.in as unknown as { in: FlowInput<'frames'> }).in.onTrack(() => ({
        item: () => undefined,
        end: () => undefined,
      })),
  }),
);

/** Says that what comes in is H.264 from now on. */
const transcoder = testPlugin(
  {
    name: 'test.transcoder',
    inputs: { in: input('frames', { doc: 'In.', accepts: [{ kind: 'video' }] }) },
    outputs: { out: output('frames', { doc: 'Out.' }) },
  },
  () => ({
    flow(flow: Flow) {
      const out = (flow.out as unknown as { out: FlowOutput<'frames'> }).out;
      (flow.in as unknown as { in: FlowInput<'frames'> }).in.onTrack((track) => {
        const writer = out.addTrack(track.id, video.caps, { from: track });
        return { item: (unit) => void writer.write(unit), end: (cause) => writer.end(cause) };
      });
    },
  }),
);

async function camera(codec: 'vp8' | 'h264', how: 'recorded' | 'transcoded' | 'only watched') {
  const source = avSource();
  const watching = capturingSink({ in: 'frames' });
  const recording = how !== 'only watched';
  const t = await testPipeline({
    stages: {
      source: source.plugin,
      watching: watching.plugin,
      ...(recording ? { packager, ring } : {}),
      ...(how === 'transcoded' ? { transcoder } : {}),
    },
    links: [
      'source.video -> watching.in',
      ...(recording ? ['source.audio -> packager.in', 'packager.out -> ring.in'] : []),
      ...(how === 'recorded' ? ['source.video -> packager.in'] : []),
      ...(how === 'transcoded'
        ? ['source.video -> transcoder.in', 'source.video | transcoder.out -> packager.in']
        : []),
    ],
  });
  const publication = await source.publish('cam1');
  const caps = codec === 'vp8' ? { ...video.caps, codec, codecString: 'vp8' } : video.caps;
  const pictures = pen(publication.out.video, 'video', caps);
  pen(publication.out.audio, 'audio', audio.caps);
  pictures.write(video.frame(0));
  return { t, pictures, limits: () => t.camera('cam1')!.limits };
}

it('is told of the kind that nothing records, with the reason and the mend', async () => {
  const { t, limits } = await camera('vp8', 'recorded');
  expect(limits()).toEqual([
    {
      limit: 'no-dvr',
      kind: 'video',
      code: 'CAMERA_NO_DVR',
      stage: 'source',
      pad: 'video',
      track: 'video',
      to: 'packager.in',
      reason: expect.stringContaining('the track is VP8 video') as string,
      mend: MEND,
    },
  ]);
  // Its other links go on.
  expect(t.camera('cam1')!.tracks[0]!.links).toContainEqual({ to: 'watching.in', active: true });
  await t.stop();
});

it('is over once another stage makes what can be recorded of it', async () => {
  const { t, limits } = await camera('vp8', 'transcoded');
  expect(limits()).toEqual([]);
  await t.stop();
});

it('is over with the track that was refused', async () => {
  const { t, pictures, limits } = await camera('vp8', 'recorded');
  pictures.end('publisher-ended');
  expect(limits()).toEqual([]);
  await t.stop();
});

it.each([
  ['a codec that fits', 'h264', 'recorded'],
  ['a pipeline that records nothing', 'vp8', 'only watched'],
] as const)('is not said of %s', async (_what, codec, how) => {
  const { t, limits } = await camera(codec, how);
  expect(limits()).toEqual([]);
  await t.stop();
});

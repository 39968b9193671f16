import { expect, it } from 'vitest';
import { defineManifest, definePlugin, input } from 'eddy/plugin';
import { loadPipeline } from '../../../core/graph/index.ts';
import { createRegistry } from '../../../core/plugin/registry.ts';
import gstreamer from '../../../plugins/native/gstreamer/plugin.ts';
import testPattern from '../../../plugins/ingest/test-pattern/plugin.ts';
import transcodeVideo from '../../../plugins/transcode/video/plugin.ts';

const h264Only = definePlugin(
  defineManifest({
    name: 'test.h264-only',
    version: '1.0.0',
    api: 1,
    summary: 'Takes H.264 as WebRTC does.',
    inputs: { video: input('frames', { doc: 'H.264.', accepts: [{ kind: 'video', codec: 'h264', bFrames: false }] }) },
  }),
  () => Promise.reject(new Error('never loaded')),
);
const registry = createRegistry([testPattern, gstreamer, transcodeVideo, h264Only]);

/** Findings of a pipeline with this ladder; `missing` are elements that the machine lacks. */
async function findings(ladder: string, missing: readonly string[] = []) {
  const text = `version: 1
services:
  gst: { plugin: native.gstreamer }
stages:
  cam: { plugin: ingest.test-pattern }
  ladder: { plugin: transcode.video, ${ladder} }
  sink: { plugin: test.h264-only }
links:
  - cam.video -> ladder.in
  - ladder.out -> sink.video
`;
  const probe = { element: async (name: string) => !missing.includes(name), binary: async () => true };
  const loaded = await loadPipeline({ file: '/somewhere/test.yaml', text }, { registry, env: {}, probe });
  return loaded.findings;
}
const codes = async (ladder: string): Promise<readonly string[]> =>
  (await findings(ladder)).map(({ code }) => code).filter((code) => code.startsWith('CAPS'));
const said = async (rungs: string): Promise<string | undefined> =>
  (await findings(rungs)).find(({ code }) => code === 'transcode.video/RUNG_MISFIT')?.message;

it('offers what its rungs are', async () => {
  expect(await codes('passthrough: never')).toEqual([]);
  // The source may have B-frames.
  expect(await codes('rungs: [720p]')).toEqual(['CAPS_PERHAPS_NOT']);
  expect(await codes('mode: quality')).toEqual(['CAPS_PERHAPS_NOT']);
  expect(await codes('codec: vp9')).toEqual(['CAPS_NEVER']);
  expect(await codes('rungs: [{ size: 720p, codec: hevc }], passthrough: never')).toEqual(['CAPS_NEVER']);
  expect(await codes('rungs: [720p, { size: 720p, codec: av1 }], passthrough: never')).toEqual(['CAPS_PERHAPS_NOT']);
});

it('needs the encoders of its rungs, and of no others', async () => {
  const missing = async (ladder: string, without: readonly string[]): Promise<readonly string[]> =>
    (await findings(ladder, without))
      .filter(({ code, message }) => code === 'GSTREAMER_ELEMENT_MISSING' && message.includes('"ladder"'))
      .map(({ message }) => /element "([^"]+)"/.exec(message)![1]!);
  const all = ['x264enc', 'x265enc', 'vp9enc', 'av1enc', 'openh264enc'];
  expect(await missing('rungs: auto', all)).toEqual(['x264enc']);
  expect(await missing('encoder: openh264', all)).toEqual(['openh264enc']);
  expect(await missing('codec: av1, encoder: nvcodec', all)).toEqual(['av1enc']);
  expect(await missing('rungs: [{ size: 720p, codec: hevc }, { size: 360p, codec: vp9 }]', all)).toEqual([
    'x265enc',
    'vp9enc',
  ]);
});

it('refuses a profile that the codec does not have', async () => {
  expect(await said('rungs: [{ size: 720p, profile: high }, { size: 360p, codec: hevc, profile: main10 }]')).toBe(
    undefined,
  );
  expect(await said('rungs: [{ size: 720p, profile: main10 }]')).toContain(
    'rung 720p: H.264 has the profiles baseline, main, high; "main10" is none of them',
  );
  expect(await said('codec: vp9, rungs: [{ size: 720p, profile: main }]')).toContain(
    'VP9 has no profiles to choose from; leave out "profile: main"',
  );
});

it('refuses key frames that would not lie where those of the others do, and says why', async () => {
  expect(await said('gop: 1s, rungs: [{ size: 720p, gop: 4s }, { size: 360p, gop: 2s }, 180p]')).toBe(undefined);
  expect(await said('rungs: [{ size: 720p, gop: 3s }, 360p]')).toContain("no whole multiple of the ladder's 2 s");
  expect(await said('rungs: [{ size: 720p, gop: 5s }, 360p]')).toMatch(/; give it 4 s$/);
  expect(await said('rungs: [{ size: 720p, gop: 1s }, 360p]')).toMatch(/; give it 2 s$/);
  expect(await said('rungs: [720p, { size: 360p, gop: 4s }]')).toContain('720p: a GOP of 2 s above 360p with 4 s');
  expect(await said('rungs: [720p, { size: 720p, codec: av1, gop: 4s }]')).toContain('give it the same');
});

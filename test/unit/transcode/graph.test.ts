import { expect, it } from 'vitest';
import { defineManifest, definePlugin, input } from 'eddy/plugin';
import { loadPipeline } from '../../../core/graph/index.ts';
import { createRegistry } from '../../../core/plugin/registry.ts';
import testPattern from '../../../plugins/ingest/test-pattern/plugin.ts';
import gstreamer from '../../../plugins/native/gstreamer/plugin.ts';
import transcodeAudio from '../../../plugins/transcode/audio/plugin.ts';

const opusOnly = definePlugin(
  defineManifest({
    name: 'test.opus-only',
    version: '1.0.0',
    api: 1,
    summary: 'Takes Opus.',
    inputs: { audio: input('frames', { doc: 'Opus.', accepts: [{ kind: 'audio', codec: 'opus' }] }) },
  }),
  () => Promise.reject(new Error('never loaded')),
);
const registry = createRegistry([testPattern, gstreamer, transcodeAudio, opusOnly]);

const load = (stages: string, links: string) =>
  loadPipeline(
    {
      file: '/somewhere/test.yaml',
      text: `version: 1
services:
  gst: { plugin: native.gstreamer }
stages:
  cam: { plugin: ingest.test-pattern }
  sink: { plugin: test.opus-only }
${stages}
links:
${links}
`,
    },
    { registry, env: {} },
  );

it('AAC into a pad that takes Opus alone is refused, and the stage that mends it is named', async () => {
  const { findings } = await load('', '  - cam.audio -> sink.audio');
  expect(findings.find(({ code }) => code === 'CAPS_NEVER')).toMatchObject({
    mend: 'Put a stage of transcode.audio between the two',
  });
});

it('through the stage it always fits; with the other codec it never does', async () => {
  const links = '  - cam.audio -> opus.in\n  - opus.out -> sink.audio';
  const good = await load('  opus: { plugin: transcode.audio }', links);
  expect(good.findings.filter(({ code }) => code.startsWith('CAPS'))).toEqual([]);
  const bad = await load('  opus: { plugin: transcode.audio, codec: aac }', links);
  expect(bad.findings.map(({ code }) => code)).toContain('CAPS_NEVER');
});

it('an Opus track at another rate than 48 kHz is told at its line', async () => {
  const links = '  - cam.audio -> opus.in\n  - opus.out -> sink.audio';
  const { findings } = await load('  opus: { plugin: transcode.audio, sample-rate: 44100 }', links);
  expect(findings.find(({ code }) => code === 'transcode.audio/OPTION_MISFIT')).toMatchObject({
    message: expect.stringContaining('48000'),
  });
});

it('a loudness without its unit is told what it takes', async () => {
  const links = '  - cam.audio -> opus.in\n  - opus.out -> sink.audio';
  for (const written of ['-16', '-16dB']) {
    const { findings } = await load(`  opus: { plugin: transcode.audio, loudness: ${written} }`, links);
    const [finding] = findings.filter(({ severity }) => severity === 'error');
    expect(`${finding!.message} ${finding!.accepted} ${finding!.mend}`).toContain('LUFS');
  }
});

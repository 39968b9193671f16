import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type IConfiguration, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser';
import { afterAll, beforeAll, expect, it } from 'vitest';

const checkout = join(import.meta.dirname, '../..');
const { default: config } = (await import(join(checkout, '.dependency-cruiser.mjs'))) as { default: IConfiguration };

/** A house that keeps every rule... */
const sound: Record<string, string> = {
  'core/index.ts': "export * from './engine/container.ts';",
  'core/model/index.ts': "export type { Id } from './id.ts'; export const model = 1;",
  'core/model/id.ts': 'export type Id = string;',
  'core/media/index.ts': "import { model } from '../model/index.ts'; export const media = model;",
  'core/plugin/index.ts': "export * from '../model/index.ts';",
  'core/testing/index.ts': 'export const harness = 1;',
  'core/engine/container.ts': "import 'tsyringe'; export const container = 1;",
  'plugins/ingest/shared/flv.ts': "export { media } from 'eddy/media';",
  'plugins/ingest/rtmp/plugin.ts':
    "import { model } from 'eddy/plugin'; export default () => [model, import('./server.ts')];",
  'plugins/ingest/rtmp/server.ts':
    "import 'node:net'; import 'pino'; import '../rtmp/plugin.ts'; export { media } from '../shared/flv.ts';",
  'plugins/native/gstreamer/media.host.ts': "import 'gstreamer-superficial';",
  'plugins/native/gstreamer/host/launch.ts':
    "import 'gstreamer-superficial'; export type Launch = 1; export const launch = 1;",
  'plugins/native/gstreamer/service.ts': "import type { Launch } from './host/launch.ts'; export type L = Launch;",
  'plugins/webrtc/sfu/router.ts': "import 'mediasoup'; export const router = 1;",
};

/** ... and one file for each way to break one. */
const violations: Record<string, [rule: string, text: string]> = {
  'core/model/reads-a-file.ts': ['model-imports-nothing', "import 'node:fs';"],
  'core/model/knows-a-format.ts': ['model-imports-nothing', "import '../media/index.ts';"],
  'core/model/uses-a-package.ts': [
    'model-imports-nothing',
    "import type { Document } from 'yaml'; export type D = Document;",
  ],
  'core/media/opens-a-socket.ts': ['media-imports-model-only', "import 'node:net';"],
  'core/media/knows-the-engine.ts': ['media-imports-model-only', "import '../engine/container.ts';"],
  'core/engine/knows-a-plugin.ts': ['core-imports-no-plugin', "import '../../plugins/ingest/rtmp/server.ts';"],
  'core/engine/knows-a-plugin-later.ts': [
    'core-imports-no-plugin',
    "export const f = () => import('../../plugins/webrtc/sfu/router.ts');",
  ],
  'core/engine/knows-a-type-of-a-plugin.ts': [
    'core-imports-no-plugin',
    "import type { router } from '../../plugins/webrtc/sfu/router.ts'; export type R = typeof router;",
  ],
  'plugins/ingest/srt/into-the-core.ts': ['plugin-imports-public-face', "import '../../../core/engine/container.ts';"],
  'plugins/ingest/srt/embeds-the-engine.ts': ['plugin-imports-public-face', "import 'eddy';"],
  'plugins/ingest/srt/tests-in-earnest.ts': ['plugin-imports-public-face', "import 'eddy/testing';"],
  'plugins/ingest/srt/a-sister.ts': ['plugin-imports-no-other-plugin', "import '../rtmp/server.ts';"],
  'plugins/ingest/srt/another-family.ts': ['plugin-imports-no-other-plugin', "import '../../webrtc/sfu/router.ts';"],
  'plugins/webrtc/whip/foreign-shared.ts': ['plugin-imports-no-other-plugin', "import '../../ingest/shared/flv.ts';"],
  'plugins/ingest/shared/knows-a-member.ts': ['plugin-imports-no-other-plugin', "import '../rtmp/server.ts';"],
  'plugins/auth/jwt/plugin.ts': ['manifest-imports-nothing-heavy', "import 'pino';"],
  'plugins/auth/none/plugin.ts': ['manifest-imports-nothing-heavy', "import 'node:child_process';"],
  'plugins/transcode/audio/encoder.ts': ['native-addons-only-in-hosts', "import 'gstreamer-superficial';"],
  'plugins/transcode/audio/encoder-later.ts': [
    'native-addons-only-in-hosts',
    "export const f = () => import('gstreamer-superficial');",
  ],
  'plugins/native/gstreamer/loads-its-host.ts': ['hosts-are-started-not-imported', "import './media.host.ts';"],
  'plugins/native/gstreamer/loads-a-part-of-it.ts': ['hosts-are-started-not-imported', "import './host/launch.ts';"],
  'plugins/publish/hls/own-sfu.ts': ['mediasoup-only-in-webrtc', "import 'mediasoup';"],
  'core/engine/second-container.ts': ['tsyringe-only-in-container', "import 'tsyringe';"],
  'plugins/store/s3/own-container.ts': ['tsyringe-only-in-container', "import 'tsyringe';"],
  'core/cli/needs-a-tool.ts': ['no-development-packages', "import 'esbuild';"],
  'core/graph/egg.ts': ['no-cycles', "import { hen } from './hen.ts'; export const egg = () => hen;"],
  'core/graph/nowhere.ts': ['no-unresolvable', "import './gone.ts';"],
};
// Named by the tool as a cycle of egg.ts, since each cycle is told once.
const accomplices = { 'core/graph/hen.ts': "import { egg } from './egg.ts'; export const hen = () => egg;" };

let root: string;
let found: { from: string; rule: string }[];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'eddy-architecture-'));
  for (const file of ['package.json', 'tsconfig.json']) cpSync(join(checkout, file), join(root, file));
  symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'));
  const broken = Object.entries(violations).map(([path, [, text]]) => [path, text] as const);
  for (const [path, text] of [...Object.entries(sound), ...Object.entries(accomplices), ...broken]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  found = await violationsIn(root);
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function violationsIn(baseDir: string): Promise<{ from: string; rule: string }[]> {
  const { options, ...ruleSet } = config;
  // As the command line does with the same file.
  const { tsConfig: _, enhancedResolveOptions, ...rest } = options ?? {};
  const cruiseOptions = { ...rest, baseDir, ruleSet, validate: true, preserveSymlinks: true } as ICruiseOptions;
  const { output } = await cruise(['core', 'plugins'], cruiseOptions, enhancedResolveOptions);
  return (output as ICruiseResult).summary.violations.map(({ from, rule }) => ({ from, rule: rule.name }));
}

it('finds nothing in a house that keeps the rules', () => {
  expect(found.filter(({ from }) => from in sound)).toEqual([]);
});

it.each(Object.entries(violations))('%s breaks a rule', (path, [rule]) => {
  expect(found.filter(({ from }) => from === path).map((violation) => violation.rule)).toContain(rule);
});

it('has a seeded violation for every rule', () => {
  const rules = config.forbidden?.map(({ name }) => name);
  expect(new Set(Object.values(violations).map(([rule]) => rule))).toEqual(new Set(rules));
});

/** What we ask of every plugin we ask of our own. */
import { describe, test } from 'vitest';
import type { AnyPlugin } from '../../../core/plugin/index.ts';
import { conformance, type ConformanceOptions } from '../../../core/testing/index.ts';
import none from '../../../plugins/auth/none/plugin.ts';
import statics from '../../../plugins/auth/static/plugin.ts';
import httpServer from '../../../plugins/http/server/plugin.ts';
import rtmp from '../../../plugins/ingest/rtmp/plugin.ts';
import pattern from '../../../plugins/ingest/test-pattern/plugin.ts';
import cmaf from '../../../plugins/package/cmaf/plugin.ts';
import hls from '../../../plugins/publish/hls/plugin.ts';
import ring from '../../../plugins/timeshift/ring/plugin.ts';
import api from '../../../plugins/web/api/plugin.ts';
import player from '../../../plugins/web/player/plugin.ts';

const key = { token: '0123456789abcdef', subject: 'gate', cameras: ['*'], actions: ['publish'] };
const anyPort = { config: { listen: '127.0.0.1:0' }, clock: 'real' } as const;

const plugins: readonly (readonly [plugin: unknown, options?: ConformanceOptions<unknown>])[] = [
  [none],
  [statics, { config: { keys: [key] }, reconfigureTo: { keys: [] } }],
  [httpServer, anyPort],
  [rtmp, anyPort],
  [pattern, { skip: { 'the manifest is complete': 'the latency of its encoder is not declared yet' } }],
  [cmaf],
  [ring],
  [hls],
  [api],
  [player],
];

for (const [plugin, options] of plugins) {
  describe((plugin as AnyPlugin).manifest.name, () => {
    for (const check of conformance(plugin as AnyPlugin, options)) test(check.name, () => check.run());
  });
}

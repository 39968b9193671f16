/** What we ask of every plugin we ask of our own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import type { AnyPlugin } from '../../../core/plugin/index.ts';
import { conformance, type ConformanceOptions } from '../../../core/testing/index.ts';
import none from '../../../plugins/auth/none/plugin.ts';
import statics from '../../../plugins/auth/static/plugin.ts';
import httpServer from '../../../plugins/http/server/plugin.ts';
import rtmp from '../../../plugins/ingest/rtmp/plugin.ts';
import pattern from '../../../plugins/ingest/test-pattern/plugin.ts';
import postgres from '../../../plugins/index/postgres/plugin.ts';
import index from '../../../plugins/index/sqlite/plugin.ts';
import cmaf from '../../../plugins/package/cmaf/plugin.ts';
import cdn from '../../../plugins/publish/cdn/plugin.ts';
import dash from '../../../plugins/publish/dash/plugin.ts';
import hls from '../../../plugins/publish/hls/plugin.ts';
import pictures from '../../../plugins/publish/pictures/plugin.ts';
import files from '../../../plugins/store/filesystem/plugin.ts';
import s3 from '../../../plugins/store/s3/plugin.ts';
import ring from '../../../plugins/timeshift/ring/plugin.ts';
import api from '../../../plugins/web/api/plugin.ts';
import player from '../../../plugins/web/player/plugin.ts';

const key = { token: '0123456789abcdef', subject: 'gate', cameras: ['*'], actions: ['publish'] };
const folder = mkdtempSync(join(tmpdir(), 'eddy-conformance-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
/** Nobody listens there: it starts nevertheless. */
const nowhere = {
  ...{ bucket: 'b', endpoint: 'http://127.0.0.1:9', 'path-style': true, attempts: 1 },
  credentials: { 'access-key': 'a', 'secret-key': 'b' },
};
/** Its files tell of an end, and of the recording that it is: a camera that is published may go on after a stop. */
const publisher = { skip: { 'a drain passes on everything': 'an end is told by other files than a stop' } };
const anyPort = { config: { listen: '127.0.0.1:0' }, clock: 'real' } as const;

const plugins: readonly (readonly [plugin: unknown, options?: ConformanceOptions<unknown>])[] = [
  [none],
  [statics, { config: { keys: [key] }, reconfigureTo: { keys: [] } }],
  [httpServer, anyPort],
  [rtmp, anyPort],
  [pattern],
  [cmaf],
  [ring],
  [files, { config: { dir: join(folder, 'store') }, clock: 'real' }],
  [s3, { config: nowhere, clock: 'real' }],
  [postgres, { config: { url: 'postgres://eddy:secret@127.0.0.1:9/eddy' }, clock: 'real' }],
  [index, { config: { file: join(folder, 'index.db') }, clock: 'real' }],
  [hls, publisher],
  [dash, publisher],
  [cdn],
  [pictures],
  [api],
  [player],
];

for (const [plugin, options] of plugins) {
  describe((plugin as AnyPlugin).manifest.name, () => {
    for (const check of conformance(plugin as AnyPlugin, options)) test(check.name, () => check.run());
  });
}

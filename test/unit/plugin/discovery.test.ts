import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPipeline } from '../../../core/graph/index.ts';
import { loadExternalPlugins } from '../../../core/plugin/discovery.ts';
import { createRegistry } from '../../../core/plugin/registry.ts';

let folder: string;
const write = (file: string, text: string): void => {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
};

/** The source of a plugin that needs nothing but the plugin API, by its address: outside the launcher there is no other. */
const api = pathToFileURL(join(import.meta.dirname, '../../../core/plugin/index.ts')).href;
const source = (name: string, version = 1): string => `
import { defineManifest, definePlugin } from '${api}';
export default definePlugin(
  defineManifest({ name: '${name}', version: '1.0.0', api: ${version}, summary: 'From elsewhere.' }),
  () => import('./never.js'),
);`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'eddy-discovery-'));
  write('one/package.json', '{ "name": "one", "type": "module", "exports": "./main.js" }');
  write('one/main.js', source('test.one'));
  write('bare/index.mjs', source('test.bare'));
  write('single.mjs', source('test.single'));
  write('newer.mjs', source('test.newer', 99));
  write('builtin.mjs', source('http.server'));
  write('list.mjs', `${source('test.first').replace('export default', 'const first =')}\nexport default [first];`);
  write('nothing.mjs', 'export const x = 1;');
  write('wrong.mjs', 'export default { name: "wrong" };');
  write('throws.mjs', 'throw new Error("no such library");');
  write('misses.mjs', 'import "not-installed-anywhere";');
  write(
    'unbuilt/package.json',
    '{ "name": "unbuilt", "type": "module", "exports": { ".": { "import": "./dist/main.js" } } }',
  );
  write('workshop/package.json', '{ "name": "workshop", "type": "module", "exports": "./dist/plugin.js" }');
  write('workshop/plugin.ts', source('test.workshop'));
  write('workshop/dist/plugin.js', source('test.older'));
  write(
    'node_modules/@acme/eddy-srt/package.json',
    '{ "name": "@acme/eddy-srt", "type": "module", "exports": { ".": { "import": "./main.js" } } }',
  );
  write('node_modules/@acme/eddy-srt/main.js', source('ingest.srt'));
  write(
    'elsewhere/node_modules/eddy-other/package.json',
    '{ "name": "eddy-other", "type": "module", "main": "main.js" }',
  );
  write('elsewhere/node_modules/eddy-other/main.js', source('test.other'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const names = async (name: string): Promise<string[]> =>
  (await loadExternalPlugins(name, folder, join(folder, 'elsewhere'))).map(({ manifest }) => manifest.name);

describe('plugins from elsewhere', () => {
  it.each([
    ['a folder with a package.json', './one', 'test.one'],
    ['the sources of a folder before what was built from them', './workshop', 'test.workshop'],
    ['a folder without', './bare', 'test.bare'],
    ['a file', './single.mjs', 'test.single'],
    ['a list', './list.mjs', 'test.first'],
    ['a package beside the pipeline, for import only', '@acme/eddy-srt', 'ingest.srt'],
    ['a package beside the working folder', 'eddy-other', 'test.other'],
  ])('come from %s', async (_, name, expected) => expect(await names(name)).toEqual([expected]));

  it.each([
    ['./nowhere', 'PLUGIN_NOT_FOUND', 'there is nothing at "./nowhere"'],
    ['./unbuilt', 'PLUGIN_NOT_FOUND', 'dist/main.js is not built'],
    ['eddy-missing', 'PLUGIN_NOT_FOUND', 'is not installed'],
    ['./nothing.mjs', 'PLUGIN_INVALID', 'has no default export'],
    ['./wrong.mjs', 'PLUGIN_INVALID', 'does not export a plugin'],
    ['./throws.mjs', 'PLUGIN_INVALID', 'no such library'],
    ['./misses.mjs', 'PLUGIN_INVALID', 'not-installed-anywhere'],
    ['./newer.mjs', 'PLUGIN_API_UNSUPPORTED', 'plugin API 99'],
  ])('%s is %s', async (name, code, message) => {
    await expect(names(name)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('written without "./" are told how a folder is named', async () => {
    await expect(names('one')).rejects.toMatchObject({
      details: { mend: 'For the folder beside the pipeline write "./one".' },
    });
  });
});

describe('plugins: in a pipeline', () => {
  const load = (plugins: string, plugin: string) =>
    loadPipeline(
      {
        text: `version: 1\nplugins: [${plugins}]\nstages:\n  a: { plugin: ${plugin} }\n`,
        file: join(folder, 'pipeline.yaml'),
      },
      { registry: createRegistry([]), env: {} },
    );

  it('bring their plugins', async () => {
    const { graph, registry } = await load('./one, "@acme/eddy-srt"', 'test.one');
    expect(graph?.nodes[0]?.plugin.manifest.name).toBe('test.one');
    expect(registry.names()).toEqual(['ingest.srt', 'test.one']);
  });

  it('are findings at their place where they cannot be loaded, and what they would bring is not told to be unknown', async () => {
    const { findings } = await load('./one, ./newer.mjs', 'test.newer');
    expect(findings).toMatchObject([{ code: 'PLUGIN_API_UNSUPPORTED', position: { line: 2, column: 18 } }]);
  });
});

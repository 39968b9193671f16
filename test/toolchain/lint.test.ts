import { join } from 'node:path';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

const checkout = join(import.meta.dirname, '../..');

/** The project's rules on a text that is in no file, so without those that need types. */
const eslint = new ESLint({
  cwd: checkout,
  overrideConfig: [
    tseslint.configs.disableTypeChecked as ESLint.Options['overrideConfig'] & object,
    { languageOptions: { parserOptions: { projectService: false } } },
  ].flat(),
});
async function rulesBrokenBy(path: string, text: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(text, { filePath: join(checkout, path) });
  return result?.messages.map(({ ruleId }) => ruleId) ?? [];
}

describe('a file past 300 lines is two files', () => {
  const lines = (n: number): string => Array.from({ length: n }, (_, i) => `export const x${i} = ${i};\n`).join('');

  it('counts code', async () => {
    expect(await rulesBrokenBy('core/engine/seeded.ts', lines(301))).toEqual(['max-lines']);
    expect(await rulesBrokenBy('plugins/ingest/rtmp/seeded.ts', lines(301))).toEqual(['max-lines']);
  });

  it('counts no docstrings and no blank lines', async () => {
    const documented = lines(300).replaceAll('export', '\n/** What it is. */\nexport');
    expect(await rulesBrokenBy('core/engine/seeded.ts', documented)).toEqual([]);
  });
});

describe('a plugin imports the public face by its name', () => {
  it.each(['../../../core/plugin/index.ts', '../../../core/engine/container.ts'])('not %s', async (from) => {
    const broken = await rulesBrokenBy('plugins/ingest/rtmp/seeded.ts', `import '${from}';\n`);
    expect(broken).toEqual(['no-restricted-imports']);
  });

  it('but eddy/plugin', async () => {
    expect(await rulesBrokenBy('plugins/ingest/rtmp/seeded.ts', "import 'eddy/plugin';\n")).toEqual([]);
  });
});

it('refuses what prints from the engine, and lets a verb print', async () => {
  expect(await rulesBrokenBy('core/engine/seeded.ts', "console.log('x');\n")).toEqual(['no-console']);
  expect(await rulesBrokenBy('core/cli/seeded.ts', "console.log('x');\n")).toEqual([]);
});

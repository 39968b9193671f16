/**
 * Codes that a user may meet and look up. That a core code exists the compiler sees; here: that each is explained whole, and that a
 * plugin documents in its manifest every code it raises (`ingest.rtmp/CHUNK_TOO_LARGE`).
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { catalogue, type CodeDefinition } from '../../core/errors/index.ts';
import type { AnyPlugin } from '../../core/plugin/index.ts';

const root = dirname(dirname(import.meta.dirname));
const wrong: string[] = [];

const CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;
function mustBeExplained(code: string, definition: CodeDefinition): void {
  const name = code.slice(code.indexOf('/') + 1);
  if (!CODE.test(name)) wrong.push(`${code}: codes are AREA_WHAT`);
  for (const part of ['meaning', 'mend', 'example'] as const) {
    if (!definition[part]?.trim()) wrong.push(`${code}: its ${part} is missing`);
  }
}

for (const [code, definition] of Object.entries(catalogue)) mustBeExplained(code, definition);

const documented = new Set<string>();
for (const file of globSync('plugins/*/*/plugin.ts', { cwd: root })) {
  const { default: plugin } = (await import(pathToFileURL(join(root, file)).href)) as { default: AnyPlugin };
  for (const [name, definition] of Object.entries(plugin.manifest.errors)) {
    const code = `${plugin.manifest.name}/${name}`;
    documented.add(code);
    mustBeExplained(code, definition);
  }
}

const RAISED = /['"`]([a-z][a-z0-9-]*\.[a-z][a-z0-9-]*\/[A-Z][A-Z0-9_]+)['"`]/g;
// The test kit's fakes raise codes of their own names, which no user meets.
for (const file of globSync('{core,plugins}/**/*.ts', { cwd: root, exclude: ['core/testing/**'] })) {
  const path = join(root, file);
  for (const [, code] of withoutComments(readFileSync(path, 'utf8')).matchAll(RAISED)) {
    if (!documented.has(code!)) wrong.push(`${relative(root, path)}: ${code} is in no plugin's manifest`);
  }
}

/** Roughly: an example in a docstring raises nothing. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

for (const line of wrong) console.error(line);
process.exitCode = wrong.length > 0 ? 1 : 0;

/**
 * Codes that a user may meet and look up. That a core code exists the compiler sees; here: that each is explained whole, and that a
 * plugin documents in its manifest every code it raises (`ingest.rtmp/CHUNK_TOO_LARGE`).
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { catalogue, type CodeDefinition } from '../../core/errors/index.ts';
import type { AnyPlugin } from '../../core/plugin/index.ts';

const CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;

/** What is missing of the explanation of a code. */
export function unexplained(code: string, definition: CodeDefinition): string[] {
  const name = code.slice(code.indexOf('/') + 1);
  const parts = (['meaning', 'mend', 'example'] as const).filter((part) => !definition[part]?.trim());
  return [
    ...(CODE.test(name) ? [] : [`${code}: codes are AREA_WHAT`]),
    ...parts.map((part) => `${code}: its ${part} is missing`),
  ];
}

const RAISED = /['"`]([a-z][a-z0-9-]*\.[a-z][a-z0-9-]*\/[A-Z][A-Z0-9_]+)['"`]/g;

/** The codes of plugins that a source raises and no manifest documents. */
export function undocumented(source: string, documented: ReadonlySet<string>): string[] {
  return [...withoutComments(source).matchAll(RAISED)].map(([, code]) => code!).filter((code) => !documented.has(code));
}

/** Roughly: an example in a docstring raises nothing. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

async function wrongCodes(root: string): Promise<string[]> {
  const wrong = Object.entries(catalogue).flatMap(([code, definition]) => unexplained(code, definition));
  const documented = new Set<string>();
  for (const file of globSync('plugins/*/*/plugin.ts', { cwd: root })) {
    const { default: plugin } = (await import(pathToFileURL(join(root, file)).href)) as { default: AnyPlugin };
    for (const [name, definition] of Object.entries(plugin.manifest.errors)) {
      const code = `${plugin.manifest.name}/${name}`;
      documented.add(code);
      wrong.push(...unexplained(code, definition));
    }
  }
  // The test kit's fakes raise codes of their own names, which no user meets.
  for (const file of globSync('{core,plugins}/**/*.ts', { cwd: root, exclude: ['core/testing/**'] })) {
    const codes = undocumented(readFileSync(join(root, file), 'utf8'), documented);
    wrong.push(...codes.map((code) => `${file}: ${code} is in no plugin's manifest`));
  }
  return wrong;
}

if (process.argv[1] === import.meta.filename) {
  const wrong = await wrongCodes(dirname(dirname(import.meta.dirname)));
  for (const line of wrong) console.error(line);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}

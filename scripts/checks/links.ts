/**
 * Every link of the project's Markdown leads somewhere: to a file that is there, a heading that is there. Addresses of the
 * web are not asked.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** `[text](target)` and `![text](target)`, with an optional title. */
const LINK = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;

/** Links that lead nowhere, as `file:line: target`. */
export function deadLinks(root: string): string[] {
  const files = globSync(['*.md', '{docs,plugins,pipelines,test}/**/*.md'], {
    cwd: root,
    exclude: ['**/node_modules/**'],
  });
  return files.sort().flatMap((file) => {
    const path = join(root, file);
    return proseOf(readFileSync(path, 'utf8'))
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(LINK)]
          .filter(([, target]) => !leads(path, target ?? ''))
          .map(([, target]) => `${relative(root, path)}:${index + 1}: ${target}`),
      );
  });
}

function leads(from: string, target: string): boolean {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return true;
  const [path = '', heading] = target.split('#');
  const file = path === '' ? from : join(dirname(from), decodeURIComponent(path));
  if (!existsSync(file)) return false;
  return heading === undefined || !file.endsWith('.md') || headingsOf(readFileSync(file, 'utf8')).has(heading);
}

/** Anchors as GitHub makes them. */
function headingsOf(text: string): Set<string> {
  const titles = [...proseOf(text).matchAll(/^#{1,6}\s+(.*)$/gm)].map(([, title]) => title ?? '');
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

/** The text with its code blanked out, line by line: code has brackets that are no links. */
function proseOf(text: string): string {
  return text
    .replace(/^(`{3,}|~{3,})[\s\S]*?^\1/gm, (block) => block.replace(/[^\n]/g, ' '))
    .replace(/`[^`\n]*`/g, (code) => ' '.repeat(code.length));
}

if (process.argv[1] === import.meta.filename) {
  const dead = deadLinks(dirname(dirname(import.meta.dirname)));
  for (const link of dead) console.error(`${link} leads nowhere`);
  process.exitCode = dead.length > 0 ? 1 : 0;
}

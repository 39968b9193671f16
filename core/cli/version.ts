/** The version of the running package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** As package.json has it. */
export function version(root: string): string {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

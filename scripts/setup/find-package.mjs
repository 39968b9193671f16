import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder and version of an installed package, looked up as Node would from `from`, without running any of it and past the
 * `exports` that hide its package.json.
 * @param {string} name @param {string} from @returns {{ folder: string, version: string } | undefined}
 */
export function findPackage(name, from) {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name);
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) return { folder, version: JSON.parse(readFileSync(manifest, 'utf8')).version };
    if (dirname(at) === at) return undefined;
  }
}

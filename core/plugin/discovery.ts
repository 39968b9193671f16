/** Plugins of other packages: `plugins: [./my-plugin, "@acme/eddy-srt"]`. */
import { createRequire } from 'node:module';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EddyError } from '../errors/index.ts';
import { assertPlugin } from './registry.ts';
import type { AnyPlugin } from './plugin.ts';

/**
 * Loads the plugins that a package or a path exports by default: one plugin or a list. A path begins with a dot or a
 * slash; a package is looked for from the pipeline's folder, then from the working folder. Rejects with
 * PLUGIN_NOT_FOUND, PLUGIN_INVALID or PLUGIN_API_UNSUPPORTED.
 */
export async function loadExternalPlugins(
  name: string,
  baseDir: string,
  cwd: string = process.cwd(),
): Promise<AnyPlugin[]> {
  const url = isPath(name) ? locatePath(name, baseDir) : locatePackage(name, [baseDir, cwd]);
  let exported: unknown;
  try {
    exported = ((await import(url)) as { default?: unknown }).default;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    throw new EddyError('PLUGIN_INVALID', `"${name}" failed while it was loaded: ${reason}`, {
      cause: error,
      details: { mend: loadMend(reason) },
    });
  }
  const plugins: unknown[] = Array.isArray(exported) ? exported : [exported];
  if (exported === undefined || plugins.length === 0)
    throw new EddyError('PLUGIN_INVALID', `"${name}" has no default export`);
  for (const plugin of plugins) assertPlugin(plugin, `"${name}"`);
  return plugins as AnyPlugin[];
}

const isPath = (name: string): boolean => /^(\.{0,2}\/|\.\.?$)/.test(name);

function loadMend(reason: string): string | undefined {
  if (/eddy\/(plugin|media|testing)/.test(reason))
    return 'Run it with "eddy", which gives plugins its own "eddy/plugin".';
  return /Cannot find (package|module)/.test(reason) ? "Run npm install in the plugin's folder." : undefined;
}

function locatePath(name: string, baseDir: string): string {
  const path = resolve(baseDir, name);
  if (!existsSync(path)) {
    throw new EddyError('PLUGIN_NOT_FOUND', `there is nothing at "${name}" (looked for ${path})`, {
      details: { mend: `Correct the path; it begins at the pipeline's folder, ${baseDir}.` },
    });
  }
  if (statSync(path).isFile()) return pathToFileURL(path).href;
  // The sources before what was compiled from them, which may be older; below node_modules Node does not run them.
  const isInstalled = path.split(sep).includes('node_modules');
  const has = (...files: string[]): string | undefined => files.find((file) => existsSync(join(path, file)));
  const entry =
    (isInstalled ? undefined : has('plugin.ts')) ??
    packageEntry(path) ??
    has('index.ts', 'plugin.js', 'index.js', 'plugin.mjs', 'index.mjs');
  if (entry !== undefined && existsSync(join(path, entry))) return pathToFileURL(join(path, entry)).href;
  throw new EddyError(
    'PLUGIN_NOT_FOUND',
    `the folder "${name}" has no plugin.js, index.js or package.json with "exports"${entry ? ` (${entry} is not built?)` : ''}`,
  );
}

/** The file that a package's `exports` or `main` names; the form is kept simple on purpose: a local folder is a workshop. */
function packageEntry(folder: string): string | undefined {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) return undefined;
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { exports?: unknown; main?: string };
  const pick = (entry: unknown): string | undefined => {
    if (typeof entry === 'string') return entry;
    if (entry === null || typeof entry !== 'object') return undefined;
    const map = entry as Readonly<Record<string, unknown>>;
    return pick(map['.'] ?? map.import ?? map.default);
  };
  return pick(manifest.exports) ?? manifest.main;
}

function locatePackage(name: string, folders: readonly string[]): string {
  for (const folder of folders) {
    try {
      // The parent argument of import.meta.resolve is behind a flag, so packages are resolved as require does; a package
      // that exports "import" only is found by its folder.
      return pathToFileURL(createRequire(join(folder, 'x.js')).resolve(name)).href;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
        const found = packageFolder(name, folder);
        const entry = found && packageEntry(found);
        if (found && entry) return pathToFileURL(join(found, entry)).href;
      }
    }
  }
  const local = existsSync(resolve(folders[0]!, name));
  throw new EddyError(
    'PLUGIN_NOT_FOUND',
    `the package "${name}" is not installed (looked from ${[...new Set(folders)].join(' and ')})`,
    {
      details: { mend: local ? `For the folder beside the pipeline write "./${name}".` : `npm install ${name}` },
    },
  );
}

function packageFolder(name: string, from: string): string | undefined {
  return createRequire(join(from, 'x.js'))
    .resolve.paths(name)
    ?.map((folder) => join(folder, name))
    .find((folder) => existsSync(join(folder, 'package.json')));
}

// Bundles the pages of plugins/web/<name>/client/ into plugins/web/<name>/dist/: no CDN, nothing inline.
import { build } from 'esbuild';
import { copyFileSync, globSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const web = join(root, 'plugins/web');
const require = createRequire(import.meta.url);

/** A script that a page loads has its name in the page; what it imports is bundled into it. */
const ENTRIES = {
  player: ['home.ts', 'watch.ts', 'style.css'],
  publish: ['publish.ts', 'ticker.ts', 'style.css'],
};
/** Beside the pages' own files: what npm packages load by name. */
const WORKERS = { player: ['hls.js/dist/hls.worker.js'] };

for (const [plugin, entries] of Object.entries(ENTRIES)) {
  const client = join(web, plugin, 'client');
  const dist = join(web, plugin, 'dist');
  const began = performance.now();
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  await build({
    entryPoints: entries.map((entry) => join(client, entry)),
    outdir: dist,
    bundle: true,
    minify: true,
    format: 'esm',
    // `eddy/media` is the checkout's own. What a page does not use of it is left out, and with that what needs Node.
    conditions: ['eddy-source'],
    external: ['node:*'],
    target: ['chrome109', 'firefox115', 'safari16.4'],
    legalComments: 'eof',
    logLevel: 'warning',
  });
  const shared = join(web, 'shared/client');
  for (const file of globSync('*.svg', { cwd: shared })) copyFileSync(join(shared, file), join(dist, file));
  for (const worker of WORKERS[plugin] ?? []) copyFileSync(require.resolve(worker), join(dist, basename(worker)));
  const size = readdirSync(dist).reduce((sum, file) => sum + statSync(join(dist, file)).size, 0);
  const took = Math.round(performance.now() - began);
  console.log(`web ${plugin}: ${Math.round(size / 1024)} KiB in plugins/web/${plugin}/dist (${took} ms)`);
}

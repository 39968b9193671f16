// Bundles the pages of plugins/web/<name>/client/ into plugins/web/<name>/dist/: no CDN, nothing inline.
import { build } from 'esbuild';
import { copyFileSync, existsSync, globSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const web = join(root, 'plugins/web');
const require = createRequire(import.meta.url);

/** A script that a page loads has its name in the page; what it imports is bundled into it. */
const ENTRIES = { player: ['home.ts', 'watch.ts', 'style.css'] };

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
    target: ['chrome109', 'firefox115', 'safari16.4'],
    legalComments: 'eof',
    logLevel: 'warning',
  });
  for (const file of globSync('*.svg', { cwd: client })) copyFileSync(join(client, file), join(dist, file));
  const worker = join(dirname(require.resolve('hls.js')), 'hls.worker.js');
  if (existsSync(worker)) copyFileSync(worker, join(dist, 'hls.worker.js'));
  const size = readdirSync(dist).reduce((sum, file) => sum + statSync(join(dist, file)).size, 0);
  const took = Math.round(performance.now() - began);
  console.log(`web ${plugin}: ${Math.round(size / 1024)} KiB in plugins/web/${plugin}/dist (${took} ms)`);
}

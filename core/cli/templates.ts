/** What `eddy new` writes. */

/** A pipeline that passes every check as it is. */
export function pipelineTemplate(name: string): string {
  return `# eddy validate ${name}.yaml    checks it
# eddy run ${name}.yaml         runs it
version: 1
name: ${name}
services:
  http:   { plugin: http.server, listen: 127.0.0.1:8080 }
  player: { plugin: web.player }
stages:
  rtmp: { plugin: ingest.rtmp, listen: 127.0.0.1:1935 }   # rtmp://localhost:1935/live/{camera}
  cmaf: { plugin: package.cmaf }
  dvr:  { plugin: timeshift.ring, window: 2m }
  hls:  { plugin: publish.hls }                           # http://localhost:8080/
links:
  - rtmp.video -> cmaf.video
  - rtmp.audio -> cmaf.audio
  - cmaf.chunks -> dvr.chunks
  - dvr.live -> hls.chunks
`;
}

/**
 * A plugin with one stage that passes frames on: manifest, code, test, an example pipeline. Node runs its TypeScript as it
 * is, but not below node_modules: `npm pack` compiles what others install. `eddy` is the range of npm or the path by which
 * its tests get Eddy.
 */
export function pluginTemplate(
  name: string,
  eddy: { readonly version: string; readonly source: string },
): Readonly<Record<string, string>> {
  const file = name.split('.')[1]!;
  const folder = name.replace('.', '-');
  return {
    'package.json': json({
      name: `eddy-${folder}`,
      version: '0.1.0',
      description: `The plugin ${name} for Eddy.`,
      keywords: ['eddy-plugin'],
      type: 'module',
      exports: './dist/plugin.js',
      files: ['dist'],
      engines: { node: '>=22.18' },
      // With its pattern: an older Node finds no ".test.ts" by itself, runs nothing and is content.
      scripts: { test: 'node --test "**/*.test.ts"', check: 'tsc', prepack: 'tsc -p tsconfig.build.json' },
      peerDependencies: { eddy: `>=${eddy.version}` },
      devDependencies: { '@types/node': '^24.0.0', eddy: eddy.source, typescript: '^6.0.0' },
    }),
    'tsconfig.json': json({
      compilerOptions: {
        target: 'es2023',
        module: 'nodenext',
        types: ['node'],
        strict: true,
        verbatimModuleSyntax: true,
        erasableSyntaxOnly: true,
        rewriteRelativeImportExtensions: true,
        skipLibCheck: true,
        noEmit: true,
      },
      include: ['*.ts'],
    }),
    'tsconfig.build.json': json({
      extends: './tsconfig.json',
      compilerOptions: { noEmit: false, outDir: 'dist', rootDir: '.', declaration: true },
      exclude: ['*.test.ts'],
    }),
    '.gitignore': 'dist/\nnode_modules/\n',
    'plugin.ts': `/** The manifest: plain data, so that "eddy validate" and editors need none of the code behind it. */
import { defineManifest, definePlugin, input, output, Duration } from 'eddy/plugin';

export const manifest = defineManifest({
  name: '${name}',
  version: '0.1.0',
  api: 1,
  summary: 'Passes frames on and says how many went by.',
  config: {
    every: Duration({ doc: 'How often it tells the number of frames.', default: '10s', min: '1s' }),
  },
  inputs: { in: input('frames', { doc: 'Frames of any kind.' }) },
  outputs: { out: output('frames', { doc: 'The same frames.', latency: { min: 0, max: 0 } }) },
});

const plugin = definePlugin(manifest, () => import('./${file}.ts'));
export default plugin;
`,
    [`${file}.ts`]: `/** The code behind the manifest: loaded when a pipeline that uses it starts. */
import type { Context, Running } from 'eddy/plugin';
import type { manifest } from './plugin.ts';

export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const frames = ctx.metrics.counter('frames_total', 'Frames that went by.');
  return {
    // Called once for each camera; all that is made here ends with the flow.
    flow(flow) {
      let count = 0;
      flow.scope.add(ctx.clock.every(ctx.config.every, () => flow.log.info({ count }, 'frames so far')));
      flow.in.in.onTrack((track) => {
        const out = flow.out.out.addTrack(track.id, track.caps, { from: track });
        // It ends with its track; what is put into the flow's scope stays for all of the camera's publishers.
        out.onKeyFrameRequest(() => track.requestKeyFrame());
        return {
          async item(unit) {
            count += 1;
            frames.add(1, { camera: flow.cameraId });
            // False means that a link that blocks is full: waiting here holds the next frame back.
            if (!out.write(unit)) await out.ready();
          },
          discontinuity: (cause) => out.discontinuity(cause),
          gap: (from, to, cause) => out.gap(from, to, cause),
          end: (cause) => out.end(cause),
        };
      });
    },
  };
}
`,
    [`${file}.test.ts`]: `/** Run with "npm test", or by any other runner. */
import test from 'node:test';
import { conformance } from 'eddy/testing';
import plugin from './plugin.ts';

// Idempotent stop, flow isolation, discontinuities, draining, leaks: what every stage must hold.
for (const check of conformance(plugin)) test(check.name, check.run);
`,
    'pipeline.yaml': `# eddy run pipeline.yaml
version: 1
name: ${folder}
plugins: [.]
services:
  http:   { plugin: http.server, listen: 127.0.0.1:8080 }
  player: { plugin: web.player }
stages:
  rtmp: { plugin: ingest.rtmp, listen: 127.0.0.1:1935 }
  ${file}: { plugin: ${name}, every: 5s }
  cmaf: { plugin: package.cmaf }
  hls:  { plugin: publish.hls }
links:
  - rtmp.video -> ${file}.in
  - ${file}.out -> cmaf.video
  - rtmp.audio -> cmaf.audio
  - cmaf.chunks -> hls.chunks
`,
    'README.md': `# ${name}

A plugin for Eddy: one stage that passes frames on.

| file | what it is |
| --- | --- |
| [plugin.ts](plugin.ts) | the manifest: what it takes, gives and can be told |
| [${file}.ts](${file}.ts) | the code, loaded when a pipeline that uses it starts |
| [${file}.test.ts](${file}.test.ts) | its tests |
| [pipeline.yaml](pipeline.yaml) | a pipeline with it |

\`\`\`sh
npm install
npm test                      # what every plugin must hold, and what you add
npm run check                 # types
npx eddy run pipeline.yaml    # from these sources, without a build
npm pack                      # compiles, and makes what others install
\`\`\`

In a pipeline elsewhere, after \`npm install eddy-${folder}\`:

\`\`\`yaml
plugins: [eddy-${folder}]
stages:
  ${file}: { plugin: ${name}, every: 5s }
\`\`\`
`,
  };
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

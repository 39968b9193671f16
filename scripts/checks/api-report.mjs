// The package's public face as text, one file an entry point, so that a change of it is seen in review.
//
//   node scripts/checks/api-report.mjs [--write]     without it: fails where docs/api/ is stale
//
// An export without a docstring fails either way.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = dirname(dirname(import.meta.dirname));
const write = process.argv.includes('--write');
// Not below node_modules, where the extractor takes every file for another package's.
const compiled = join(root, '.runtime/api');
const manifest = join(root, 'package.json');

/**
 * The extractor reads declarations, so they are made afresh: a report of an old build would be worse than none. Unchecked, since
 * whether the types are right is another check's business.
 */
function emitDeclarations() {
  rmSync(compiled, { recursive: true, force: true });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const flags = ['-p', 'tsconfig.build.json', '--emitDeclarationOnly', '--noCheck', '--outDir', compiled];
  execFileSync(process.execPath, [tsc, ...flags], { cwd: root, stdio: 'inherit' });
}

/** `./plugin` with `./core/plugin/index.ts` makes `plugin` and the declaration of that source. */
function entryPoints() {
  const { exports } = JSON.parse(readFileSync(manifest, 'utf8'));
  return Object.entries(exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([path, target]) => ({
      name: path === '.' ? 'eddy' : path.slice(2),
      declaration: join(compiled, target['eddy-source'].replace(/\.ts$/, '.d.ts')),
    }));
}

/** @returns {string[]} what is wrong with it */
function report({ name, declaration }) {
  if (!existsSync(declaration)) return [`${name}: its source is missing`];
  const folder = join(root, 'docs/api');
  mkdirSync(folder, { recursive: true });
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: manifest,
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: declaration,
      compiler: {
        overrideTsconfig: {
          extends: join(root, 'tsconfig.json'),
          compilerOptions: { incremental: false, tsBuildInfoFile: null, customConditions: [] },
          files: [declaration],
        },
      },
      apiReport: { enabled: true, reportFolder: folder, reportTempFolder: compiled, reportFileName: `${name}.api.md` },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        extractorMessageReporting: {
          default: { logLevel: 'none' },
          'ae-undocumented': { logLevel: 'error' },
        },
        compilerMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
  const wrong = new Set();
  const result = Extractor.invoke(config, {
    localBuild: write,
    messageCallback(message) {
      message.handled = true;
      if (message.logLevel !== 'error' || !message.sourceFilePath) return;
      // A member's own docstring may be left out where its name and type say all.
      if (message.messageId === 'ae-undocumented' && isMember(message)) return;
      const source = relative(compiled, message.sourceFilePath).replace(/\.d\.ts$/, '.ts');
      wrong.add(`${source}: ${message.text.replace(/\.$/, '')}, which eddy/${name} exports`);
    },
  });
  if (result.apiReportChanged && !write) wrong.add(`docs/api/${name}.api.md is stale: please run npm run generate`);
  return [...wrong];
}

/** Declarations of members are indented. */
const isMember = ({ sourceFilePath, sourceFileLine }) =>
  /^\s/.test(readFileSync(sourceFilePath, 'utf8').split('\n')[sourceFileLine - 1] ?? '');

emitDeclarations();
const wrong = entryPoints().flatMap(report);
for (const line of wrong) console.error(line);
process.exitCode = wrong.length > 0 ? 1 : 0;

#!/usr/bin/env node
// `eddy`: starts the command line under a Node that can run it. Depends on nothing, so that it can say what is missing.
//
// In a checkout the TypeScript sources are run as they are; in an installed package, what was compiled from them.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as nodeModule from 'node:module';

// Not import.meta.dirname: this file must still speak under a Node too old to have it.
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const inCheckout = existsSync(join(root, 'core/cli/main.ts'));
const setup = inCheckout ? 'make setup' : 'npx eddy setup';

if (runsEddy(process.versions.node)) await start();
else startUnder(ownNode());

/** From this version on Node runs TypeScript sources without a flag. */
function runsEddy(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

async function start() {
  cacheCompiledCode();
  shareOneEddy();
  const entry = join(root, inCheckout ? 'core/cli/main.ts' : 'dist/core/cli/main.js');
  const builtins = join(root, inCheckout ? 'plugins/index.ts' : 'dist/plugins/index.js');
  if (!existsSync(entry)) giveUp(`${entry} is missing`, inCheckout ? setup : 'npm install eddy');
  let cli;
  try {
    cli = await import(pathToFileURL(entry).href);
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND' || existsSync(join(root, 'node_modules')) || !inCheckout) throw error;
    giveUp('its npm packages are not installed', setup);
  }
  // "eddy schema | head": whoever read has enough, which is no error of ours and no reason for a running pipeline to end.
  process.stdout.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.exitCode = await cli.main(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colour: process.stdout.isTTY === true && !process.env.NO_COLOR,
    cwd: process.cwd(),
    env: process.env,
    root,
    // Handed in, since core knows no plugin.
    builtins: async () => (await import(pathToFileURL(builtins).href)).default,
  });
}

/** Halves the start of a cold process. The environment variable is for the children that the engine starts. */
function cacheCompiledCode() {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'eddy/compiled');
  process.env.NODE_COMPILE_CACHE ??= folder;
  nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE);
}

/**
 * Whoever imports `eddy/plugin` gets the copy that is running: our own plugins in a checkout, without the flag
 * `--conditions=eddy-source` (which could only be given to a second process), and plugins from elsewhere, which may have
 * another copy installed or none. Two copies would mean two registries and errors that are no instance of each other.
 */
function shareOneEddy() {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const condition = inCheckout ? 'eddy-source' : 'default';
  const faces = new Map();
  for (const [path, target] of Object.entries(manifest.exports)) {
    if (typeof target !== 'object') continue;
    faces.set(manifest.name + path.slice(1), pathToFileURL(join(root, target[condition])).href);
  }
  nodeModule.registerHooks({
    resolve(specifier, context, next) {
      const url = faces.get(specifier);
      return url ? { url, shortCircuit: true } : next(specifier, context);
    },
  });
}

/** The Node that scripts/bootstrap.sh brought. */
function ownNode() {
  const node = join(root, '.runtime/node_modules', `node-${process.platform}-${process.arch}`, 'bin/node');
  // A runtime folder that holds an old Node must not start itself for ever.
  if (existsSync(node) && process.execPath !== realpathSync(node)) return node;
  const remedy = inCheckout ? setup : 'install Node 22.18 or later';
  return giveUp(`it needs Node 22.18 or later, this is ${process.versions.node}`, remedy);
}

/** Runs this very command under another Node, as if it had been that one from the start. */
function startUnder(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  // A terminal sends its interrupt to both processes; passed on, the second one would cut the draining short.
  const fromTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) {
    process.on(signal, () => {
      if (!(fromTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT'))) child.kill(signal);
    });
  }
  child.on('error', (error) => giveUp(`${node} does not start: ${error.message}`, setup));
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code);
    // Died by a signal: so do we, and the shell sees the truth.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function giveUp(problem, remedy) {
  process.stderr.write(`eddy cannot start: ${problem}. Please run: ${remedy}\n`);
  process.exit(1);
}

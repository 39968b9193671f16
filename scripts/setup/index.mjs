#!/usr/bin/env node
// Sets up what a goal needs, and only that:
//
//   node scripts/setup/index.mjs run [PIPELINE]     what that pipeline needs (default: all that any may)
//   node scripts/setup/index.mjs check | test | proof
//
// Each step is idempotent. In a checkout started by `make`; in an installed package by `eddy setup`.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gstreamerAddon } from './gstreamer-addon.mjs';
import { nativePackages, nodeModules } from './node-modules.mjs';
import { packages, systemPackages } from './packages.mjs';
import { sfuWorker } from './sfu-worker.mjs';
import { runSteps, say, SetupError } from './steps.mjs';
import { webBundle } from './web-bundle.mjs';

const root = dirname(dirname(import.meta.dirname));
const [goal = 'run', pipeline] = process.argv.slice(2);

/** By the text alone: nothing may be installed yet that could parse it. @param {string | undefined} file */
function mayUseSfu(file) {
  if (file === undefined) return true;
  return existsSync(file) && /plugin:\s*["']?webrtc\./.test(readFileSync(file, 'utf8'));
}

const checkout = existsSync(join(root, 'package-lock.json'));
const npmPackages = checkout ? nodeModules(root) : nativePackages(root);
const worker = sfuWorker(root);

/** @param {boolean} withSfu @param {(keyof typeof packages)[]} others @returns {import('./steps.mjs').Step[]} */
function steps(withSfu, others = []) {
  const purposes = ['run', 'build', ...others, ...(withSfu && !worker.ready() ? ['worker'] : [])];
  return [
    systemPackages(purposes.flatMap((purpose) => packages[purpose])),
    npmPackages,
    gstreamerAddon(root),
    ...(checkout ? [webBundle(root)] : []),
    ...(withSfu ? [worker] : []),
  ];
}

/** @type {Record<string, () => import('./steps.mjs').Step[]>} */
const goals = {
  run: () => steps(mayUseSfu(pipeline)),
  check: () => [npmPackages],
  test: () => steps(true, ['test']),
  proof: () => steps(true, ['test', 'proof']),
};

if (!Object.hasOwn(goals, goal)) {
  say(`set-up: unknown goal "${goal}": ${Object.keys(goals).join(', ')}`);
  process.exit(2);
}
try {
  await runSteps(goal, goals[goal]());
} catch (error) {
  say(`set-up: ${error instanceof SetupError ? error.message : error.stack}`);
  process.exit(1);
}

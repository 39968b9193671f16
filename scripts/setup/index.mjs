#!/usr/bin/env node
// Sets up what a goal needs, and only that:
//
//   node scripts/setup/index.mjs run [PIPELINE]     what that pipeline needs (default: all that any may)
//   node scripts/setup/index.mjs test | proof
//
// Each step is idempotent. In a checkout started by `make`; in an installed package by `eddy setup`.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gstreamerAddon } from './gstreamer-addon.mjs';
import { nodeModules } from './node-modules.mjs';
import { packages, systemPackages } from './packages.mjs';
import { sfuWorker } from './sfu-worker.mjs';
import { runSteps, say, SetupError } from './steps.mjs';
import { webBundle } from './web-bundle.mjs';

const root = dirname(dirname(import.meta.dirname));
const [goal = 'run', pipeline] = process.argv.slice(2);

/** Whether the pipeline may start an SFU worker. By its text alone: nothing is installed yet that could parse it.
 * @param {string | undefined} file */
const usesSfu = (file) => file === undefined || /plugin:\s*["']?webrtc\./.test(readFileSync(file, 'utf8'));

const worker = [systemPackages('build the SFU worker', packages.worker), sfuWorker(root)];
/** @param {import('./steps.mjs').Step[]} steps */
const unlessBuilt = ([system, build]) => [{ ...system, ready: () => build.ready() || system.ready() }, build];

const checkout = existsSync(join(root, 'package-lock.json'));
const toRun = [
  systemPackages('run', packages.run),
  systemPackages('compile the GStreamer addon', packages.build),
  ...(checkout ? [nodeModules(root)] : []),
  gstreamerAddon(root),
  ...(checkout ? [webBundle(root)] : []),
];

/** @type {Record<string, () => import('./steps.mjs').Step[]>} */
const goals = {
  run: () => [...toRun, ...(usesSfu(pipeline) ? unlessBuilt(worker) : [])],
  test: () => [systemPackages('test', packages.test), ...toRun, ...unlessBuilt(worker)],
  proof: () => [systemPackages('compare with', packages.proof), ...goals.test()],
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

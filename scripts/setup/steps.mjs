// What every set-up step needs: tell what it does, tell how long it took, keep quiet about the rest.
import { spawn, spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** A step failed in a way its message explains whole; no stack trace would help. */
export class SetupError extends Error {}

/**
 * @typedef {object} Step
 * @property {string} name What is being set up, as a noun.
 * @property {() => boolean} ready Whether nothing is to do. Must be quick: it is on the way of every start.
 * @property {() => string} doing What is about to be done and why it may take long.
 * @property {() => Promise<string | void>} bring Does it; may return where the result is.
 */

export const say = (/** @type {string} */ message) => void process.stderr.write(`${message}\n`);

/** Runs the steps in order. A warm run says one line.
 * @param {string} goal @param {Step[]} steps */
export async function runSteps(goal, steps) {
  const started = performance.now();
  let done = 0;
  for (const step of steps) {
    if (step.ready()) continue;
    done++;
    say(`set-up: ${step.name}: ${step.doing()}`);
    const from = performance.now();
    const where = await step.bring();
    say(`set-up: ${step.name}: done in ${seconds(from)}${where ? ` (${where})` : ''}`);
  }
  const state = done === 0 ? 'nothing to do' : `${done} of ${steps.length} steps done`;
  say(`set-up: ready for "${goal}", ${state}, ${seconds(started)}`);
}

const seconds = (/** @type {number} */ from) => `${((performance.now() - from) / 1000).toFixed(1)} s`;

/** Whether a quick command succeeds. @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} [env] */
export function succeeds(command, args, env = process.env) {
  return spawnSync(command, args, { stdio: 'ignore', env }).status === 0;
}

/**
 * Runs a long command and keeps its output to itself, unless it fails: then the end of it is the error.
 * @param {string} command @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, stdin?: 'inherit' | 'ignore' }} [options]
 */
export async function run(command, args, { cwd, env = process.env, stdin = 'ignore' } = {}) {
  const child = spawn(command, args, { cwd, env, stdio: [stdin, 'pipe', 'pipe'] });
  let output = '';
  const keep = (/** @type {Buffer} */ data) => void (output = (output + data.toString()).slice(-8_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const status = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal));
  }).catch((error) => error.message);
  if (status === 0) return;
  const end = output.trimEnd().split('\n').slice(-25).join('\n');
  throw new SetupError(`${[command, ...args].join(' ')}\nfailed (${status}):\n${end}`);
}

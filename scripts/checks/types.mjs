// TypeScript 6, whose API the other tools are built on, and TypeScript 7, which is ten times as fast: both must find the same, so
// that either may be trusted alone while working.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';

const root = dirname(dirname(import.meta.dirname));
const compilers = {
  6: join(root, 'node_modules/typescript/bin/tsc'),
  7: join(root, 'node_modules/typescript-7/bin/tsc'),
};

/** @returns {Promise<string[]>} Its findings, each on one line. @param {string} tsc */
async function findings(tsc) {
  const child = spawn(process.execPath, [tsc, '-p', '.', '--incremental', 'false', '--pretty', 'false'], { cwd: root });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  const status = await new Promise((resolve) => child.on('close', resolve));
  const lines = output.split('\n').filter((line) => /\berror TS\d+/.test(line));
  if (status !== 0 && lines.length === 0) throw new Error(`${tsc} failed:\n${output}`);
  return lines;
}

/** Where and what, without the wording, in which versions differ. @param {string} line */
const key = (line) => line.replace(/(error TS\d+):.*/, '$1');

const [six, seven] = await Promise.all([findings(compilers[6]), findings(compilers[7])]);
for (const line of six) console.error(line);
const sixKeys = new Set(six.map(key));
const sevenKeys = new Set(seven.map(key));
for (const line of seven.filter((line) => !sixKeys.has(key(line)))) console.error(`only TypeScript 7 finds: ${line}`);
for (const line of six.filter((line) => !sevenKeys.has(key(line))))
  console.error(`only TypeScript 6 finds: ${key(line)}`);
process.exitCode = six.length + seven.length > 0 ? 1 : 0;

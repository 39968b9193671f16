/** Runs a benchmark of test/bench in a process of its own, as `make bench` does, for a bar that it measures. */
import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const folder = join(import.meta.dirname, '../bench');

/**
 * What the benchmark printed as its last line. Rejects with its output where it failed. `EDDY_BENCH` names a file in which the whole ones are taken
 * down, so that `make bench` need not measure them again.
 */
export async function runBench<T>(name: string, ...args: readonly string[]): Promise<T> {
  const command = ['--conditions=eddy-source', join(folder, `${name}.bench.ts`), ...args];
  const began = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, command);
  const result = JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
  const { EDDY_BENCH: file, EDDY_COMMIT: commit } = process.env;
  const seconds = Math.round((performance.now() - began) / 1000);
  if (file && args.length === 0) appendFileSync(file, `${JSON.stringify({ name, commit, seconds, result })}\n`);
  return result;
}

/** Runs a benchmark of test/bench in a process of its own, as `make bench` does, for a bar that it measures. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const folder = join(import.meta.dirname, '../bench');

/** What the benchmark printed as its last line. Rejects with its output where it failed. */
export async function runBench<T>(name: string, ...args: readonly string[]): Promise<T> {
  const command = ['--conditions=eddy-source', join(folder, `${name}.bench.ts`), ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}

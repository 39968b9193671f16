/** `eddy validate` of a pipeline of 200 stages, Node's own start included, as an integrator's editor or CI pays for it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atLevel } from '../level.ts';

const root = join(import.meta.dirname, '../..');
const STAGES = 200;
const RUNS = atLevel({ test: 5, proof: 11 });

function pipeline(): string {
  const groups = Array.from({ length: STAGES / 4 }, (_, index) => index);
  const stages = groups.map(
    (n) => `  rtmp-${n}: { plugin: ingest.rtmp, listen: 127.0.0.1:${20_000 + n} }
  cmaf-${n}: { plugin: package.cmaf, segment: 2s, part: 334ms }
  dvr-${n}: { plugin: timeshift.ring, window: 2m, memory: 64MiB }
  hls-${n}: { plugin: publish.hls, prefix: /hls-${n}, use: { timeline: dvr-${n} } }`,
  );
  const links = groups.map(
    (n) => `  - rtmp-${n}.video -> cmaf-${n}.video
  - rtmp-${n}.audio -> cmaf-${n}.audio
  - cmaf-${n}.chunks -> dvr-${n}.chunks: { queue: 2s, full: block }
  - dvr-${n}.live -> hls-${n}.chunks`,
  );
  return `version: 1\nservices:\n  http: { plugin: http.server }\nstages:\n${stages.join('\n')}\nlinks:\n${links.join('\n')}\n`;
}

/** Milliseconds of wall clock of a Node that runs this. */
function time(args: readonly string[]): number {
  const start = performance.now();
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')} gave ${status}: ${stdout}`);
  return performance.now() - start;
}

const median = (values: readonly number[]): number =>
  Math.round([...values].sort((a, b) => a - b)[values.length >> 1]!);
const runs = (args: readonly string[]): number[] => Array.from({ length: RUNS }, () => time(args));

const folder = mkdtempSync(join(tmpdir(), 'eddy-bench-'));
try {
  const file = join(folder, 'many.yaml');
  writeFileSync(file, pipeline());
  const eddy = join(root, 'scripts/eddy.mjs');
  const validate = [eddy, 'validate', '--offline', file];
  time(validate); // Fills the cache of compiled code, as any earlier use has.
  const whole = runs(validate);
  const version = runs([eddy, 'version']);
  const node = runs(['--eval', '0']);
  console.log(
    JSON.stringify({
      bench: 'eddy validate, Node included',
      stages: STAGES,
      runs: RUNS,
      'validate, ms': { median: median(whole), worst: Math.round(Math.max(...whole)) },
      'floors, ms': { 'eddy version': median(version), 'node alone': median(node) },
    }),
  );
} finally {
  rmSync(folder, { recursive: true });
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { meetBar } from '../bar.ts';

const script = join(import.meta.dirname, 'bare-machine.sh');
const folder = process.env.EDDY_BARE_MACHINE ?? '/var/tmp/eddy-bare';
const HOUR = 3_600_000;

/** debootstrap and chroot are root's. */
const root = process.getuid?.() === 0;

it.runIf(root)(
  'a fresh Debian 12 with git, make and Node runs and tests Eddy by make alone',
  async () => {
    const options = { timeout: HOUR, maxBuffer: 64 * 1024 * 1024 };
    const { stdout } = await promisify(execFile)(script, [folder, 'run', 'test'], options).catch(
      // It told what failed; the rows below say which.
      (error: Error & { stdout: string }) => error,
    );
    const seconds = (line: RegExp): number => Number(line.exec(stdout)?.[1] ?? NaN);
    const first = seconds(/run-first: ready after ([\d.]+) s/);
    const warm = seconds(/run-warm: ready after ([\d.]+) s/);
    const test = /test: passed in ([\d.]+) s: (.*)/.exec(stdout);

    expect(stdout).toMatch(/node v\d+/);
    meetBar({
      what: 'bare machine: first make run',
      bar: 'is ready',
      measured: `after ${first} s`,
      pass: first > 0,
    });
    meetBar({
      what: 'bare machine: warm make run',
      bar: 'ready within 5 s, ends with 0 at SIGTERM',
      measured: `after ${warm} s`,
      pass: warm <= 5 && !/run-warm: ended with/.test(stdout),
    });
    meetBar({
      what: 'bare machine: make test, SFU worker built',
      bar: 'passes within 20 minutes',
      measured: test ? `${test[2]} in ${(Number(test[1]) / 60).toFixed(1)} min` : 'failed',
      pass: test !== null && Number(test[1]) <= 1200,
    });
  },
  HOUR,
);

/** `eddy setup`: brings what the machine lacks, as `make setup` does in a checkout. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { EddyError } from '../errors/index.ts';
import { EXIT, type Verb } from './cli.ts';

export const verb: Verb = {
  summary: 'Brings what this machine lacks: system packages, native addon, SFU worker.',
  usage: '',
  options: {},
  help: {},
  async run(_args, cli) {
    const child = spawn(process.execPath, [join(cli.root, 'scripts/setup/index.mjs'), 'run'], {
      cwd: cli.cwd,
      stdio: 'inherit',
    });
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('exit', resolve),
    );
    if (code !== 0) throw new EddyError('SETUP_FAILED', `a set-up step ended with code ${code ?? 'none'}`);
    return EXIT.ok;
  },
};

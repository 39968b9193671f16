/** `eddy apply FILE`: changes the running engine to this pipeline; what is equal keeps running. */
import { resolve } from 'node:path';
import type { Finding } from '../graph/finding.ts';
import type { ApplyPlan } from '../engine/plan.ts';
import { EXIT, onePositional, type Verb } from './cli.ts';
import { askControl } from './control.ts';
import { printFindings, socketPath } from './load.ts';

/** What the engine answers. */
export type ApplyAnswer =
  | { readonly findings: readonly Finding[]; readonly plan: ApplyPlan; readonly blocked: readonly string[] }
  | { readonly findings: readonly Finding[]; readonly error?: { readonly code: string; readonly message: string } };

export const verb: Verb = {
  summary: 'Changes the running engine to this pipeline without dropping what stays.',
  usage: 'FILE [--engine SOCKET] [--json]',
  options: { engine: { type: 'string' }, json: { type: 'boolean' } },
  help: { engine: 'the socket of the engine (default $EDDY_URL, else data/eddy.sock)', json: 'as JSON' },
  async run(args, cli) {
    const file = resolve(cli.cwd, onePositional(args, 'FILE'));
    const answer = (await askControl(socketPath(args, cli), 'apply', { file })) as ApplyAnswer;
    if (args.values['json']) cli.out(`${JSON.stringify(answer, null, 2)}\n`);
    // Infos are for who writes the file, as with "eddy run".
    else printFindings(withoutInfos(answer.findings), cli.out, cli);
    if (!('plan' in answer)) {
      if (answer.error) cli.err(`nothing was changed: ${answer.error.message} (${answer.error.code})\n`);
      return answer.error ? EXIT.failed : EXIT.badPipeline;
    }
    if (!args.values['json']) cli.out(describe(answer.plan));
    return EXIT.ok;
  },
};

const withoutInfos = (findings: readonly Finding[]): Finding[] =>
  findings.filter(({ severity }) => severity !== 'info');

function describe(plan: ApplyPlan): string {
  const rows: [string, readonly string[]][] = [
    ['kept', plan.keep],
    ['changed', plan.change],
    ['replaced', plan.replace],
    ['added', plan.add],
    ['removed', plan.remove],
    ['links added', plan.links.add],
    ['links removed', plan.links.remove],
  ];
  return rows
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what}: ${names.join(', ')}\n`)
    .join('');
}

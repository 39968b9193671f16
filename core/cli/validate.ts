/** `eddy validate FILE`: every check that `run` makes, and nothing started. */
import { EXIT, UsageError, type Verb } from './cli.ts';
import { check, printFindings } from './load.ts';

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;

export const verb: Verb = {
  summary: 'Checks pipeline files and tells every mistake at its line, with the mend.',
  usage: 'FILE... [--json] [--deny-warnings] [--offline]',
  options: { json: { type: 'boolean' }, 'deny-warnings': { type: 'boolean' }, offline: { type: 'boolean' } },
  help: {
    json: 'findings as JSON',
    'deny-warnings': 'warnings fail too',
    offline: 'leave out what depends on this machine: programs, GStreamer elements, environment variables',
  },
  async run(args, cli) {
    if (args.positionals.length === 0) throw new UsageError('FILE is missing');
    let code: number = EXIT.ok;
    const all = [];
    for (const file of args.positionals) {
      const { graph, findings } = await check(file, cli, { offline: args.values['offline'] === true });
      const denied =
        args.values['deny-warnings'] === true && findings.some((finding) => finding.severity === 'warning');
      if (!graph || denied) code = EXIT.badPipeline;
      all.push(...findings);
      if (args.values['json']) continue;
      printFindings(findings, cli.out, cli);
      if (graph && !denied) {
        const stages = graph.nodes.filter((node) => node.kind === 'stage').length;
        cli.out(
          `${file}: ok (${count(stages, 'stage')}, ${count(graph.nodes.length - stages, 'service')}, ${count(graph.links.length, 'link')})\n`,
        );
      } else {
        const why = graph ? 'warnings are denied' : 'not a valid pipeline';
        cli.out(`${file}: ${why}\n`);
      }
    }
    if (args.values['json']) cli.out(`${JSON.stringify(all, null, 2)}\n`);
    return code;
  },
};

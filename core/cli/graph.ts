/** `eddy graph FILE`: the pipeline as a picture in text. */
import { renderGraph } from '../graph/render.ts';
import { EXIT, onePositional, UsageError, type Verb } from './cli.ts';
import { check, printFindings } from './load.ts';

const FORMATS = ['text', 'mermaid', 'dot'] as const;

export const verb: Verb = {
  summary: 'Draws a pipeline as text, mermaid or dot.',
  usage: 'FILE [--format text|mermaid|dot]',
  options: { format: { type: 'string', default: 'text' } },
  help: { format: 'text (default), mermaid or dot' },
  async run(args, cli) {
    const file = onePositional(args, 'FILE');
    const format = FORMATS.find((name) => name === args.values['format']);
    if (!format) throw new UsageError(`--format takes ${FORMATS.join(', ')}, not "${String(args.values['format'])}"`);
    const { graph, findings } = await check(file, cli, { offline: true });
    if (!graph) {
      printFindings(findings, cli.err, cli);
      return EXIT.badPipeline;
    }
    cli.out(renderGraph(graph, format));
    return EXIT.ok;
  },
};

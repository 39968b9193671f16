/** `eddy run FILE`: checks, starts and supervises a pipeline until it is told to stop. */
import { dirname, resolve } from 'node:path';
import { createEngine } from '../engine/engine.ts';
import type { Pipeline } from '../engine/pipeline.ts';
import { asEddyError, type EddyError } from '../errors/index.ts';
import { createLogger } from '../observe/index.ts';
import type { ApplyAnswer } from './apply.ts';
import { EXIT, UsageError, type Cli, type Verb } from './cli.ts';
import { serveControl } from './control.ts';
import { check, printFindings, socketPath } from './load.ts';
import { welcome } from './welcome.ts';

export const verb: Verb = {
  summary: 'Runs a pipeline. SIGTERM or ctrl-c drains it, a second one stops at once.',
  usage: 'FILE [--data FOLDER] [--log-format json|pretty]',
  options: { data: { type: 'string' }, 'log-format': { type: 'string' } },
  help: {
    data: 'folder for the control socket, the session key and revocations (default ./data)',
    'log-format': 'json or pretty (default: pretty on a terminal)',
  },
  async run(args, cli) {
    const [file, ...more] = args.positionals;
    if (file === undefined || more.length > 0) throw new UsageError('one FILE is needed');
    const format = args.values['log-format'];
    if (format !== undefined && format !== 'json' && format !== 'pretty') {
      throw new UsageError(`--log-format takes json or pretty, not "${String(format)}"`);
    }
    const { graph, findings } = await check(file, cli);
    // Infos are for who writes the file; "eddy validate" shows them.
    printFindings(
      findings.filter((finding) => finding.severity !== 'info'),
      cli.err,
      cli,
    );
    if (!graph) {
      cli.err(`${file} was not started: see the errors above\n`);
      return EXIT.badPipeline;
    }
    const log = createLogger({
      level: graph.observe.log,
      fields: { pipeline: graph.name },
      ...(cli.redactor && { redactor: cli.redactor }),
      ...(format === undefined ? {} : { format }),
    });
    const stopping = Promise.withResolvers<EddyError | undefined>();
    const pipeline = createEngine({
      log,
      ...(cli.redactor && { redactor: cli.redactor }),
      dataDir: dirname(socketPath(args, cli)),
      onFatal: (error) => stopping.resolve(error),
    });
    const signals = onSignals(stopping.resolve);
    try {
      const closeControl = await serveControl(socketPath(args, cli), {
        apply: (body) => apply(pipeline, resolve(cli.cwd, (body as { file: string }).file), cli),
        snapshot: () => Promise.resolve(pipeline.view.snapshot()),
      });
      try {
        await pipeline.apply(graph);
        cli.err(welcome(pipeline));
        const fatal = await stopping.promise;
        await pipeline.stop(signals.atOnce);
        return fatal ? EXIT.failed : EXIT.ok;
      } finally {
        await pipeline.stop(signals.atOnce);
        await closeControl();
      }
    } finally {
      signals.forget();
    }
  },
};

/** The first signal drains, the second cuts the draining short. */
function onSignals(drain: (error: undefined) => void): { readonly atOnce: AbortSignal; forget(): void } {
  const atOnce = new AbortController();
  let count = 0;
  const listener = (): void => {
    count += 1;
    if (count === 1) drain(undefined);
    else atOnce.abort();
  };
  process.on('SIGTERM', listener).on('SIGINT', listener);
  return { atOnce: atOnce.signal, forget: () => void process.off('SIGTERM', listener).off('SIGINT', listener) };
}

async function apply(pipeline: Pipeline, file: string, cli: Cli): Promise<ApplyAnswer> {
  const { graph, findings } = await check(file, cli);
  if (!graph) return { findings };
  try {
    return { findings, ...(await pipeline.apply(graph)) };
  } catch (error) {
    const { code, message } = asEddyError(error);
    return { findings, error: { code, message: cli.redactor?.text(message) ?? message } };
  }
}

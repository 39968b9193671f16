/** `eddy <verb>`: finds the verb, parses its options, and turns what it throws into a message and an exit code. */
import { parseArgs } from 'node:util';
import { asEddyError, EddyError } from '../errors/index.ts';
import { suggest } from '../graph/suggest.ts';
import { Redactor } from '../observe/redact.ts';
import { EXIT, UsageError, type Cli, type Verb } from './cli.ts';

/** The verbs, each loaded when it is called. */
const VERBS: Readonly<Record<string, () => Promise<{ readonly verb: Verb }>>> = {
  run: () => import('./run.ts'),
  validate: () => import('./validate.ts'),
  graph: () => import('./graph.ts'),
  apply: () => import('./apply.ts'),
  list: () => import('./list.ts'),
  inspect: () => import('./inspect.ts'),
  schema: () => import('./schema.ts'),
  explain: () => import('./explain.ts'),
  doctor: () => import('./doctor.ts'),
  token: () => import('./token.ts'),
  setup: () => import('./setup.ts'),
  new: () => import('./new.ts'),
};

/** Runs a command line and returns its exit code; prints only through `cli`. */
export async function main(argv: readonly string[], cli: Cli): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    cli.out(await overview());
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === '--version' || name === 'version') {
    const { version } = await import('./version.ts');
    cli.out(`${version(cli.root)}\n`);
    return EXIT.ok;
  }
  const load = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (!load) {
    const meant = suggest(name, Object.keys(VERBS));
    cli.err(`eddy: there is no verb "${name}"${meant ? `; did you mean "${meant}"?` : ''} "eddy help" lists them\n`);
    return EXIT.usage;
  }
  const { verb } = await load();
  if (rest.includes('--help') || rest.includes('-h')) {
    cli.out(help(name, verb));
    return EXIT.ok;
  }
  const redactor = cli.redactor ?? new Redactor();
  // Whatever a verb prints: no verb has to think of it.
  const out = (text: string): void => cli.out(redactor.known(text));
  const err = (text: string): void => cli.err(redactor.known(text));
  try {
    const parsed = parse(rest, verb);
    return await verb.run(parsed, { ...cli, redactor, out, err });
  } catch (error) {
    return tell(error, name, verb, { ...cli, err: (text) => cli.err(redactor.text(text)) });
  }
}

function parse(args: readonly string[], verb: Verb): Parameters<Verb['run']>[0] {
  try {
    return parseArgs({ args: [...args], options: verb.options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.split('. To specify')[0]! : String(error));
  }
}

function tell(error: unknown, name: string, verb: Verb, cli: Cli): number {
  if (error instanceof UsageError) {
    cli.err(`eddy ${name}: ${error.message}\nusage: eddy ${name} ${verb.usage}\n`);
    return EXIT.usage;
  }
  const eddy = asEddyError(error);
  cli.err(`eddy ${name}: ${eddy.message}\n`);
  const cause = eddy.cause instanceof Error && eddy.cause.message !== eddy.message ? eddy.cause.message : undefined;
  if (cause) cli.err(`  because: ${cause}\n`);
  if (error instanceof EddyError) cli.err(`  "eddy explain ${eddy.code}" says what to do\n`);
  else if (error instanceof Error) cli.err(`${error.stack ?? ''}\n`);
  return EXIT.failed;
}

function help(name: string, verb: Verb): string {
  const options = Object.entries(verb.help).map(([option, text]) => `  --${option.padEnd(18)} ${text}`);
  return [`eddy ${name} ${verb.usage}`, '', verb.summary, ...(options.length > 0 ? ['', ...options] : []), ''].join(
    '\n',
  );
}

async function overview(): Promise<string> {
  const verbs = await Promise.all(
    Object.entries(VERBS).map(async ([name, load]) => [name, (await load()).verb] as const),
  );
  const lines = verbs.map(([name, verb]) => `  ${name.padEnd(10)} ${verb.summary}`);
  return [
    'eddy: live video as a graph',
    '',
    'usage: eddy <verb> ...',
    '',
    ...lines,
    '',
    '"eddy <verb> --help" says more.',
    '',
  ].join('\n');
}

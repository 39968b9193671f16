/** `eddy new plugin|pipeline NAME`: files to begin with, which pass every check as they are. */
import { existsSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { EddyError } from '../errors/index.ts';
import { EXIT, UsageError, type Cli, type Verb } from './cli.ts';
import { pipelineTemplate, pluginTemplate } from './templates.ts';
import { version } from './version.ts';

export const verb: Verb = {
  summary: 'Begins a plugin (a folder with manifest, code and tests) or a pipeline file.',
  usage: 'plugin FAMILY.NAME | pipeline NAME',
  options: {},
  help: {},
  async run(args, cli) {
    const [what, name, ...more] = args.positionals;
    if ((what !== 'plugin' && what !== 'pipeline') || name === undefined || more.length > 0) {
      throw new UsageError('say what to begin and its name: "eddy new plugin acme.blur", "eddy new pipeline door"');
    }
    const files = what === 'plugin' ? plugin(name, cli) : pipeline(name);
    const target = join(cli.cwd, what === 'plugin' ? name.replace('.', '-') : Object.keys(files)[0]!);
    if (await exists(target)) throw new EddyError('FILE_EXISTS', `${target} is there already`);
    for (const [path, text] of Object.entries(files)) {
      const file = what === 'plugin' ? join(target, path) : join(cli.cwd, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { flag: 'wx' });
      cli.out(`${file}\n`);
    }
    cli.err(`next: ${what === 'plugin' ? nextOfPlugin(target, cli) : `npx eddy run ${name}.yaml`}\n`);
    return EXIT.ok;
  },
};

function plugin(name: string, { cwd, root }: Cli): Readonly<Record<string, string>> {
  if (!/^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$/.test(name)) {
    throw new UsageError(`"${name}" is not a plugin name: write family.name in lower case, such as "acme.blur"`);
  }
  const own = version(root);
  const source = isCheckout(root) ? `file:${relative(join(cwd, name.replace('.', '-')), root)}` : `^${own}`;
  return pluginTemplate(name, { version: own, source });
}

const isCheckout = (root: string): boolean => existsSync(join(root, 'core/cli/main.ts'));

/**
 * In a checkout, what `eddy/testing` means to other packages must be compiled first; where the machine's own Node is too old
 * for sources in TypeScript, the one that was brought goes first.
 */
function nextOfPlugin(target: string, { cwd, root }: Cli): string {
  const brought = process.execPath.startsWith(join(root, '.runtime/')) ? dirname(process.execPath) : undefined;
  const path = brought === undefined ? '' : `export PATH="${brought}:$PATH" && `;
  const build = isCheckout(root) ? `make -C ${relative(cwd, root) || '.'} build && ` : '';
  return `${path}${build}cd ${relative(cwd, target)} && npm install && npm test`;
}

function pipeline(name: string): Readonly<Record<string, string>> {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new UsageError(`"${name}" is not a pipeline name: lower case letters, digits and "-", such as "front-door"`);
  }
  return { [`${name}.yaml`]: pipelineTemplate(name) };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

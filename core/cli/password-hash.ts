/** `eddy token hash`: what auth.static takes as the password of a user. */
import { randomBytes } from 'node:crypto';
import { argon2id } from 'hash-wasm';
import { UsageError, type Cli, type Parsed } from './cli.ts';

/** OWASP, Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. */
const COST = { memorySize: 19_456, iterations: 2, parallelism: 1, hashLength: 32 };

/** The hash of the password in a variable, or of the first line of standard input. */
export async function hashPassword(args: Parsed, cli: Cli): Promise<string> {
  const variable = args.values['password-env'] as string | undefined;
  const password = variable === undefined ? await firstLine(cli) : cli.env[variable];
  if (!password) throw new UsageError(variable === undefined ? 'the password is empty' : `${variable} is not set`);
  return argon2id({ ...COST, password, salt: randomBytes(16), outputType: 'encoded' });
}

async function firstLine(cli: Cli): Promise<string> {
  const input = cli.stdin ?? process.stdin;
  if ((input as { isTTY?: boolean }).isTTY) cli.err('the password, and Enter (it is shown as you type):\n');
  let text = '';
  for await (const part of input) {
    text += String(part);
    if (text.includes('\n')) break;
  }
  return text.split(/\r?\n/, 1)[0]!;
}

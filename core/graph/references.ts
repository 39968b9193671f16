/**
 * References in a pipeline file: `${env:NAME}`, `${env:NAME:-default}`, `${file:path}`, `${secret:name}`. They are
 * resolved on parsed scalars, so that a value can never break the YAML; the scalar keeps its place and what was written,
 * and the resolved value is never printed. `$${` stands for a plain `${`.
 *
 * A secret is looked for in the variable `EDDY_SECRET_<NAME>` (upper case, `-` and `.` as `_`), then in the file of its
 * name in `$EDDY_SECRETS_DIR`, then in the folder `secrets/` beside the pipeline.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Findings } from './finding.ts';
import type { Span } from './source.ts';
import { suggest } from './suggest.ts';
import { scalarsOf, type ScalarNode, type TreeNode } from './tree.ts';

/** Where references are looked up. */
export interface ReferenceSources {
  readonly baseDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What is not there is no finding: the pipeline is checked on another machine than it runs on. */
  readonly offline: boolean;
}

/** Files beyond this are no configuration values. */
const FILE_LIMIT = 1024 * 1024;

type Resolved = { readonly value: string } | Problem;
interface Problem {
  readonly code:
    'REFERENCE_ENV_UNSET' | 'REFERENCE_FILE_UNREADABLE' | 'REFERENCE_SECRET_UNKNOWN' | 'REFERENCE_MALFORMED';
  readonly message: string;
  readonly mend?: string;
  readonly didYouMean?: string | undefined;
}

/** True where the text holds a reference. */
export const hasReference = (text: unknown): text is string => typeof text === 'string' && text.includes('${');

/** Resolves every reference below a node, in place. Returns the values of `${secret:...}`, for logs to leave out. */
export function resolveReferences(root: TreeNode, sources: ReferenceSources, findings: Findings): string[] {
  const secrets: string[] = [];
  for (const scalar of scalarsOf(root)) {
    if (!hasReference(scalar.value) || scalar.resolved) continue;
    resolveScalar(scalar, scalar.value, sources, findings, secrets);
  }
  return secrets;
}

/** Refuses references where a name is meant: a graph must not look different on every machine. */
export function refuseReference(text: string, at: Span, what: string, findings: Findings): boolean {
  if (!hasReference(text)) return false;
  findings.add({
    code: 'REFERENCE_NOT_HERE',
    at,
    message: `${what} cannot hold a reference; only values of options can`,
  });
  return true;
}

function resolveScalar(
  scalar: ScalarNode,
  text: string,
  sources: ReferenceSources,
  findings: Findings,
  secrets: string[],
): void {
  let failed = false;
  let found = false;
  // The default of env may not hold a "}"; a quoted YAML scalar has no other way to nest.
  const value = text.replace(
    /\$\$\{|\$\{([^}]*)(\})?/g,
    (whole, body: string | undefined, close: string | undefined) => {
      if (whole === '$${') return '${';
      found = true;
      const resolved: Resolved = close === undefined ? malformed(whole) : lookUp(body ?? '', sources);
      if ('value' in resolved) {
        if (body?.startsWith('secret:')) secrets.push(resolved.value);
        return resolved.value;
      }
      failed = true;
      const elsewhere = sources.offline && resolved.code !== 'REFERENCE_MALFORMED';
      if (!elsewhere) findings.add({ ...resolved, at: placeOf(scalar, whole, findings) });
      return whole;
    },
  );
  if (!failed) scalar.value = value;
  scalar.resolved = found;
  scalar.failed = failed;
}

function placeOf(scalar: ScalarNode, reference: string, findings: Findings): Span {
  const at = findings.source.text.indexOf(reference, scalar.span.start);
  return at < 0 || at >= scalar.span.end ? scalar.span : { start: at, end: at + reference.length };
}

function lookUp(body: string, sources: ReferenceSources): Resolved {
  const colon = body.indexOf(':');
  const kind = colon < 0 ? body : body.slice(0, colon);
  const rest = colon < 0 ? '' : body.slice(colon + 1);
  if (rest === '') return malformed(`\${${body}}`);
  switch (kind) {
    case 'env':
      return lookUpEnv(rest, sources.env);
    case 'file':
      return readReferenced(resolve(sources.baseDir, rest), rest);
    case 'secret':
      return lookUpSecret(rest, sources);
    default:
      return malformed(`\${${body}}`, suggest(kind, ['env', 'file', 'secret']));
  }
}

function malformed(whole: string, kind?: string): Problem {
  const name = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(whole)?.[1];
  return {
    code: 'REFERENCE_MALFORMED',
    message: `"${whole}" is not a reference; there are \${env:NAME}, \${env:NAME:-default}, \${file:path} and \${secret:name}`,
    ...(name ? { mend: `For a variable of the environment write \${env:${name}}.` } : {}),
    didYouMean: kind && whole.replace(/^\$\{[^:]*/, `\${${kind}`),
  };
}

function lookUpEnv(rest: string, env: ReferenceSources['env']): Resolved {
  const [, name = '', fallback] = /^(.*?)(?::-(.*))?$/s.exec(rest)!;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return malformed(`\${env:${rest}}`);
  // An empty variable counts as unset where there is a default, as in a shell.
  const value = env[name];
  if (value !== undefined && (value !== '' || fallback === undefined)) return { value };
  if (fallback !== undefined) return { value: fallback };
  return {
    code: 'REFERENCE_ENV_UNSET',
    message: `the environment has no variable ${name}`,
    mend: `Set it (export ${name}=...), or give a default: \${env:${name}:-...}`,
    didYouMean: suggest(name, Object.keys(env)),
  };
}

function readReferenced(path: string, written: string): Resolved {
  try {
    const size = statSync(path).size;
    if (size > FILE_LIMIT) {
      return {
        code: 'REFERENCE_FILE_UNREADABLE',
        message: `the file "${written}" is larger than 1 MiB`,
        mend: 'Refer to a file that holds one value.',
      };
    }
    return { value: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'it is a folder'
          : `it cannot be read (${code})`;
    return {
      code: 'REFERENCE_FILE_UNREADABLE',
      message: `the file "${written}": ${why} (looked for ${path})`,
      didYouMean: code === 'ENOENT' ? suggest(basename(path), namesIn(dirname(path))) : undefined,
    };
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function lookUpSecret(name: string, { env, baseDir }: ReferenceSources): Resolved {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return malformed(`\${secret:${name}}`);
  const variable = `EDDY_SECRET_${name.toUpperCase().replace(/[.-]/g, '_')}`;
  const value = env[variable];
  if (value !== undefined) return { value };
  const folders = [...(env.EDDY_SECRETS_DIR ? [env.EDDY_SECRETS_DIR] : []), join(baseDir, 'secrets')];
  for (const folder of folders) {
    try {
      return { value: readFileSync(join(folder, name), 'utf8').replace(/\r?\n$/, '') };
    } catch {
      // Not in this folder.
    }
  }
  return {
    code: 'REFERENCE_SECRET_UNKNOWN',
    message: `there is no secret "${name}"`,
    mend: `Put it into the file ${join(folders[0]!, name)}, or set ${variable}.`,
    didYouMean: suggest(name, folders.flatMap(namesIn)),
  };
}

/** Certificates of the operator's own, to trust instead of the system's. */
import { readFile } from 'node:fs/promises';
import { EddyError, type CodeDefinition, type PluginCode } from 'eddy/plugin';

/** For the `errors` of a manifest with the option `ca`. */
export const CA_UNREADABLE = {
  severity: 'error',
  kind: 'config',
  meaning: 'The file with certificates to trust cannot be read.',
  mend: 'Give the path of a PEM file that the engine may read.',
  example: 'ca: ./missing.pem',
} as const satisfies CodeDefinition;

/** The PEM text of the option `ca`; undefined where it is not given. Rejects with `code`. */
export async function readCa(path: string | undefined, code: PluginCode): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new EddyError(code, `"ca" cannot be read: ${(error as Error).message}`, { kind: 'config' });
  }
}

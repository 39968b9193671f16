/** The identity of a node over `apply`. */
import { createHash } from 'node:crypto';

/** Text that is equal for equal values, whatever the order of their keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
    return `{${entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** Hash of a plugin's name, its version and a resolved configuration: 16 hexadecimal digits. */
export function nodeHash(plugin: string, version: string, config: Readonly<Record<string, unknown>>): string {
  return createHash('sha256')
    .update(`${plugin}@${version} ${canonical(config)}`)
    .digest('hex')
    .slice(0, 16);
}

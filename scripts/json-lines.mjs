// Files to which measurements are appended, one JSON object a line.
import { existsSync, readFileSync } from 'node:fs';

/** None where there is no such file. @param {string | undefined} file @returns {any[]} */
export function readJsonLines(file) {
  if (!file || !existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}

/** JSON answers. */
import { JSON_HEADERS, type HttpResponse } from 'eddy/plugin';

/** The value as JSON; bytes by their length, big integers as text, what has no JSON form is left out. */
export function json(value: unknown, status = 200): HttpResponse {
  const body = JSON.stringify(value, (_key, entry: unknown) => {
    if (typeof entry === 'bigint') return entry.toString();
    return ArrayBuffer.isView(entry) ? `${entry.byteLength} bytes` : entry;
  });
  return { status, headers: { ...JSON_HEADERS }, body };
}

/** Headers that keep browsers strict, on every answer; pages add what they need (plugins/web/shared/pages.ts). */
import type { Headers } from './cors.ts';

/** The headers of a server; `tls` where it speaks HTTPS. */
export function securityHeaders(tls: { readonly hsts: number } | undefined): Readonly<Headers> {
  return {
    // Bytes are what their content type says: a segment is no script.
    'x-content-type-options': 'nosniff',
    // The address may hold a token.
    'referrer-policy': 'no-referrer',
    // CORS widens it where other origins may read (cors.ts).
    'cross-origin-resource-policy': 'same-origin',
    // RFC 6797; with 0 browsers forget what they were told before. Never over HTTP, where anyone could send it (7.2).
    ...(tls === undefined ? {} : { 'strict-transport-security': `max-age=${Math.floor(tls.hsts / 1000)}` }),
  };
}

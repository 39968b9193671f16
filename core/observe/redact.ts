/**
 * Keeps secrets out of everything that is printed: values that were resolved from `${secret:...}`, fields named like
 * secrets, and tokens inside URLs and headers. One instance an engine; it only ever learns.
 */

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

/** A field whose last word is one of these holds a secret: `token`, `streamKey`, `x-api-key`, but not `tokenCount`. */
const SECRET_WORDS = new Set([
  'token',
  'tokens',
  'password',
  'passwd',
  'passphrase',
  'secret',
  'secrets',
  'authorization',
  'cookie',
  'cookies',
  'credential',
  'credentials',
  'jwt',
  'signature',
]);
const SECRET_KEYS = /(?:^|[-_])(?:api|stream|private|access|secret|signing)[-_]?key$/;

/** `?token=...` and its kind, in a URL, an RTMP stream name or a form body. */
const URL_SECRET =
  /([?&;](?:access_token|token|jwt|key|api_key|apikey|secret|password|passwd|pass|signature|sig|x-amz-signature|x-amz-security-token)=)[^&;#\s"'<>]+/gi;
/** `rtmp://user:password@host` */
const URL_USERINFO = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:)[^\s/@]+(?=@)/gi;
/** `/~<sealed session>/hls/...`: the path segment that carries a viewer's session. */
const PATH_SECRET = /(\/(?:~|%7e))[^/?#\s"'<>]{8,}/gi;
const IN_URLS = [URL_SECRET, URL_USERINFO, PATH_SECRET];
/** `Authorization: Bearer ...` as text. */
const BEARER = /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi;
/** A JSON Web Token anywhere. */
const JWT = /\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g;

/**
 * Where secrets stand in a text by their form alone: behind `?token=`, as the password in an address, or as the session in
 * its path. As offsets, in no order.
 */
export function secretsInUrls(text: string): { readonly start: number; readonly end: number }[] {
  return IN_URLS.flatMap((form) =>
    [...text.matchAll(form)].map((match) => {
      const end = match.index + match[0].length;
      return { start: match.index + match[1]!.length, end };
    }),
  );
}

/** The text without the secrets of {@link secretsInUrls}. */
export function hideInUrls(text: string): string {
  return IN_URLS.reduce((clean, form) => clean.replace(form, `$1${REDACTED}`), text);
}

/** Shorter values would blank out innocent text; a field that holds nothing else is still redacted. */
const SHORTEST_IN_TEXT = 6;
const DEEPEST = 8;

/** True for a field name that says it holds a secret. */
export function isSecretName(name: string): boolean {
  const dashed = name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
  return SECRET_WORDS.has(dashed.slice(dashed.search(/[^-_]+$/))) || SECRET_KEYS.test(dashed);
}

/** Knows the secrets of one engine and takes them out of texts and fields. */
export class Redactor {
  readonly #values = new Set<string>();
  #inText: RegExp | undefined;

  /** Registers a secret value: from now on it is never printed, alone or inside a text. */
  add(secret: string): void {
    if (secret === '' || this.#values.has(secret)) return;
    this.#values.add(secret);
    const encoded = encodeURIComponent(secret);
    if (encoded !== secret) this.#values.add(encoded);
    const long = [...this.#values].filter((value) => value.length >= SHORTEST_IN_TEXT);
    if (long.length === 0) return;
    // The longest first, so that a secret that contains another goes whole.
    long.sort((a, b) => b.length - a.length);
    this.#inText = new RegExp(long.map((value) => value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g');
  }

  /** The text without the secrets that were registered; what only looks like one stays, as in the examples of a reference page. */
  known(text: string): string {
    return this.#inText === undefined ? text : text.replace(this.#inText, REDACTED);
  }

  /** The text without secrets. */
  text(text: string): string {
    if (this.#values.has(text)) return REDACTED;
    return hideInUrls(this.known(text)).replace(BEARER, `$1 ${REDACTED}`).replace(JWT, REDACTED);
  }

  /**
   * A copy of a log field, an API answer or an event's data without secrets: fields named like secrets, and secrets
   * inside texts. Errors become plain objects, bytes their length, bigints texts; what is circular or too deep is cut.
   */
  value(value: unknown, depth = 0): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= DEEPEST) return '[...]';
    if (value instanceof Error) return this.#error(value, depth);
    if (value instanceof Date || value instanceof URL) return this.text(value.toJSON() ?? '[no date]');
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value)) return value.map((entry) => this.value(entry, depth + 1));
    if (value instanceof Map) return this.fields(Object.fromEntries(value) as Record<string, unknown>, depth + 1);
    if (value instanceof Set) return this.value([...value], depth);
    return this.fields(value as Record<string, unknown>, depth + 1);
  }

  /** {@link value} for a record. */
  fields(fields: Readonly<Record<string, unknown>>, depth = 0): Record<string, unknown> {
    const clean: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(fields)) {
      const hidden = isSecretName(name) && value !== undefined && value !== null && typeof value !== 'boolean';
      clean[name] = hidden ? REDACTED : this.value(value, depth);
    }
    return clean;
  }

  #error(error: Error, depth: number): Record<string, unknown> {
    const { code, details } = error as { code?: unknown; details?: unknown };
    return {
      type: error.name,
      ...(code === undefined ? {} : { code: this.value(code, depth + 1) }),
      message: this.text(error.message),
      ...(details === undefined ? {} : { details: this.value(details, depth + 1) }),
      ...(error.stack === undefined ? {} : { stack: this.text(error.stack) }),
      ...(error.cause === undefined ? {} : { cause: this.value(error.cause, depth + 1) }),
    };
  }
}

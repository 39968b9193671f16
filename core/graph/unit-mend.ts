/** What was probably meant by a foreign unit: `5min` is `5m`, `512MB` is `512MiB`. */

const DURATION: Readonly<Record<string, string>> = {
  msec: 'ms', msecs: 'ms', milliseconds: 'ms', millis: 'ms',
  sec: 's', secs: 's', second: 's', seconds: 's',
  min: 'm', mins: 'm', minute: 'm', minutes: 'm',
  hr: 'h', hrs: 'h', hour: 'h', hours: 'h', day: 'd', days: 'd',
}; // prettier-ignore
const BYTES: Readonly<Record<string, string>> = {
  k: 'KiB', kb: 'KiB', kib: 'KiB', m: 'MiB', mb: 'MiB', mib: 'MiB', g: 'GiB', gb: 'GiB', gib: 'GiB',
}; // prettier-ignore
const BITRATE: Readonly<Record<string, string>> = {
  k: 'kbps', kbit: 'kbps', 'kbit/s': 'kbps', 'kb/s': 'kbps', kbps: 'kbps', m: 'Mbps', mbit: 'Mbps', 'mbit/s': 'Mbps', 'mb/s': 'Mbps', mbps: 'Mbps',
}; // prettier-ignore

const TABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  duration: DURATION,
  bytes: BYTES,
  bitrate: BITRATE,
};
const KNOWN: Readonly<Record<string, RegExp>> = {
  duration: /^(ms|s|m|h|d)$/,
  bytes: /^(B|KiB|MiB|GiB)$/,
  bitrate: /^(bps|kbps|Mbps)$/,
};

/** The value with the unit that was probably meant, or undefined where that cannot be told. */
export function mendUnit(written: string, unit: string): string | undefined {
  if (unit === 'listen') {
    const [, every, port] = /^(\*?):?(\d{1,5})$/.exec(written) ?? [];
    return port === undefined ? undefined : `${every ? '0.0.0.0' : '127.0.0.1'}:${port}`;
  }
  if (unit === 'duration-range') {
    const ends = /^(\S+)\s*(?:-|\.\.\.|to)\s*(\S+)$/.exec(written);
    return ends ? `${ends[1]}..${ends[2]}` : undefined;
  }
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z/]+)$/.exec(written.trim());
  const table = TABLES[unit];
  if (!match || !table) return undefined;
  const name = match[2]!;
  if (KNOWN[unit]!.test(name)) return undefined;
  const lower = name.toLowerCase();
  const meant = table[lower] ?? (KNOWN[unit]!.test(lower) ? lower : undefined);
  return meant === undefined ? undefined : `${match[1]}${meant}`;
}

const EXAMPLES: Readonly<Record<string, string>> = {
  duration: '2s', bytes: '512MiB', bitrate: '2.5Mbps', loudness: '-16LUFS', 'duration-range': '500ms..30s', rate: '5 in 2m',
  listen: '127.0.0.1:8080', path: './path',
}; // prettier-ignore

/** The unit of a field's schema; empty where it has none. */
export const unitOf = (schema: Schema | undefined): string => {
  const unit = schema?.['x-unit'];
  return typeof unit === 'string' ? unit : '';
};

type Schema = Readonly<Record<string, unknown>>;

/** A value that a field would take, as YAML. */
export function unitExample(schema: Schema | undefined): string {
  if (schema?.default !== undefined) return plain(schema.default);
  const written = (schema?.examples as readonly unknown[] | undefined)?.[0];
  if (written !== undefined) return plain(written);
  const choice = (schema?.enum as readonly unknown[] | undefined)?.[0];
  if (choice !== undefined) return plain(choice);
  if (schema?.['x-secret'] === true) return '"${secret:name}"';
  const example = EXAMPLES[unitOf(schema)];
  if (example !== undefined) return example;
  switch (schema?.type) {
    case 'integer':
      return plain(schema.minimum ?? 1);
    case 'boolean':
      return 'true';
    case 'array':
      return '[...]';
    case 'object':
      return '{ ... }';
    default:
      return '"..."';
  }
}

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

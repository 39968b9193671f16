/** A log line for people: `12:03:04.123 WARN  rtmp cam1  GOP of 8.3 s  gop=8300`. */

const COLOURS: Readonly<Record<string, number>> = { debug: 90, info: 32, warn: 33, error: 31 };
/** Shown in front, without their names. */
const WHERE = ['stage', 'camera', 'session'];
const HIDDEN = new Set(['level', 'time', 'msg', 'pipeline', 'err', 'error', ...WHERE]);

/** Turns one line of pino's JSON into readable text; what is not JSON passes through. */
export function prettyLine(line: string, colour: boolean): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const paint = (text: string, code: number): string => (colour && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text);
  const level = String(entry.level);
  const time = new Date(Number(entry.time)).toTimeString().slice(0, 8);
  const ms = String(Number(entry.time) % 1000).padStart(3, '0');
  const where = WHERE.flatMap((name) => (entry[name] === undefined ? [] : [text(entry[name])])).join(' ');
  const fields = Object.entries(entry)
    .filter(([name]) => !HIDDEN.has(name))
    .map(([name, value]) => `${name}=${text(value)}`)
    .join(' ');
  const error = (entry.err ?? entry.error) as Record<string, unknown> | string | undefined;
  const parts = [
    paint(`${time}.${ms}`, 90),
    paint(level.toUpperCase().padEnd(5), COLOURS[level] ?? 0),
    paint(where, 36),
    clean(typeof entry.msg === 'string' ? entry.msg : ''),
    paint(fields, 90),
    typeof error === 'string' ? error : '',
  ].filter((part) => part !== '');
  const stack = typeof error === 'object' ? `\n${indent(errorText(error), '    ')}` : '';
  return `${parts.join('  ')}${stack}\n`;
}

function text(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? clean(value) : JSON.stringify(value);
  return JSON.stringify(value) ?? '';
}

function errorText(error: Record<string, unknown>): string {
  const head = [error.code, error.message].filter((part) => typeof part === 'string').join(': ');
  const stack = typeof error.stack === 'string' ? error.stack.split('\n').slice(1).join('\n') : '';
  const cause =
    typeof error.cause === 'object' && error.cause !== null ? (error.cause as Record<string, unknown>) : null;
  return [clean(head), clean(stack), cause && `caused by ${errorText(cause)}`].filter(Boolean).join('\n');
}

/** A peer chooses parts of what is logged; escape sequences of its choosing must not reach the terminal. */
function clean(value: string): string {
  return value.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g,
    (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

const indent = (value: string, by: string): string => value.replace(/^/gm, by);

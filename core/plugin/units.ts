/**
 * Units of the pipeline file: `ms s m h d`, `KiB MiB GiB`, `kbps Mbps`, `a..b`, `n in d`. A bare number or a foreign
 * unit is an error, told with the units that are known. Each parser returns the value in the base unit or a message.
 */

/** A parsed value, or why it is none. */
export type Parsed<T> = { readonly value: T } | { readonly error: string };

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const BITRATE_UNITS: Readonly<Record<string, number>> = { bps: 1, kbps: 1000, Mbps: 1_000_000 };

function withUnit(
  text: string,
  units: Readonly<Record<string, number>>,
  what: string,
  example: string,
): Parsed<number> {
  const known = Object.keys(units).join(', ');
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-zµ]*)$/.exec(text);
  if (!match) return { error: `"${text}" is not ${what}; write a number with a unit (${known}), such as ${example}` };
  const unit = match[2]!;
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (factor === undefined) {
    const said = unit === '' ? 'has no unit' : `has the unit "${unit}", which is none of ours`;
    return { error: `"${text}" ${said}; ${what} takes ${known}, such as ${example}` };
  }
  return { value: Number(match[1]) * factor };
}

/** A duration in ms. */
export const parseDuration = (text: string): Parsed<number> => withUnit(text, DURATION_UNITS, 'a duration', '"2s"');
/** A size in bytes. */
export const parseBytes = (text: string): Parsed<number> => withUnit(text, BYTE_UNITS, 'a size', '"512MiB"');
/** A bit rate in bits a second. */
export const parseBitrate = (text: string): Parsed<number> => withUnit(text, BITRATE_UNITS, 'a bit rate', '"2.5Mbps"');

/** `a..b` of durations, in ms. */
export function parseDurationRange(text: string): Parsed<{ min: number; max: number }> {
  const [low, high, rest] = text.split('..');
  if (low === undefined || high === undefined || rest !== undefined) {
    return { error: `"${text}" is not a range; write two durations with ".." between, such as "500ms..30s"` };
  }
  const min = parseDuration(low.trim());
  if ('error' in min) return min;
  const max = parseDuration(high.trim());
  if ('error' in max) return max;
  if (min.value > max.value) return { error: `"${text}" is a range whose first end is above its second` };
  return { value: { min: min.value, max: max.value } };
}

/** `n in d`: so many in a duration. */
export function parseRate(text: string): Parsed<{ count: number; within: number }> {
  const match = /^(\d+)\s+in\s+(\S+)$/.exec(text);
  if (!match) return { error: `"${text}" is not a rate; write a count and a duration, such as "5 in 2m"` };
  const within = parseDuration(match[2]!);
  return 'error' in within ? within : { value: { count: Number(match[1]), within: within.value } };
}

/** `host:port`, `[::1]:port` or `:port`-less host refused; port 0 asks the system for one. */
export function parseListen(text: string): Parsed<{ host: string; port: number }> {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    return { error: `"${text}" is not an address to listen on; write host:port, such as "127.0.0.1:8080"` };
  }
  return { value: { host: match[1] ?? match[2]!, port } };
}

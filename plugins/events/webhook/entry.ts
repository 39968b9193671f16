/**
 * An entry of the outbox: one line of text, `{CRC-32 of the rest, 8 hex digits} {id} {at} {body}`. A line that a crash cut
 * short, or that the disk garbled, is passed over.
 */
import { crc32 } from 'node:zlib';

/** An event that waits to be delivered. */
export interface Entry {
  /** The same at every attempt: receivers know by it what they have already. */
  readonly id: string;
  /** When it happened, epoch ms. */
  readonly at: number;
  /** What is sent: JSON on one line. */
  readonly body: string;
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');

/** The line without its end. */
export function writeEntry({ id, at, body }: Entry): string {
  const rest = `${id} ${at} ${body}`;
  return `${checksum(rest)} ${rest}`;
}

/** An entry with the offset behind its line. */
export interface PlacedEntry {
  readonly entry: Entry;
  readonly end: number;
}

/** The entries of a part of a file; `end` is behind the last whole line, `bad` counts lines that are no entries. */
export function readEntries(bytes: Buffer): {
  readonly entries: PlacedEntry[];
  readonly end: number;
  readonly bad: number;
} {
  const entries: PlacedEntry[] = [];
  let at = 0;
  let bad = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
    const entry = parse(bytes.toString('utf8', at, end));
    at = end + 1;
    if (entry) entries.push({ entry, end: at });
    else bad += 1;
  }
  return { entries, end: at, bad };
}

function parse(line: string): Entry | undefined {
  const found = /^([0-9a-f]{8}) ((\S+) (\d+(?:\.\d+)?) (.*))$/.exec(line);
  if (!found || checksum(found[2]!) !== found[1]) return undefined;
  return { id: found[3]!, at: Number(found[4]), body: found[5]! };
}

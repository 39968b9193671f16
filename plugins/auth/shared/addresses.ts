/** IP addresses and CIDR blocks (RFC 4632, RFC 4291 2.3): is it one, and what do two of them have in common? */

/** A block of addresses: `value` has its bits beyond `prefix` cleared. */
interface Block {
  readonly bits: 32 | 128;
  readonly value: bigint;
  readonly prefix: number;
}

/** True for an address (`192.0.2.7`, `2001:db8::1`) or a block (`10.0.0.0/8`). */
export function isAddressRange(text: unknown): text is string {
  return typeof text === 'string' && parseBlock(text) !== undefined;
}

/**
 * What two lists of ranges have in common. Two blocks are disjoint or one lies in the other, so it is a list of blocks
 * that were written; empty where nothing is in both.
 */
export function commonRanges(first: readonly string[], second: readonly string[]): string[] {
  const common = first.flatMap((a) => second.flatMap((b) => narrower(a, b) ?? []));
  return [...new Set(common)];
}

function narrower(a: string, b: string): string | undefined {
  const [one, other] = [parseBlock(a), parseBlock(b)];
  if (!one || !other || one.bits !== other.bits) return undefined;
  if (other.prefix >= one.prefix) return masked(other.value, one.bits, one.prefix) === one.value ? b : undefined;
  return masked(one.value, one.bits, other.prefix) === other.value ? a : undefined;
}

function parseBlock(text: string): Block | undefined {
  const [address = '', length, more] = text.split('/');
  if (more !== undefined) return undefined;
  const parsed = parseV4(address) ?? parseV6(address);
  if (!parsed) return undefined;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const prefix = length === undefined ? parsed.bits : Number(length);
  if (prefix > parsed.bits) return undefined;
  return { bits: parsed.bits, value: masked(parsed.value, parsed.bits, prefix), prefix };
}

const masked = (value: bigint, bits: number, prefix: number): bigint => {
  const rest = BigInt(bits - prefix);
  return (value >> rest) << rest;
};

function parseV4(text: string): { readonly bits: 32; readonly value: bigint } | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined;
  }
  return { bits: 32, value: parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n) };
}

/** Eight groups, `::` once for those that are zero, an IPv4 address for the last two (RFC 4291 2.2). */
function parseV6(text: string): { readonly bits: 128; readonly value: bigint } | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groupsOf);
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...(Array(missing).fill(0) as number[]), ...(tail ?? [])];
  return { bits: 128, value: groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n) };
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    const v4 = index === parts.length - 1 ? parseV4(part) : undefined;
    if (v4) groups.push(Number(v4.value >> 16n), Number(v4.value & 0xffffn));
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

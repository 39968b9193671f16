/** What two lists of address ranges have in common. */
import { addressRule } from 'eddy/plugin';

/**
 * Two blocks are disjoint or one lies in the other, so what they have in common is again a list of blocks that were written; empty where
 * nothing is in both.
 */
export function commonRanges(first: readonly string[], second: readonly string[]): string[] {
  const common = first.flatMap((a) => second.flatMap((b) => narrower(a, b) ?? []));
  return [...new Set(common)];
}

function narrower(a: string, b: string): string | undefined {
  const [[ofA, bitsA], [ofB, bitsB]] = [parts(a), parts(b)];
  if (isV6(ofA) !== isV6(ofB)) return undefined;
  if (bitsB >= bitsA) return addressRule([a])(ofB) ? b : undefined;
  return addressRule([b])(ofA) ? a : undefined;
}

const isV6 = (address: string): boolean => address.includes(':');

function parts(block: string): readonly [address: string, bits: number] {
  const [address = '', bits] = block.split('/');
  return [address, bits === undefined ? (isV6(address) ? 128 : 32) : Number(bits)];
}

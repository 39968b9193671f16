/** Lists of addresses and CIDR blocks, and whose X-Forwarded-For is believed. */
import { BlockList, isIP } from 'node:net';
import type { AddressOf } from './request.ts';

/** Whether an address is in a list of addresses and CIDR blocks. Throws TypeError for an entry of `option` that is neither. */
export function addressList(entries: readonly string[], option: string): (address: string) => boolean {
  if (entries.length === 0) return () => false;
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = familyOf(address);
    if (isIP(address) === 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) {
      throw new TypeError(`"${entry}" in "${option}" is neither an address nor a CIDR block`);
    }
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => list.check(address, familyOf(address));
}

/** Makes the rule for a list of proxies. Throws as {@link addressList}. */
export function clientAddress(proxies: readonly string[]): AddressOf {
  if (proxies.length === 0) return plainAddress;
  const isTrusted = addressList(proxies, 'proxies');
  return (socketAddress, forwardedFor) => {
    let client = plainAddress(socketAddress);
    // Each proxy appends who it heard from: read from the right, and stop at the first that is no proxy of ours.
    const hops = (forwardedFor ?? '').split(',').map((hop) => hop.trim());
    while (hops.length > 0 && isTrusted(client)) {
      const hop = plainAddress(hops.pop()!.replace(/^\[(.*)\](?::\d+)?$/, '$1'));
      if (isIP(hop) === 0) break;
      client = hop;
    }
    return client;
  };
}

/** IPv4 as such, where a dual-stack listener shows it mapped into IPv6. */
export const plainAddress = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address);

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

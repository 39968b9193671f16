/** Whose X-Forwarded-For is believed. */
import { BlockList, isIP } from 'node:net';
import type { AddressOf } from './request.ts';

/** Makes the rule for a list of proxy addresses and CIDR blocks. Throws TypeError for an entry that is neither. */
export function clientAddress(proxies: readonly string[]): AddressOf {
  if (proxies.length === 0) return plain;
  const trusted = new BlockList();
  for (const entry of proxies) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (isIP(address) === 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) {
      throw new TypeError(`"${entry}" in "proxies" is neither an address nor a CIDR block`);
    }
    if (bits === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(bits), family);
  }
  const isTrusted = (address: string): boolean => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return (socketAddress, forwardedFor) => {
    let client = plain(socketAddress);
    // Each proxy appends who it heard from: read from the right, and stop at the first that is no proxy of ours.
    const hops = (forwardedFor ?? '').split(',').map((hop) => hop.trim());
    while (hops.length > 0 && isTrusted(client)) {
      const hop = plain(hops.pop()!.replace(/^\[(.*)\](?::\d+)?$/, '$1'));
      if (isIP(hop) === 0) break;
      client = hop;
    }
    return client;
  };
}

/** IPv4 as such, where a dual-stack listener shows it mapped into IPv6. */
const plain = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address);

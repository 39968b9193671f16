/** Whose X-Forwarded-For is believed. */
import { isIP } from 'node:net';
import { addressRule, plainAddress } from 'eddy/plugin';
import type { AddressOf } from './request.ts';

/** Makes the rule for a list of proxy addresses and CIDR blocks. Throws TypeError for an entry that is neither. */
export function clientAddress(proxies: readonly string[]): AddressOf {
  if (proxies.length === 0) return plainAddress;
  const isTrusted = addressRule(proxies, 'proxies');
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

/** Addresses, CIDR blocks and origins of pages, as configuration and grants have them. */
import { BlockList, isIP } from 'node:net';

/** IPv4 as such, where a dual-stack listener shows it mapped into IPv6. */
export const plainAddress = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address);

/** Whether a host, IPv6 without brackets, is this machine; `127.example.org` is a name like any other. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** Whether a text is an address or a CIDR block: `10.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`. */
export function isAddressBlock(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** Whether a text is the origin of a page, as browsers send it in `Origin` (RFC 6454 6.2): scheme, host and port alone. */
export function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text;
}

/** Makes the rule that tells whether an address is in the list. Throws TypeError for an entry, of this option, that is no address block. */
export function addressRule(blocks: readonly string[], option = 'addresses'): (address: string) => boolean {
  if (blocks.length === 0) return () => false;
  const list = new BlockList();
  for (const block of blocks) {
    if (!isAddressBlock(block)) throw new TypeError(`"${block}" in "${option}" is neither an address nor a CIDR block`);
    const [address = '', bits] = block.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Where clients reach the SFU. */
import { networkInterfaces } from 'node:os';
import type { types } from 'mediasoup';
import type { TransportAddress } from 'eddy/plugin';

type Candidate = TransportAddress['iceCandidates'][number];

/** The network cards of this machine, as `os.networkInterfaces()` has them. */
export type Interfaces = Readonly<
  Record<
    string,
    readonly { readonly address: string; readonly family: string; readonly internal: boolean }[] | undefined
  >
>;

/**
 * The addresses to announce: those configured, else the listen address itself. A wildcard is no address: it becomes those
 * of the network cards, link-local ones left out since browsers do not use them, or loopback on a machine without any.
 */
export function announcedAddresses(
  host: string,
  configured: readonly string[],
  interfaces: Interfaces = networkInterfaces(),
): readonly string[] {
  if (configured.length > 0) return configured;
  if (host !== '0.0.0.0' && host !== '::') return [host];
  const found = Object.values(interfaces)
    .flatMap((entries) => entries ?? [])
    .filter(({ family, internal }) => !internal && (host === '::' || family === 'IPv4'))
    .map(({ address }) => address)
    .filter((address) => !/^(fe80:|169\.254\.)/i.test(address));
  if (found.length > 0) return found;
  return host === '::' ? ['::1', '127.0.0.1'] : ['127.0.0.1'];
}

/**
 * The worker's candidates at every announced address. The worker accepts a client whatever address it was told, so they
 * need not be bound one by one. Earlier addresses have the higher priority (RFC 8445, 5.1.2: the local preference).
 */
export function announceCandidates(
  bound: readonly types.IceCandidate[],
  addresses: readonly string[],
): readonly Candidate[] {
  return addresses.flatMap((address, index) =>
    bound.map(({ foundation, priority, protocol, port, type, tcpType }) => ({
      foundation: index === 0 ? foundation : `${foundation}${index}`,
      priority: priority - index * 256,
      address,
      protocol,
      port,
      type,
      ...(tcpType === undefined ? {} : { tcpType }),
    })),
  );
}

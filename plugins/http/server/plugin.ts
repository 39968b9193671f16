/** http.server: the one listener that every gateway, publisher and page mounts its routes on. */
import {
  definePlugin,
  defineManifest,
  Duration,
  FilePath,
  Group,
  HttpServer,
  Integer,
  Listen,
  ListOf,
  Rate,
  Text,
} from 'eddy/plugin';

/** Held to its form only, so that a misspelt one is told at its line. */
const ADDRESS = { doc: 'An address or a CIDR block, such as "10.0.0.0/8".', pattern: '^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$' };

export const manifest = defineManifest({
  name: 'http.server',
  version: '1.0.0',
  api: 1,
  summary: 'Serves HTTP/1.1, and HTTP/2 with TLS; other plugins mount their routes on it while it runs.',
  config: {
    listen: Listen({ doc: 'Address and port; port 0 asks the system for a free one.', default: '127.0.0.1:8080' }),
    tls: Group(
      {
        cert: FilePath({ doc: 'PEM file with the certificate and its chain.' }),
        key: FilePath({ doc: 'PEM file with the private key.' }),
        hsts: Duration({
          doc: 'How long browsers refuse plain HTTP to this host name, on all its ports; "0s" makes them forget it.',
          default: '1d',
        }),
      },
      {
        doc: 'Serve HTTPS with HTTP/2 (and HTTP/1.1 for who asks for it). Renewed files are taken within 10 s.',
        optional: true,
      },
    ),
    cors: ListOf(Text({ doc: 'An origin, such as "https://example.org", or "*".' }), {
      doc: 'Origins whose pages may read media and call gateways; an empty list allows none.',
      default: ['*'],
    }),
    proxies: ListOf(Text(ADDRESS), {
      doc: "Reverse proxies that are believed: X-Forwarded-For tells their clients' addresses, X-Forwarded-Proto whether those came over TLS.",
      default: [],
    }),
    rate: Rate({
      doc: 'How often one address may ask, an IPv6 address with its /64; more is answered 429. The default leaves room for 800 LL-HLS viewers behind one address.',
      default: '100000 in 10s',
    }),
    refusals: Rate({
      doc: 'How many refused keys one address may try; further ones are answered 429 unseen, but where the same request was answered well lately.',
      default: '120 in 1m',
    }),
    unlimited: ListOf(Text(ADDRESS), {
      doc: 'Addresses to which "rate", "refusals" and "connections-per-address" do not apply, besides "proxies".',
      default: ['127.0.0.0/8', '::1'],
    }),
    'max-connections': Integer({ doc: 'Connections beyond this number are closed at once.', default: 10_000, min: 1 }),
    'connections-per-address': Integer({
      doc: 'Connections of one address beyond this number are closed at once.',
      default: 5_000,
      min: 1,
    }),
    'request-timeout': Duration({
      doc: 'How long a client may take to send its request whole.',
      default: '30s',
      min: '100ms',
    }),
    'idle-timeout': Duration({
      doc: 'How long a connection may wait for its next request.',
      default: '65s',
      min: '100ms',
    }),
    'stall-timeout': Duration({
      doc: 'How long a client may take nothing of an answer that is being sent.',
      default: '20s',
      min: '100ms',
    }),
  },
  provides: { http: HttpServer },
  claims: { listens: ['listen'] },
});

export default definePlugin(manifest, () => import('./server.ts'));

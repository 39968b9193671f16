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
  Text,
} from 'eddy/plugin';

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
    proxies: ListOf(Text({ doc: 'An address or a CIDR block, such as "10.0.0.0/8".' }), {
      doc: "Reverse proxies whose X-Forwarded-For is believed when a client's address is asked for.",
      default: [],
    }),
    'max-connections': Integer({ doc: 'Connections beyond this number are closed at once.', default: 10_000, min: 1 }),
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

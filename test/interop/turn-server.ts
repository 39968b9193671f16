/** A TURN server on loopback: npm node-turn. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createRequire } from 'node:module';

interface Turn {
  start(): void;
  stop(): void;
}
const TurnServer = createRequire(import.meta.url)('node-turn') as new (options: object) => Turn;

/** Starts it for these users and passwords (RFC 8656, long-term credentials). */
export async function startTurn(credentials: Readonly<Record<string, string>>): Promise<{ url: string; stop(): void }> {
  const probe = createSocket('udp4').bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  const server = new TurnServer({
    authMech: 'long-term',
    credentials,
    listeningPort: port,
    listeningIps: ['127.0.0.1'],
    relayIps: ['127.0.0.1'],
    debugLevel: 'OFF',
  });
  server.start();
  return { url: `turn:127.0.0.1:${port}?transport=udp`, stop: () => server.stop() };
}

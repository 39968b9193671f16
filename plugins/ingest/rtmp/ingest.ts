/** `ingest.rtmp` at work: the listener, its connections and what they are counted by. */
import { asEddyError, EddyError, peerKey, PeerRate, RefusedKeys, type Context, type Running } from 'eddy/plugin';
import { Connection, type ConnectionHost, type ConnectionLimits } from './connection.ts';
import { RtmpListener, type Door, type ListenerEvents } from './listener.ts';
import { nodeMediaParser } from './node-media-parser.ts';
import type { ParserFactory } from './parser.ts';
import type { manifest } from './plugin.ts';
import type { EndReason } from './refusal.ts';

/** Deadlines are looked at this often: fine enough for seconds, nothing for a thousand connections. */
const LONGEST_SWEEP_MS = 1000;

/** The running stage; `addresses` tell the ports that port 0 became: `listen`, then `tls.listen` where there is one. */
export type RtmpIngest = Running<typeof manifest> & {
  readonly addresses: readonly ({ readonly host: string; readonly port: number } | undefined)[];
};

/** Starts an ingest; another protocol implementation may take the place of the default. */
export function create(ctx: Context<typeof manifest>, createParser: ParserFactory = nodeMediaParser): RtmpIngest {
  const limits = limitsOf(ctx.config.limits);
  const ended = ctx.metrics.counter('rtmp_connections_ended_total', 'RTMP connections that ended, by reason.');
  const dropped = ctx.metrics.counter(
    'rtmp_messages_dropped_total',
    'RTMP messages that carried no usable media, by reason.',
  );
  const open = ctx.metrics.gauge('rtmp_connections', 'RTMP connections that are open now.');
  const connections = new Set<Connection>();
  /** Sockets that were let in, those in a TLS handshake too. */
  let sockets = 0;
  const perPeer = new Map<string, number>();
  const rate = new PeerRate(ctx.clock, ctx.config.limits['connection-rate']);
  const keys = new RefusedKeys(ctx.clock, ctx.config.limits.refusals);
  let stopSweep: (() => void) | undefined;

  const host: ConnectionHost = {
    app: ctx.config.app,
    limits,
    clock: ctx.clock,
    log: ctx.log,
    createParser,
    publish: async ({ cameraId, credentials }, address, userAgent) => {
      const brought = Object.values(credentials);
      const question = brought.length === 0 ? undefined : [cameraId, ...brought].join(' ');
      const wait = question === undefined ? 0 : keys.wait(address, question);
      if (wait > 0) {
        const message = `too many keys from this address were refused; try again in ${wait} s`;
        throw new EddyError('PUBLISH_REFUSED', message);
      }
      const peer = { address, protocol: 'rtmp', ...(userAgent === undefined ? {} : { userAgent }) };
      try {
        const publication = await ctx.cameras.publish({ cameraId, credentials, peer });
        if (question !== undefined) keys.accepted(address, question);
        return publication;
      } catch (error) {
        if (question !== undefined && asEddyError(error).code === 'PUBLISH_REFUSED') keys.refused(address, question);
        throw error;
      }
    },
    report: (report) => ctx.report(report),
    dropped: (reason) => dropped.add(1, { reason }),
    ended: (reason) => ended.add(1, { reason }),
  };

  const events: ListenerEvents = {
    admit(socket, address): EndReason | undefined {
      const { limits } = ctx.config;
      const peer = peerKey(address);
      const count = (by: number): void => {
        sockets += by;
        const left = (perPeer.get(peer) ?? 0) + by;
        if (left === 0) perPeer.delete(peer);
        else perPeer.set(peer, left);
      };
      if (sockets >= limits.connections) return 'connection-limit';
      if ((perPeer.get(peer) ?? 0) >= limits['connections-per-peer']) return 'peer-limit';
      if (rate.take(address) > 0) return 'peer-rate';
      count(1);
      socket.once('close', () => count(-1));
      return undefined;
    },
    refused: (reason) => ended.add(1, { reason }),
    connected(socket, address) {
      const connection = new Connection(socket, address, host);
      connections.add(connection);
      open.set(connections.size);
      void connection.closed.then(() => {
        connections.delete(connection);
        open.set(connections.size);
      });
    },
  };
  const listeners = doorsOf(ctx.config).map((door) => new RtmpListener(ctx, door, events));

  const sweepEvery = Math.min(
    LONGEST_SWEEP_MS,
    limits.handshake / 2,
    limits.publish / 2,
    limits.idle / 2,
    limits.blocked / 2,
  );
  return {
    get addresses() {
      return listeners.map(({ address }) => address);
    },
    async start() {
      for (const listener of listeners) await listener.listen();
      stopSweep = ctx.clock.every(sweepEvery, () => {
        const now = ctx.clock.monotonic();
        for (const connection of connections) connection.checkDeadlines(now);
      });
    },
    async close() {
      // Those who are in stay; the port is free for a successor.
      for (const listener of listeners) listener.close();
    },
    async stop() {
      stopSweep?.();
      stopSweep = undefined;
      for (const listener of listeners) listener.close();
      await Promise.all([...connections].map((connection) => connection.destroy('stopped')));
      await Promise.all(listeners.map((listener) => listener.end()));
    },
  };
}

/** Where it listens: plain and TLS, or one of them. */
function doorsOf({ listen, tls }: Context<typeof manifest>['config']): Door[] {
  if (tls === undefined) return [{ listen }];
  return tls.listen === undefined ? [{ listen, tls }] : [{ listen }, { listen: tls.listen, tls }];
}

function limitsOf(config: Context<typeof manifest>['config']['limits']): ConnectionLimits {
  const { 'chunk-streams': chunkStreams, message, reassembly, handshake, publish, idle, blocked, backlog } = config;
  return { message, reassembly, chunkStreams, handshake, publish, idle, blocked, backlog };
}

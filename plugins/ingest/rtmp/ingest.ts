/** `ingest.rtmp` at work: the listener, its connections and what they are counted by. */
import type { Context, Running } from 'eddy/plugin';
import { Connection, type ConnectionHost, type ConnectionLimits } from './connection.ts';
import { RtmpListener } from './listener.ts';
import { nodeMediaParser } from './node-media-parser.ts';
import type { ParserFactory } from './parser.ts';
import type { manifest } from './plugin.ts';
import type { EndReason } from './refusal.ts';

/** Deadlines are looked at this often: fine enough for seconds, nothing for a thousand connections. */
const LONGEST_SWEEP_MS = 1000;

/** The running stage; `address` tells the port that port 0 became. */
export type RtmpIngest = Running<typeof manifest> & {
  readonly address: { readonly host: string; readonly port: number } | undefined;
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
  const perPeer = new Map<string, number>();
  let stopSweep: (() => void) | undefined;

  const host: ConnectionHost = {
    app: ctx.config.app,
    limits,
    clock: ctx.clock,
    log: ctx.log,
    createParser,
    publish: ({ cameraId, token }, address, userAgent) =>
      ctx.cameras.publish({
        cameraId,
        credentials: token === undefined ? {} : { token },
        peer: { address, protocol: 'rtmp', ...(userAgent === undefined ? {} : { userAgent }) },
      }),
    report: (report) => ctx.report(report),
    dropped: (reason) => dropped.add(1, { reason }),
    ended: (reason) => ended.add(1, { reason }),
  };

  const listener = new RtmpListener(ctx, {
    admit(address): EndReason | undefined {
      if (connections.size >= ctx.config.limits.connections) return 'connection-limit';
      if ((perPeer.get(address) ?? 0) >= ctx.config.limits['connections-per-peer']) return 'peer-limit';
      return undefined;
    },
    refused: (reason) => ended.add(1, { reason }),
    connected(socket, address) {
      const connection = new Connection(socket, address, host);
      connections.add(connection);
      perPeer.set(address, (perPeer.get(address) ?? 0) + 1);
      open.set(connections.size);
      void connection.closed.then(() => {
        connections.delete(connection);
        const left = perPeer.get(address)! - 1;
        if (left === 0) perPeer.delete(address);
        else perPeer.set(address, left);
        open.set(connections.size);
      });
    },
  });

  const sweepEvery = Math.min(
    LONGEST_SWEEP_MS,
    limits.handshake / 2,
    limits.publish / 2,
    limits.idle / 2,
    limits.blocked / 2,
  );
  return {
    get address() {
      return listener.address;
    },
    async start() {
      await listener.listen();
      stopSweep = ctx.clock.every(sweepEvery, () => {
        const now = ctx.clock.monotonic();
        for (const connection of connections) connection.checkDeadlines(now);
      });
    },
    async close() {
      // Those who are in stay; the port is free for a successor.
      listener.close();
    },
    async stop() {
      stopSweep?.();
      stopSweep = undefined;
      listener.close();
      await Promise.all([...connections].map((connection) => connection.destroy('stopped')));
      await listener.end();
    },
  };
}

function limitsOf(config: Context<typeof manifest>['config']['limits']): ConnectionLimits {
  const { 'chunk-streams': chunkStreams, message, reassembly, handshake, publish, idle, blocked, backlog } = config;
  return { message, reassembly, chunkStreams, handshake, publish, idle, blocked, backlog };
}

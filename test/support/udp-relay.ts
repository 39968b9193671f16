/**
 * A bad network between WebRTC clients and the SFU: a UDP relay on loopback that loses, delays, and narrows, each way by its
 * own settings, which may change while it runs. Every client has a socket of its own behind the relay, as behind a NAT.
 *
 * The SFU is told nothing: clients get its answer with the relay's candidate in place of the SFU's own (`through`), and the
 * SFU takes the relay's address from the client's ICE checks.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** How one direction is. What is left out is as on a perfect line. */
export interface Line {
  /** Share of packets lost, 0 to 1. */
  readonly loss?: number;
  /** One way, ms. */
  readonly delay?: number;
  /** Bits a second, counted in UDP payload; packets wait for their turn. */
  readonly rate?: number;
  /** The longest that a packet waits for its turn before the tail is dropped, ms; default 300. Only with `rate`. */
  readonly queue?: number;
  /** False: everything is lost. */
  readonly on?: boolean;
}

/** What has gone one way. */
export interface LineCount {
  readonly packets: number;
  readonly bytes: number;
  /** Dropped at random, since the queue was full, or since the line was off. */
  readonly lost: number;
}

/** A running relay. */
export interface UdpRelay {
  /** Where it listens on 127.0.0.1 in place of the target. */
  readonly port: number;
  /** Replaces what is said of a direction from now on; packets already on their way keep theirs. */
  set(lines: { readonly up?: Line; readonly down?: Line }): void;
  /** From clients to the target, and back, since the start or the last `reset`. */
  count(): { readonly up: LineCount; readonly down: LineCount };
  reset(): void;
  /** An SDP answer of the target by which clients come through the relay: its UDP port replaced, TCP candidates gone. */
  through(sdp: string): string;
  close(): Promise<void>;
}

/** Options of {@link startUdpRelay}. */
export interface UdpRelayOptions {
  /** The port on 127.0.0.1 to relay to; default: that of the first answer which `through` is given. */
  readonly target?: number;
  readonly up?: Line;
  readonly down?: Line;
  /** Losses come in the same pattern for the same seed; default 1. */
  readonly seed?: number;
}

const DEFAULT_QUEUE = 300;
const BUFFER = 4 * 1024 * 1024;

/** Starts a relay. The caller closes it. */
export async function startUdpRelay(options: UdpRelayOptions = {}): Promise<UdpRelay> {
  let { target } = options;
  const front = await bound();
  const clients = new Map<string, Promise<Socket>>();
  const random = mulberry32(options.seed ?? 1);
  const up = new Direction(options.up ?? {}, random);
  const down = new Direction(options.down ?? {}, random);

  const openClient = async (clientPort: number, clientAddress: string): Promise<Socket> => {
    const socket = await bound();
    socket.on('message', (packet) => down.pass(packet, () => front.send(packet, clientPort, clientAddress, ignore)));
    return socket;
  };
  front.on('message', (packet, from) => {
    const to = target;
    if (to === undefined) return;
    up.pass(packet, () => {
      const key = `${from.address}:${from.port}`;
      const client = clients.get(key) ?? openClient(from.port, from.address);
      clients.set(key, client);
      void client.then((socket) => socket.send(packet, to, '127.0.0.1', ignore));
    });
  });

  const { port } = front.address();
  return {
    port,
    set(lines) {
      if (lines.up) up.line = lines.up;
      if (lines.down) down.line = lines.down;
    },
    count: () => ({ up: { ...up.count }, down: { ...down.count } }),
    reset() {
      up.count = none();
      down.count = none();
    },
    through(sdp) {
      target ??= udpPortOf(sdp);
      return throughPort(sdp, port);
    },
    async close() {
      up.close();
      down.close();
      const sockets = [front, ...(await Promise.all(clients.values()))];
      await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(resolve))));
    },
  };
}

/** What cannot be sent is lost, as on any network. */
const ignore = (): void => undefined;

const none = (): { packets: number; bytes: number; lost: number } => ({ packets: 0, bytes: 0, lost: 0 });

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER, sendBufferSize: BUFFER });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** One direction: what leaves when. Nothing overtakes. */
class Direction {
  line: Line;
  count = none();
  readonly #random: () => number;
  readonly #queue: { readonly due: number; readonly send: () => void }[] = [];
  /** When the last bit of the narrow line's queue will have gone. */
  #free = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(line: Line, random: () => number) {
    this.line = line;
    this.#random = random;
  }

  pass(packet: Uint8Array, forward: () => void): void {
    const { loss = 0, delay = 0, rate, queue = DEFAULT_QUEUE, on = true } = this.line;
    const now = performance.now();
    const begins = Math.max(now, this.#free);
    // Drawn even where nothing is lost, so that a seed gives the same pattern at any setting.
    const unlucky = this.#random() < loss;
    if (!on || unlucky || (rate !== undefined && begins - now > queue)) {
      this.count.lost++;
      return;
    }
    this.count.packets++;
    this.count.bytes += packet.byteLength;
    if (rate !== undefined) this.#free = begins + (packet.byteLength * 8000) / rate;
    const before = this.#queue.at(-1)?.due ?? 0;
    const due = Math.max((rate === undefined ? now : this.#free) + delay, before);
    if (due <= now && this.#queue.length === 0) return forward();
    this.#queue.push({ due, send: forward });
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }

  #arm(): void {
    const [next] = this.#queue;
    if (!next || this.#timer || this.#closed) return;
    this.#timer = setTimeout(() => this.#flush(), Math.max(0, next.due - performance.now()));
  }

  #flush(): void {
    this.#timer = undefined;
    const now = performance.now();
    let ready = 0;
    while ((this.#queue[ready]?.due ?? Infinity) <= now) ready++;
    for (const { send } of this.#queue.splice(0, ready)) send();
    this.#arm();
  }
}

/** See {@link UdpRelay.through}. */
export function throughPort(sdp: string, port: number): string {
  return sdp
    .split('\r\n')
    .flatMap((line) => {
      const candidate = /^a=candidate:(\S+) (\d+) (\w+) (\d+) \S+ \d+ (.*)$/.exec(line);
      if (!candidate) return [line];
      const [, foundation, component, protocol, priority, rest] = candidate;
      if (protocol!.toLowerCase() !== 'udp') return [];
      return [`a=candidate:${foundation} ${component} udp ${priority} 127.0.0.1 ${port} ${rest}`];
    })
    .join('\r\n');
}

/** The port of an answer's UDP candidate: what to relay to. */
export function udpPortOf(sdp: string): number {
  const port = /^a=candidate:\S+ \d+ udp \d+ \S+ (\d+) /im.exec(sdp)?.[1];
  if (port === undefined) throw new Error('the answer has no UDP candidate');
  return Number(port);
}

/** A small generator with a seed, good enough to lose packets by. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

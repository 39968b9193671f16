/** One running worker process, with the ports on which clients reach it. */
import type * as mediasoup from 'mediasoup';
import type { types } from 'mediasoup';
import { EddyError } from 'eddy/plugin';

/** The mediasoup module, imported only when the service starts. */
export type Mediasoup = typeof mediasoup;

/** How to start a worker. */
export interface WorkerOptions {
  readonly mediasoup: Mediasoup;
  readonly binary: string;
  readonly host: string;
  /** 0: free ports. */
  readonly port: number;
}

/** What a worker carries, for placing the next one. */
export interface Carried {
  /** About how many streams it sends or takes. */
  readonly weight: number;
}

/** Ports of pipes between workers, and those of `port: 0`: apart from the usual listen ports, so that a worker that is replaced finds its own free. */
const INTERNAL_PORTS = { rtcMinPort: 40_000, rtcMaxPort: 59_999 } as const;
/** Takes bursts of key frames; the kernel grants what it allows. */
const SOCKET_BUFFER = 4 * 1024 * 1024;

/** See the file's head. */
export class SfuWorker {
  readonly index: number;
  readonly process: types.Worker;
  readonly server: types.WebRtcServer;
  readonly startedAt: number;
  readonly #carried = new Set<Carried>();

  private constructor(index: number, process: types.Worker, server: types.WebRtcServer, startedAt: number) {
    this.index = index;
    this.process = process;
    this.server = server;
    this.startedAt = startedAt;
  }

  /** Rejects with WEBRTC_LISTEN_FAILED, or as the process fails. */
  static async start(index: number, options: WorkerOptions, now: number): Promise<SfuWorker> {
    const { mediasoup, binary, host, port } = options;
    const process = await mediasoup.createWorker({ workerBin: binary, logLevel: 'error', ...INTERNAL_PORTS });
    ignoreSignals(process);
    try {
      const listen = (protocol: 'udp' | 'tcp'): types.TransportListenInfo => ({
        protocol,
        ip: host,
        ...(port === 0 ? {} : { port: port + index }),
        ...(protocol === 'udp' ? { sendBufferSize: SOCKET_BUFFER, recvBufferSize: SOCKET_BUFFER } : {}),
      });
      const server = await process.createWebRtcServer({ listenInfos: [listen('udp'), listen('tcp')] });
      return new SfuWorker(index, process, server, now);
    } catch (error) {
      process.close();
      const address = `${host.includes(':') ? `[${host}]` : host}:${port === 0 ? 0 : port + index}`;
      const message = `SFU worker ${index} cannot listen on ${address}: ${(error as Error).message}`;
      throw new EddyError('WEBRTC_LISTEN_FAILED', message, { cause: error });
    }
  }

  get pid(): number {
    return this.process.pid;
  }

  get alive(): boolean {
    return !this.process.closed;
  }

  get died(): boolean {
    return this.process.died;
  }

  /** About how many streams it forwards. */
  get load(): number {
    let load = 0;
    for (const { weight } of this.#carried) load += weight;
    return load;
  }

  /** Counts something for as long as it is there; the returned function ends that. */
  carry(what: Carried): () => void {
    this.#carried.add(what);
    return () => void this.#carried.delete(what);
  }

  /** Settles when the process has gone. */
  async close(): Promise<void> {
    if (this.process.subprocessClosed) return;
    const gone = new Promise<void>((resolve) => this.process.once('subprocessclose', resolve));
    this.process.close();
    await gone;
  }
}

/** mediasoup closes its workers at SIGINT and SIGTERM; here the engine drains first and then says when. */
function ignoreSignals(worker: types.Worker): void {
  const { onSignal } = worker as unknown as { readonly onSignal: NodeJS.SignalsListener };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, onSignal);
}

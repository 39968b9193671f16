/** Clients of a server with TLS that keep their connections: what happens to them while its certificate changes. */
import { connect as connectHttp2 } from 'node:http2';
import { Agent, get } from 'node:https';
import { connect as connectTls } from 'node:tls';

/** What clients saw. */
export interface LoadReport {
  /** Requests answered with 200. */
  readonly answered: number;
  /** Whatever else happened to a request. */
  readonly failed: readonly string[];
  /** Clients, and connections that they needed: as many where none was dropped. */
  readonly clients: number;
  readonly connections: number;
}

/** Clients at work. */
export interface Load {
  report(): LoadReport;
  /** Ends when each has had its last answer. */
  stop(): Promise<LoadReport>;
}

/** Asks for a path over a connection of its own. */
interface Client {
  ask(path: string): Promise<{ status: number; body: string }>;
  close(): void;
  /** Connections so far. */
  readonly connections: number;
}

/** HTTP/1.1 with keep-alive. */
export function http1Client(base: string): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false, maxCachedSessions: 0 });
  const sockets = new Set<unknown>();
  return {
    get connections() {
      return sockets.size;
    },
    ask: (path) =>
      new Promise((resolve, reject) => {
        const request = get(base + path, { agent }, (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => void (body += text));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body })).on('error', reject);
        });
        request.on('socket', (socket) => sockets.add(socket)).on('error', reject);
      }),
    close: () => agent.destroy(),
  };
}

/** HTTP/2, many requests on one connection. */
export function http2Client(base: string): Client {
  const session = connectHttp2(base, { rejectUnauthorized: false });
  session.on('error', () => {});
  return {
    // It has one, and no other would be made: where it ends, requests fail.
    connections: 1,
    async ask(path) {
      const stream = session.request({ ':path': path });
      let status = 0;
      stream.on('response', (headers) => (status = Number(headers[':status'])));
      const body = Buffer.concat(await stream.toArray()).toString();
      return { status, body };
    },
    close: () => session.close(),
  };
}

/** Starts clients, each asking again for what `next` names, `every` ms after its last answer. */
export function startLoad(clients: readonly Client[], next: (last: string | undefined) => string, every: number): Load {
  let answered = 0;
  const failed: string[] = [];
  let over = false;
  const work = async (client: Client): Promise<void> => {
    let last: string | undefined;
    while (!over) {
      try {
        const { status, body } = await client.ask(next(last));
        if (status === 200) {
          answered += 1;
          last = body;
        } else failed.push(`${status}: ${body}`);
      } catch (error) {
        failed.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, every));
    }
  };
  const working = clients.map(work);
  const report = (): LoadReport => {
    const connections = clients.reduce((sum, client) => sum + client.connections, 0);
    return { answered, failed, clients: clients.length, connections };
  };
  return {
    report,
    async stop() {
      over = true;
      await Promise.all(working);
      const last = report();
      for (const client of clients) client.close();
      return last;
    },
  };
}

/** The path that waits for a segment behind the newest of a media playlist: a blocking reload of LL-HLS. */
export function blockingReload(path: string): (playlist: string | undefined) => string {
  return (playlist) => {
    if (playlist === undefined) return path;
    const first = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(playlist)?.[1]);
    const segments = playlist.split('#EXTINF:').length - 1;
    return `${path}?_HLS_msn=${first + segments + 1}&_HLS_part=0`;
  };
}

/** Names (CN) of the certificates that new handshakes with a port are given, one every `every` ms, or what went wrong. */
export function watchHandshakes(port: number, every = 150): { readonly seen: string[]; stop(): Promise<void> } {
  const seen: string[] = [];
  let over = false;
  const handshake = (): Promise<string> =>
    new Promise((resolve) => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on('error', (error) => resolve(String(error)));
    });
  const working = (async () => {
    while (!over) {
      const name = await handshake();
      seen.push(name);
      await new Promise((resolve) => setTimeout(resolve, every));
    }
  })();
  return {
    seen,
    async stop() {
      over = true;
      await working;
    },
  };
}

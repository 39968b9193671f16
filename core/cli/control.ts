/**
 * The control socket of a running engine: HTTP over a unix socket in the data folder. Whoever may open the socket (the
 * folder's owner) is its admin; nothing of it is reachable over a network.
 */
import { createServer, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EddyError } from '../errors/index.ts';

/** A message that an engine answers: plain JSON both ways. */
export type ControlHandler = (body: unknown) => Promise<unknown>;

const MAX_BODY = 4 * 1024 * 1024;

async function readJson(message: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY) throw new EddyError('INTERNAL', 'a control message is too large');
    parts.push(part);
  }
  return parts.length > 0 ? (JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown) : undefined;
}

/** Listens on the socket; rejects with ENGINE_RUNNING where another engine answers there. Returns the closing function. */
export async function serveControl(
  path: string,
  handlers: Readonly<Record<string, ControlHandler>>,
): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  if (await answers(path)) throw new EddyError('ENGINE_RUNNING', `an engine already runs here (${path})`);
  await rm(path, { force: true });
  const server = createServer((message, response) => {
    const handler = handlers[message.url?.slice(1) ?? ''];
    const reply = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (!handler || message.method !== 'POST') return reply(404, { message: 'no such verb' });
    readJson(message)
      .then(handler)
      .then(
        (body) => reply(200, body),
        (error: unknown) => reply(500, { message: error instanceof Error ? error.message : String(error) }),
      );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  await chmod(path, 0o600);
  return async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

/** Asks a running engine; rejects with ENGINE_UNREACHABLE where none answers. */
export async function askControl(path: string, verb: string, body: unknown): Promise<unknown> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = request({ socketPath: path, method: 'POST', path: `/${verb}` }, resolve);
    call.once('error', (error) =>
      reject(new EddyError('ENGINE_UNREACHABLE', `no engine answers at ${path}`, { cause: error })),
    );
    call.end(JSON.stringify(body));
  });
  const reply = (await readJson(answer)) as { readonly message?: string };
  if (answer.statusCode === 200) return reply;
  throw new EddyError('INTERNAL', reply.message ?? `the engine answered ${answer.statusCode}`);
}

/** The end of an answer to a request whose body nobody will read. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long, and how much of it, is taken in and thrown away at most. */
const LINGER = { ms: 2000, bytes: 16 * 1024 * 1024 } as const;

/**
 * Sends the last bytes of an answer and takes in what the client still sends, before the connection is closed. A connection that is closed
 * over bytes that nobody has read is reset, and the reset overtakes the answer: the client would never learn why it was refused
 * (RFC 9112 9.6). Bounded in time and bytes, since a client may send for ever.
 */
export function endGently(message: IncomingMessage, response: ServerResponse, body: string | Uint8Array): void {
  let bytes = 0;
  const end = (): void => {
    clearTimeout(timer);
    message.off('data', count).off('end', end).off('close', end);
    response.off('close', end);
    response.end();
  };
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > LINGER.bytes) end();
  };
  const timer = setTimeout(end, LINGER.ms);
  response.once('close', end);
  response.write(body);
  message.on('data', count).once('end', end).once('close', end);
}

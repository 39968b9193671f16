/**
 * Server-sent events by fetch: EventSource cannot send the bearer token that a session's requests need. Reconnects by
 * itself until the signal aborts or the server says that there is no such stream.
 */
import { send } from './sdp-session.ts';

const RECONNECT = 1000;

/** Reads a stream; `onEvent` is called with each event's name and parsed data. Settles when there is nothing to read any more. */
export async function readEvents(
  url: string,
  onEvent: (name: string, data: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const answer = await send(url, 'GET', { headers: { accept: 'text/event-stream' }, signal });
      if (answer.status >= 400 && answer.status < 500) return;
      if (answer.ok && answer.body) await read(answer.body, onEvent);
    } catch {
      // The network: again, below.
    }
    await new Promise((resolve) => setTimeout(resolve, RECONNECT));
  }
}

async function read(body: ReadableStream<Uint8Array>, onEvent: (name: string, data: unknown) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (text + value).split(/\r?\n\r?\n/);
    text = events.pop()!;
    for (const event of events) {
      const field = (name: string): string =>
        event
          .split(/\r?\n/)
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 1).trim())
          .join('\n');
      const data = field('data');
      if (data === '') continue;
      try {
        onEvent(field('event') || 'message', JSON.parse(data));
      } catch {
        // Not ours: extensions may tell things in forms of their own.
      }
    }
  }
}

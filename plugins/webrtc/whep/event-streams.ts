/**
 * Server-sent events of a viewer (draft-ietf-wish-whep-02, 4.9.1): streams of chosen events, each of which a player reads
 * by a long GET.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from 'eddy/plugin';

/** Events that are told. */
export const EVENT_TYPES = ['active', 'inactive', 'layers', 'reconnect', 'viewercount'] as const;
/** One of them. */
export type EventType = (typeof EVENT_TYPES)[number];

/** A stream of one player. */
const MAX_STREAMS = 8;
/** Events kept for a player that does not read; the oldest goes first. */
const MAX_QUEUED = 64;
/** Proxies close what says nothing. */
const HEARTBEAT = 15_000;

interface Stream {
  readonly types: ReadonlySet<EventType>;
  queue: string[];
  wake: (() => void) | undefined;
  reader: object | undefined;
}

/** See the file's head. */
export class EventStreams {
  readonly #clock: Pick<Clock, 'every'>;
  readonly #streams = new Map<string, Stream>();
  readonly #initial: () => readonly (readonly [EventType, unknown])[];
  #ended = false;

  /** `initial`: what a new stream is told at once. */
  constructor(clock: Pick<Clock, 'every'>, initial: () => readonly (readonly [EventType, unknown])[]) {
    this.#clock = clock;
    this.#initial = initial;
  }

  /** True where somebody listens for this event. */
  wants(type: EventType): boolean {
    return [...this.#streams.values()].some(({ types }) => types.has(type));
  }

  /** Makes a stream; returns its id, or undefined where the player has too many. */
  create(types: readonly EventType[] = EVENT_TYPES): string | undefined {
    if (this.#ended || this.#streams.size >= MAX_STREAMS) return undefined;
    const id = randomBytes(12).toString('base64url');
    const stream: Stream = { types: new Set(types), queue: [], wake: undefined, reader: undefined };
    this.#streams.set(id, stream);
    for (const [type, data] of this.#initial()) put(stream, type, data);
    return id;
  }

  /** Ends a stream; false where there is none. */
  remove(id: string): boolean {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    stream?.wake?.();
    return stream !== undefined;
  }

  /** Tells every stream that wants it. */
  tell(type: EventType, data: unknown): void {
    for (const stream of this.#streams.values()) put(stream, type, data);
  }

  /** The text of a stream, until it or its session ends or the reader leaves; undefined where there is none. */
  read(id: string, left: AbortSignal, forget = false): AsyncIterable<string> | undefined {
    const stream = this.#streams.get(id);
    return stream && this.#follow(id, stream, left, forget);
  }

  /** The session is over: what is queued is still read, then the streams end. */
  end(): void {
    this.#ended = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const { wake } of streams) wake?.();
  }

  async *#follow(id: string, stream: Stream, left: AbortSignal, forget: boolean): AsyncGenerator<string> {
    // A player that reconnects takes the stream over from its own dead connection.
    const me = (stream.reader = {});
    stream.wake?.();
    const cancel = this.#clock.every(HEARTBEAT, () => {
      if (stream.queue.length === 0) stream.queue.push(':\n\n');
      stream.wake?.();
    });
    const onLeft = (): void => stream.wake?.();
    left.addEventListener('abort', onLeft, { once: true });
    try {
      // Something at once, so that the player knows that it is connected.
      yield ':\n\n';
      while (stream.reader === me && !left.aborted) {
        const [next] = stream.queue.splice(0, 1);
        if (next !== undefined) yield next;
        else if (this.#streams.get(id) !== stream) return;
        else await new Promise<void>((resolve) => (stream.wake = resolve));
      }
    } finally {
      cancel();
      left.removeEventListener('abort', onLeft);
      if (forget && stream.reader === me) this.#streams.delete(id);
    }
  }
}

/** JSON in one line of data, as the draft asks. */
function put(stream: Stream, type: EventType, data: unknown): void {
  if (!stream.types.has(type)) return;
  if (stream.queue.length >= MAX_QUEUED) stream.queue.shift();
  stream.queue.push(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  stream.wake?.();
}

/** Which layers of a stream anybody may be sent: what whoever feeds it goes by, so that layers that nobody takes need not be made. */

/** What a consumer may be sent at most: an index of a layer from 0, `Infinity` for all; undefined while it is sent nothing. */
export type Highest = number | undefined;

interface Stream {
  readonly consumers: Map<object, number>;
  readonly listeners: Set<() => void>;
}

/** See the file's head. Streams by the id of the producer that is fed, wherever its consumers are. */
export class LayerDemand {
  readonly #streams = new Map<string, Stream>();

  /** A consumer takes layers up to this one from now on. */
  set(producerId: string, consumer: object, highest: Highest): void {
    const stream = this.#of(producerId);
    if (highest === undefined) stream.consumers.delete(consumer);
    else stream.consumers.set(consumer, highest);
    for (const listener of stream.listeners) listener();
    this.#tidy(producerId);
  }

  /** The highest that anyone takes; undefined while nobody takes any. */
  highest(producerId: string): Highest {
    const taken = [...(this.#streams.get(producerId)?.consumers.values() ?? [])];
    return taken.length === 0 ? undefined : Math.max(...taken);
  }

  /** Calls back whenever a consumer comes, changes or goes. */
  watch(producerId: string, listener: () => void): () => void {
    this.#of(producerId).listeners.add(listener);
    return () => {
      this.#streams.get(producerId)?.listeners.delete(listener);
      this.#tidy(producerId);
    };
  }

  #of(producerId: string): Stream {
    const known = this.#streams.get(producerId) ?? { consumers: new Map(), listeners: new Set() };
    this.#streams.set(producerId, known);
    return known;
  }

  #tidy(producerId: string): void {
    const stream = this.#streams.get(producerId);
    if (stream?.consumers.size === 0 && stream.listeners.size === 0) this.#streams.delete(producerId);
  }
}

/** Lines that wait to be written to a file, bounded in bytes: what does not fit pushes out the oldest. */

/** One line with its end, and what it is. */
export interface Line<T> {
  readonly bytes: Buffer;
  readonly of: T;
}

/** At most so many lines are written at once. */
const BATCH = 512;

/** See the file's head. */
export class LineQueue<T> {
  readonly #limit: number;
  readonly #onDropped: (count: number) => void;
  #lines: Line<T>[] = [];
  #bytes = 0;
  /** So many at the front are being written, and are not dropped meanwhile. */
  #taken = 0;

  /** `limit` in bytes. */
  constructor(limit: number, onDropped: (count: number) => void) {
    this.#limit = limit;
    this.#onDropped = onDropped;
  }

  get length(): number {
    return this.#lines.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest; undefined while there is none. */
  get first(): T | undefined {
    return this.#lines[0]?.of;
  }

  add(text: string, of: T): void {
    const bytes = Buffer.from(`${text}\n`);
    this.#lines.push({ bytes, of });
    this.#bytes += bytes.byteLength;
    let dropped = 0;
    // The newest is kept even where it alone is too large: its length has a bound of its own.
    while (this.#bytes > this.#limit && this.#lines.length - this.#taken > 1) {
      const [line] = this.#lines.splice(this.#taken, 1);
      this.#bytes -= line!.bytes.byteLength;
      dropped += 1;
    }
    if (dropped > 0) this.#onDropped(dropped);
  }

  /** The lines to write next, at least one and at most so many bytes; they stay until {@link done}. */
  take(most = Infinity): readonly Line<T>[] {
    const lines = this.#lines.slice(0, BATCH);
    let bytes = 0;
    const fit = lines.findIndex((line) => (bytes += line.bytes.byteLength) > most);
    this.#taken = fit < 0 ? lines.length : Math.max(1, fit);
    return lines.slice(0, this.#taken);
  }

  /** So many at the front have been written; the others may be dropped again. */
  done(count: number): void {
    for (const line of this.#lines.splice(0, count)) this.#bytes -= line.bytes.byteLength;
    this.#taken = 0;
  }
}

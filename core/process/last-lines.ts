/** The last lines that a child printed: what a crash report quotes. Bounded, however much is printed. */

const MAX_LINE = 400;

/** Keeps the last `count` lines of a text that comes in pieces. */
export class LastLines {
  readonly #count: number;
  readonly #lines: string[] = [];
  #open = '';

  constructor(count = 20) {
    this.#count = count;
  }

  /** Takes the next piece. */
  push(piece: string): void {
    // Of a flood only the end can matter: what precedes the last lines is not even split.
    const text = piece.length > MAX_LINE * this.#count ? piece.slice(-MAX_LINE * this.#count) : piece;
    const parts = (this.#open + text).split('\n');
    this.#open = parts.pop()!.slice(0, MAX_LINE);
    for (const part of parts) if (part.trim() !== '') this.#lines.push(part.trimEnd().slice(0, MAX_LINE));
    if (this.#lines.length > this.#count) this.#lines.splice(0, this.#lines.length - this.#count);
  }

  /** The last lines, an unfinished one included. */
  get lines(): readonly string[] {
    return this.#open.trim() === '' ? [...this.#lines] : [...this.#lines, this.#open].slice(-this.#count);
  }
}

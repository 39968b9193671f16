/** Finished pictures: made once however many ask, kept while there is room, the least recently used going first. */
import { refusal } from './answers.ts';

/** The most that are being made or wait for it; who comes then is told to come again. */
const MOST_AT_ONCE = 32;

/** See the file's head. */
export class Shelf {
  readonly #room: number;
  readonly #made = new Map<string, Uint8Array>();
  readonly #making = new Map<string, Promise<Uint8Array | undefined>>();
  #bytes = 0;

  /** `room`: bytes. */
  constructor(room: number) {
    this.#room = room;
  }

  /** The picture of this name; `make` is called where there is none. What cannot be made is not kept. */
  get(name: string, make: () => Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    const made = this.#made.get(name);
    if (made) {
      this.#made.delete(name);
      this.#made.set(name, made);
      return Promise.resolve(made);
    }
    const known = this.#making.get(name);
    if (known) return known;
    if (this.#making.size >= MOST_AT_ONCE) throw refusal('BUSY', 'Too many pictures are being made.');
    const making = make()
      .then((picture) => {
        if (picture) this.#keep(name, picture);
        return picture;
      })
      .finally(() => this.#making.delete(name));
    this.#making.set(name, making);
    return making;
  }

  #keep(name: string, picture: Uint8Array): void {
    this.#made.set(name, picture);
    this.#bytes += picture.length;
    for (const [oldest, { length }] of this.#made) {
      if (this.#bytes <= this.#room) return;
      this.#made.delete(oldest);
      this.#bytes -= length;
    }
  }
}

/** A frame that grows packet by packet. */
import { MediaError } from '../media-error.ts';

/** No coded frame is larger; a sender whose frames never end must not fill the memory. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** See the file's head. One a stream: the memory is kept from frame to frame. */
export class FrameBuffer {
  #bytes = new Uint8Array(16 * 1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** Reserves 4 bytes for a length and returns their place. */
  openLength(): number {
    this.#room(4);
    this.#length += 4;
    return this.#length - 4;
  }

  /** Fills in the length of what was written since {@link openLength}. */
  closeLength(place: number): void {
    const length = this.#length - place - 4;
    this.#bytes[place] = length >> 24;
    this.#bytes[place + 1] = length >> 16;
    this.#bytes[place + 2] = length >> 8;
    this.#bytes[place + 3] = length;
  }

  /** Takes out what was written from here on. */
  cut(from: number): Uint8Array {
    const bytes = this.#bytes.slice(from, this.#length);
    this.#length = from;
    return bytes;
  }

  clear(): void {
    this.#length = 0;
  }

  #room(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    if (needed > MAX_FRAME_BYTES) throw new MediaError('MEDIA_TOO_LARGE', 'a frame of more than 16 MiB');
    const grown = new Uint8Array(Math.min(MAX_FRAME_BYTES, Math.max(needed, this.#bytes.length * 2)));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

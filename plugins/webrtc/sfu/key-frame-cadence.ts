/**
 * When a WebRTC publisher is to be asked for key frames. Segments begin with them, and browsers send none by themselves;
 * all layers are asked at one moment, so that their segments begin together.
 */

/** A layer that has sent nothing for so long has stopped, ms. */
const STOPPED_MS = 500;

export class KeyFrameCadence {
  readonly #interval: number;
  readonly #ask: () => void;
  readonly #layers = new Map<number, { at: number; keyAt: number }>();
  #askedAt = -Infinity;

  /** `interval` in ms; `ask` asks every layer. */
  constructor(interval: number, ask: () => void) {
    this.#interval = interval;
    this.#ask = ask;
  }

  /**
   * A frame of this layer (0 the lowest) at this moment, ms on the layers' common timeline. It is the highest layer that
   * runs which counts: asked exactly `interval` after its last key frame, it gives the next one a little later, and so
   * never just before a segment may end. Publishers with key frames of their own at that interval are never asked.
   */
  frame(layer: number, key: boolean, at: number): void {
    const state = this.#layers.get(layer);
    if (!state) this.#layers.set(layer, { at, keyAt: at });
    else {
      state.at = at;
      if (key) state.keyAt = at;
    }
    if (layer !== this.#highest(at)) return;
    const { keyAt } = this.#layers.get(layer)!;
    if (at - keyAt < this.#interval || Math.abs(at - this.#askedAt) < this.#interval / 2) return;
    this.#askedAt = at;
    this.#ask();
  }

  #highest(at: number): number {
    let highest = -1;
    for (const [layer, state] of this.#layers) {
      if (layer > highest && Math.abs(at - state.at) < STOPPED_MS) highest = layer;
    }
    return highest;
  }
}

/** The test pattern's sound: a steady tone, or a beep while the picture flashes. Stereo, 16 bits, interleaved. */

export const SAMPLE_RATE = 48_000;
/** Samples a block: an AAC frame. */
export const BLOCK = 1024;
const TONE = { hz: 440, level: 0.1 } as const;
const BEEP = { hz: 1000, level: 0.5 } as const;

/** One second of a tone of whole hertz: it joins its own beginning without a click. */
function second({ hz, level }: { readonly hz: number; readonly level: number }): Int16Array {
  return Int16Array.from({ length: SAMPLE_RATE }, (_, i) =>
    Math.round(Math.sin((2 * Math.PI * hz * i) / SAMPLE_RATE) * level * 32_767),
  );
}

/** Owns one block that is filled again and again. */
export class Sound {
  readonly #samples = new Int16Array(BLOCK * 2);
  readonly data = new Uint8Array(this.#samples.buffer);
  readonly #tone = second(TONE);
  readonly #beep = second(BEEP);

  /** Fills the block that begins at sample `first`; `beeps` tells for a sample whether it beeps, absent: the steady tone. */
  fill(first: number, beeps?: (sample: number) => boolean): void {
    for (let i = 0; i < BLOCK; i++) {
      const at = (first + i) % SAMPLE_RATE;
      const value = beeps ? (beeps(first + i) ? this.#beep[at]! : 0) : this.#tone[at]!;
      this.#samples[2 * i] = value;
      this.#samples[2 * i + 1] = value;
    }
  }
}

/** Bit rates as the multivariant playlist and the manifest tell them: measured over whole segments. */

/** How many segments are looked back on. */
const SEGMENTS = 60;

/** The peak and the average bit rate of a track, bits a second. */
export class BitrateMeter {
  readonly #segments: { readonly bits: number; readonly seconds: number }[] = [];

  add(bytes: number, seconds: number): void {
    if (seconds <= 0) return;
    this.#segments.push({ bits: bytes * 8, seconds });
    if (this.#segments.length > SEGMENTS) this.#segments.shift();
  }

  /**
   * RFC 8216bis 4.4.6.2: the largest rate of any run of segments between half and one and a half target durations
   * (`target`, seconds). A lone short segment would count its key frame only, so it is joined with those after it.
   */
  peak(target: number): number | undefined {
    let peak: number | undefined;
    for (let first = 0; first < this.#segments.length; first += 1) {
      let bits = 0;
      let seconds = 0;
      for (const segment of this.#segments.slice(first)) {
        bits += segment.bits;
        seconds += segment.seconds;
        if (seconds > target * 1.5) break;
        if (seconds >= target * 0.5 || first === 0) peak = Math.max(peak ?? 0, bits / seconds);
      }
    }
    return peak;
  }

  average(): number | undefined {
    const bits = this.#segments.reduce((sum, segment) => sum + segment.bits, 0);
    const seconds = this.#segments.reduce((sum, segment) => sum + segment.seconds, 0);
    return seconds > 0 ? bits / seconds : undefined;
  }
}

/** What the GOPs of a source are like: whether its key frames come at a distance that encoders can keep step with. */

/** GOPs of one length after which they are taken for constant. */
const ENOUGH = 2;

/** See the file's head. Count every frame, in decode order. */
export class GopMeter {
  #frames = 0;
  #begun = false;
  #length: number | undefined;
  #same = 0;
  #broken = false;

  /** Counts a frame. */
  count(key: boolean): void {
    if (!key) {
      this.#frames += 1;
      return;
    }
    if (this.#begun) this.#close();
    this.#begun = true;
    this.#frames = 1;
  }

  /** Frames are missing, or the timeline breaks: what was counted of this GOP says nothing. */
  interrupted(): void {
    this.#begun = false;
  }

  /** Frames of a GOP while all have had as many; undefined before that is known, and once it is not so. */
  get constant(): number | undefined {
    return !this.#broken && this.#same >= ENOUGH ? this.#length : undefined;
  }

  /** True once two GOPs had different lengths. */
  get broken(): boolean {
    return this.#broken;
  }

  #close(): void {
    if (this.#length === undefined || this.#same === 0) this.#length = this.#frames;
    else if (this.#frames !== this.#length) this.#broken = true;
    this.#same += 1;
  }
}

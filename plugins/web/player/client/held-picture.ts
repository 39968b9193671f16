/** The last picture, kept on screen while another connection is made: the element itself goes black at once. */

/** See the file's head. */
export class HeldPicture {
  readonly #video: HTMLVideoElement;
  readonly #canvas: HTMLCanvasElement;
  /** What waits for the next picture. */
  #next = 0;

  /** `canvas` lies over the video and is hidden. */
  constructor(video: HTMLVideoElement, canvas: HTMLCanvasElement) {
    this.#video = video;
    this.#canvas = canvas;
  }

  get shown(): boolean {
    return !this.#canvas.hidden;
  }

  /**
   * Takes what is on screen, until the element shows another picture; where there is nothing, what was held before stays. To
   * be called before the element is freed.
   */
  hold(): void {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const context = this.#canvas.getContext('2d');
    if (width === 0 || height === 0 || !context) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    context.drawImage(this.#video, 0, 0);
    this.#canvas.hidden = false;
    if (!('requestVideoFrameCallback' in this.#video)) return;
    this.#video.cancelVideoFrameCallback(this.#next);
    this.#next = this.#video.requestVideoFrameCallback(() => this.release());
  }

  /** Shows the video again. Safe to repeat. */
  release(): void {
    if (!this.shown) return;
    this.#canvas.hidden = true;
    // A picture takes megabytes.
    this.#canvas.width = this.#canvas.height = 0;
  }
}

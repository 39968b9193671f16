/** What is under the pointer: its time, its picture, and why there is none. */
import { byId, setText } from '../../shared/client/dom.ts';
import { clock, dayOf, seconds } from '../../shared/client/format.ts';
import type { Past } from './past.ts';
import { causeName, spanAt } from './spans.ts';
import { Storyboard } from './storyboard.ts';
import type { View } from './view.ts';

/** See the file's head. */
export class ScrubPeek {
  readonly #past: () => Past;
  readonly #camera: () => string;
  readonly #now: () => number;
  readonly #box = byId('peek');
  readonly #picture = byId<HTMLCanvasElement>('peek-picture');
  #storyboard: Storyboard | undefined;
  #moment = NaN;

  constructor(options: { past(): Past; camera(): string; now(): number }) {
    this.#past = () => options.past();
    this.#camera = () => options.camera();
    this.#now = () => options.now();
  }

  /** Shows what is at this place of the bar (pixels). */
  show(x: number, moment: number, view: View, isLive: boolean): void {
    this.#box.hidden = false;
    const span = spanAt(this.#past().current, moment);
    const gap = span?.kind === 'gap' ? span : undefined;
    setText(byId('peek-time'), isLive ? 'Live' : clock(moment).slice(0, 8));
    setText(byId('peek-day'), isLive ? '' : dayOf(moment));
    const ago = (this.#now() - moment) / 1000;
    setText(
      byId('peek-note'),
      gap
        ? `No recording for ${seconds((gap.end - gap.start) / 1000)}: ${causeName(gap.cause)}`
        : isLive
          ? ''
          : `${seconds(ago).replace(/\.\d/, '')} ago`,
    );
    this.#box.classList.toggle('in-gap', gap !== undefined);
    const isOther = moment !== this.#moment;
    this.#moment = moment;
    if (gap || isLive) this.#picture.hidden = true;
    else if (isOther) void this.#draw(moment, view);
    // Inside of the bar, whatever its width is.
    const half = this.#box.offsetWidth / 2;
    const most = this.#box.parentElement!.clientWidth;
    this.#box.style.left = `${Math.min(most - half, Math.max(half, x))}px`;
  }

  hide(): void {
    this.#box.hidden = true;
    this.#picture.hidden = true;
    this.#moment = NaN;
  }

  /** Another camera. */
  reset(): void {
    this.#storyboard = undefined;
    this.hide();
  }

  async #draw(moment: number, view: View): Promise<void> {
    this.#storyboard ??= new Storyboard(this.#camera());
    const isWanted = (): boolean => this.#moment === moment;
    const isDrawn = await this.#storyboard.draw(this.#picture, moment, view, isWanted);
    if (isWanted()) this.#picture.hidden = !isDrawn;
  }
}

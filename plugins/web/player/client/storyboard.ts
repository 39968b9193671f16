/** Pictures of the past for the scrub bar: sheets of small ones, each with the moments that it stands for. */
import { withToken } from '../../shared/client/server.ts';
import { parseStoryboard, type StoryPicture } from './webvtt.ts';
import type { View } from './view.ts';

/** Time between two pictures, ms: the least that gives no more than `MOST` of them in what the bar shows. */
const INTERVALS = [2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600, 7200].map((seconds) => seconds * 1000);
const MOST = 100;
/** Pictures asked for at once, those of one sheet. Beginnings are at multiples, so that all viewers ask for the same ones. */
const AT_ONCE = 25;
/** What does not exist yet, or could not be made, is asked for again after this, ms. */
const AGAIN = 5000;

interface Page {
  readonly pictures: Promise<readonly StoryPicture[]>;
  readonly askedAt: number;
  isEmpty: boolean;
}

/** The pictures of one camera. */
export class Storyboard {
  readonly #base: string;
  readonly #pages = new Map<string, Page>();
  readonly #sheets = new Map<string, Promise<HTMLImageElement | undefined>>();
  /** This pipeline makes no such pictures. */
  #isMissing = false;

  constructor(cameraId: string) {
    this.#base = new URL(`/api/v1/cameras/${encodeURIComponent(cameraId)}/`, location.href).href;
  }

  /** Draws the picture of the moment; false where there is none, or where it came too late to be `wanted`. */
  async draw(canvas: HTMLCanvasElement, moment: number, view: View, wanted: () => boolean): Promise<boolean> {
    if (this.#isMissing) return false;
    const interval = INTERVALS.find((each) => (view.end - view.start) / each <= MOST) ?? INTERVALS.at(-1)!;
    const pictures = await this.#page(moment, interval);
    const picture = pictures.find(({ start, end }) => start <= moment && moment < end);
    const sheet = picture && wanted() ? await this.#sheet(picture.url) : undefined;
    const context = canvas.getContext('2d');
    if (!picture || !sheet || !context || !wanted()) return false;
    const { x, y, width, height } = picture;
    canvas.width = width;
    canvas.height = height;
    context.drawImage(sheet, x, y, width, height, 0, 0, width, height);
    return true;
  }

  #page(moment: number, interval: number): Promise<readonly StoryPicture[]> {
    const length = interval * AT_ONCE;
    const start = Math.floor(moment / length) * length;
    const key = `${start} ${interval}`;
    const known = this.#pages.get(key);
    const isOver = start + length < Date.now() - AGAIN;
    if (known && (performance.now() - known.askedAt < AGAIN || (isOver && !known.isEmpty))) return known.pictures;
    const page: Page = {
      pictures: this.#load(start, start + length, interval),
      askedAt: performance.now(),
      isEmpty: true,
    };
    this.#pages.set(key, page);
    void page.pictures.then(({ length }) => (page.isEmpty = length === 0));
    return page.pictures;
  }

  async #load(start: number, end: number, interval: number): Promise<readonly StoryPicture[]> {
    const address = `${this.#base}storyboard.vtt?start=${start}&end=${end}&interval=${interval / 1000}s`;
    try {
      const answer = await fetch(withToken(address));
      // Without the plugin there is no such route; a stretch without media is another refusal.
      if (answer.status === 404) {
        const { code } = (await answer.json().catch(() => ({}))) as { code?: string };
        this.#isMissing = code === undefined || code === 'HTTP_NOT_FOUND';
      }
      return answer.ok ? parseStoryboard(await answer.text(), address, start) : [];
    } catch {
      return [];
    }
  }

  #sheet(url: string): Promise<HTMLImageElement | undefined> {
    let sheet = this.#sheets.get(url);
    if (!sheet) {
      const image = new Image();
      image.src = url.includes('token=') ? url : withToken(url);
      sheet = image.decode().then(
        () => image,
        () => {
          this.#sheets.delete(url);
          return undefined;
        },
      );
      this.#sheets.set(url, sheet);
    }
    return sheet;
  }
}

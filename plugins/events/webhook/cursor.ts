/** How far an outbox has been delivered, on disk. It may be behind after a crash, never ahead: then an event is sent twice. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A place in the files of an outbox. */
export interface Place {
  readonly file: number;
  readonly offset: number;
}

const NAME = 'cursor.json';

/** The place where the last run was; the very beginning where none is known. */
export async function readCursor(dir: string): Promise<Place> {
  try {
    const { file, offset } = JSON.parse(await readFile(join(dir, NAME), 'utf8')) as Partial<Place>;
    if (Number.isSafeInteger(file) && Number.isSafeInteger(offset)) return { file: file!, offset: offset! };
  } catch {
    // Absent or garbled: what is there is delivered again, which receivers know by its ids.
  }
  return { file: 0, offset: 0 };
}

/** Writes the place after each change, at most one write at a time. */
export class CursorWriter {
  readonly #dir: string;
  #wanted: Place | undefined;
  #working: Promise<void> | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  save(place: Place): void {
    this.#wanted = place;
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  /** Settles when all is written, or could not be. */
  async settled(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    const path = join(this.#dir, NAME);
    while (this.#wanted) {
      const place = this.#wanted;
      this.#wanted = undefined;
      try {
        await writeFile(`${path}.new`, JSON.stringify(place), { mode: 0o600 });
        await rename(`${path}.new`, path);
      } catch {
        // The next one may be written; until then a crash would have more delivered twice.
      }
    }
  }
}

/** A file of lines that is renamed when it is full, and opened anew where somebody else renamed or removed it. */
import { mkdir, open, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { appendLines } from '../shared/append.ts';

/** Options of a {@link RotatingFile}. */
export interface RotatingFileOptions {
  readonly path: string;
  /** At this size, bytes, it is renamed. */
  readonly rotate: number;
  /** How many renamed ones are kept. */
  readonly keep: number;
}

/** See the file's head. Its methods are called one after the other, but `sync` at any time. */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #handle: FileHandle | undefined;
  #inode: bigint | undefined;
  #size = 0;
  /** The file ends within a line, which a full disk cut: the next one begins on a line of its own. */
  #torn = false;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
  }

  /** Appends lines, each with its end; how many of them are whole in the file, and why not all. Never rejects. */
  async append(lines: readonly Buffer[]): Promise<{ readonly lines: number; readonly error?: Error }> {
    try {
      if (this.#handle && !(await this.#isMine())) await this.close();
      // Before writing, so that the newest lines are always in the file of this name.
      if (this.#handle && this.#size >= this.#options.rotate) await this.#rotate();
      this.#handle ??= await this.#open();
    } catch (error) {
      return { lines: 0, error: error as Error };
    }
    const before = this.#torn ? [Buffer.from('\n')] : [];
    const done = await appendLines(this.#handle, [...before, ...lines]);
    this.#size += done.bytes + done.torn;
    this.#torn = done.torn > 0 || (this.#torn && done.lines === 0);
    const whole = Math.max(0, done.lines - before.length);
    return done.error ? { lines: whole, error: done.error } : { lines: whole };
  }

  /** Rejects where the disk does. */
  async sync(): Promise<void> {
    await this.#handle?.datasync();
  }

  /** Never rejects. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#torn = false;
    await handle?.close().catch(() => undefined);
  }

  async #open(): Promise<FileHandle> {
    await mkdir(dirname(this.#options.path), { recursive: true });
    const handle = await open(this.#options.path, 'a+', 0o600);
    try {
      // One that was there already, readable by others.
      await handle.chmod(0o600);
      const { ino, size } = await handle.stat({ bigint: true });
      this.#inode = ino;
      this.#size = Number(size);
      const last = Buffer.alloc(1);
      this.#torn = size > 0n && (await handle.read(last, 0, 1, Number(size) - 1)).bytesRead === 1 && last[0] !== 10;
      return handle;
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
  }

  /** Whether the name still stands for the file that is open; its size is looked at too, should somebody have emptied it. */
  async #isMine(): Promise<boolean> {
    try {
      const { ino, size } = await stat(this.#options.path, { bigint: true });
      this.#size = Number(size);
      return ino === this.#inode;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  async #rotate(): Promise<void> {
    const { path, keep } = this.#options;
    await this.sync();
    await this.close();
    if (keep === 0) return unlink(path);
    const missing = (error: NodeJS.ErrnoException): void => {
      if (error.code !== 'ENOENT') throw error;
    };
    for (let number = keep - 1; number >= 1; number--)
      await rename(`${path}.${number}`, `${path}.${number + 1}`).catch(missing);
    await rename(path, `${path}.1`).catch(missing);
  }
}

/** Keys from a file, which is read again when it has changed. */
import { readFile, stat } from 'node:fs/promises';
import { EddyError, type Context } from 'eddy/plugin';
import type { KeySet } from './key-set.ts';

/** So often, in ms, a file is looked at while tokens come. */
const LOOK_EVERY = 1000;
const MOST_BYTES = 1024 * 1024;

/** See the file's head. A file that became unreadable leaves the last keys in use. */
export class FileKeys {
  readonly #path: string;
  readonly #read: (text: string) => KeySet;
  readonly #ctx: Pick<Context, 'clock' | 'report'>;
  #set: KeySet | undefined;
  #version = '';
  #lookedAt = -Infinity;
  #looking: Promise<void> | undefined;

  constructor(path: string, read: (text: string) => KeySet, ctx: Pick<Context, 'clock' | 'report'>) {
    this.#path = path;
    this.#read = read;
    this.#ctx = ctx;
  }

  /** Reads it for the first time. Rejects with auth.jwt/KEYS_INVALID. */
  async start(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      throw new EddyError('auth.jwt/KEYS_INVALID', this.#what(error), { kind: 'config' });
    }
  }

  async current(): Promise<KeySet> {
    if (this.#ctx.clock.monotonic() - this.#lookedAt >= LOOK_EVERY) {
      this.#looking ??= this.#look()
        .catch((error: unknown) =>
          this.#ctx.report({
            code: 'auth.jwt/KEYS_INVALID',
            message: `${this.#what(error)}; its last keys stay in use`,
          }),
        )
        .finally(() => (this.#looking = undefined));
      await this.#looking;
    }
    return this.#set!;
  }

  async #look(): Promise<void> {
    this.#lookedAt = this.#ctx.clock.monotonic();
    const { mtimeMs, size, ino } = await stat(this.#path);
    const version = `${mtimeMs} ${size} ${ino}`;
    if (version === this.#version) return;
    this.#version = version;
    if (size > MOST_BYTES) throw new Error(`it is larger than ${MOST_BYTES} bytes`);
    this.#set = this.#read(await readFile(this.#path, 'utf8'));
    for (const why of this.#set.ignored) {
      this.#ctx.report({ code: 'auth.jwt/KEY_IGNORED', message: `${this.#path}: ${why}` });
    }
  }

  #what(error: unknown): string {
    return `${this.#path}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

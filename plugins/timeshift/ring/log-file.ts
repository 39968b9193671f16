/** One file of the write-ahead log: appended to, never changed, removed once nobody needs what it holds. */
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Where the bytes of a part are. */
export interface LogPlace {
  readonly file: LogFile;
  readonly offset: number;
  readonly length: number;
}

/** See the file's head. It is opened at its first write; a file of an earlier run never is. */
export class LogFile {
  readonly path: string;
  readonly sequence: number;
  /** Monotonic ms. */
  readonly startedAt: number;
  /** Bytes given out so far, how many of them the file has, and how many no power cut can take any more. */
  size = 0;
  written = 0;
  durable = 0;
  /** Places in it that somebody still needs. */
  used = 0;
  /** Nothing more goes into it, and what is not durable in it is not there. */
  broken = false;
  /** Generations that it has the description of. */
  readonly generations = new Set<string>();
  #handle: Promise<FileHandle> | undefined;
  #closed = false;

  constructor(path: string, sequence: number, startedAt: number) {
    this.path = path;
    this.sequence = sequence;
    this.startedAt = startedAt;
  }

  /** True where a power cut would take some of what was given out. */
  get behind(): boolean {
    return !this.broken && this.#handle !== undefined && this.durable < this.size;
  }

  /** What an earlier run left in it: so many bytes of whole records. */
  found(bytes: number): void {
    this.size = this.written = this.durable = bytes;
  }

  /** True once these bytes are in the file, as {@link read} of it needs. */
  has({ offset, length }: LogPlace): boolean {
    return this.written >= offset + length;
  }

  /** True once no power cut can take these bytes. */
  keeps({ offset, length }: LogPlace): boolean {
    return this.durable >= offset + length;
  }

  /** Appends bytes that were given out. Rejects where the disk does; the caller then breaks the file. */
  async write(buffers: readonly Uint8Array[]): Promise<void> {
    const handle = await (this.#handle ??= create(this.path));
    const bytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const { bytesWritten } = await handle.writev(buffers);
    this.written += bytesWritten;
    if (bytesWritten < bytes) throw Object.assign(new Error('the disk took only a part of it'), { code: 'ENOSPC' });
  }

  /** Makes durable what is written. Rejects as {@link write} does. */
  async sync(): Promise<void> {
    // More may be given out and written while the disk is busy: durable is what was written before it began.
    const { written } = this;
    await (await this.#handle)?.datasync();
    this.durable = written;
  }

  /** What is durable in it stays; the rest never was. */
  break(): void {
    this.broken = true;
    this.size = this.durable;
    void this.close();
  }

  /** Settles when it is closed. Idempotent. */
  async close(): Promise<void> {
    if (!this.#handle || this.#closed) return;
    this.#closed = true;
    await this.#handle.then((opened) => opened.close()).catch(() => undefined);
  }

  /** Deletes it. Never rejects: what cannot be deleted is found at the next start. */
  async remove(): Promise<void> {
    this.broken = true;
    await this.close();
    await unlink(this.path).catch(() => undefined);
  }
}

/** A new file that is in its folder after a power cut too. */
async function create(path: string): Promise<FileHandle> {
  const handle = await open(path, 'wx');
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
  return handle;
}

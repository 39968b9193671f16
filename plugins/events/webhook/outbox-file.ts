/** One file of the outbox: appended to by one run, read by it and by later ones, removed once it is delivered. */
import { mkdir, open, readdir, readFile, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { appendLines, type Appended } from '../shared/append.ts';
import { readEntries } from './entry.ts';

const FILE_NAME = /^(\d{10})\.outbox$/;

/** See the file's head. */
export class OutboxFile {
  readonly sequence: number;
  /** Bytes of whole lines. */
  size: number;
  /** Entries in it that have not been delivered. */
  count = 0;
  readonly #path: string;
  #handle: FileHandle | undefined;

  constructor(path: string, sequence: number, size: number, handle?: FileHandle) {
    this.#path = path;
    this.sequence = sequence;
    this.size = size;
    this.#handle = handle;
  }

  /** A new one, in a folder that is made if need be; only this user may read what its events tell. */
  static async create(dir: string, sequence: number, durable: boolean): Promise<OutboxFile> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, `${String(sequence).padStart(10, '0')}.outbox`);
    const handle = await open(path, 'ax', 0o600);
    if (durable) await syncFolder(path);
    return new OutboxFile(path, sequence, 0, handle);
  }

  /** Appends lines. Never rejects; where not all were taken nothing more may be appended. */
  async append(lines: readonly Buffer[]): Promise<Appended> {
    const appended = await appendLines(this.#handle!, lines);
    this.size += appended.bytes;
    this.count += appended.lines;
    return appended;
  }

  /** No power cut takes what was appended so far. Rejects where the disk does. */
  async sync(): Promise<void> {
    await this.#handle?.datasync();
  }

  /** Nothing more is appended. Idempotent. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => undefined);
  }

  /** Rejects with ENOENT where it is gone. */
  async read(offset: number, length: number): Promise<Buffer> {
    const handle = await open(this.#path, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, offset);
      // Somebody cut it short: what is missing is passed over as lines that are none.
      return bytesRead < length
        ? Buffer.concat([buffer.subarray(0, bytesRead), Buffer.alloc(length - bytesRead)])
        : buffer;
    } finally {
      await handle.close();
    }
  }

  /** Counts what is in it from an offset on: entries, lines that are none, and bytes behind the last line. */
  async scan(from: number): Promise<{ readonly entries: number; readonly bad: number; readonly rest: number }> {
    const bytes = (await readFile(this.#path)).subarray(from);
    const { entries, bad, end } = readEntries(bytes);
    return { entries: entries.length, bad, rest: bytes.byteLength - end };
  }

  /** Deletes it. Never rejects: what cannot be deleted is found, and known as delivered, at the next start. */
  async remove(): Promise<void> {
    await this.close();
    await unlink(this.#path).catch(() => undefined);
  }
}

/** The files that earlier runs left in a folder, the oldest first. */
export async function outboxFiles(dir: string): Promise<OutboxFile[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = names.flatMap((name) => {
    const sequence = FILE_NAME.exec(name)?.[1];
    const path = join(dir, name);
    return sequence === undefined ? [] : [stat(path).then(({ size }) => new OutboxFile(path, Number(sequence), size))];
  });
  return (await Promise.all(files)).sort((a, b) => a.sequence - b.sequence);
}

/** The file is in its folder after a power cut too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

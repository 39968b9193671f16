/** Writing lines to the end of a file, and telling how many of them are whole where the disk takes only some. */
import type { FileHandle } from 'node:fs/promises';

/** How often written lines are made safe from a power cut. A crash of the process alone takes none of them. */
export const FSYNC = ['always', 'second', 'never'] as const;
export type Fsync = (typeof FSYNC)[number];

/** What came of {@link appendLines}. */
export interface Appended {
  /** Lines that are in the file whole, and their bytes. */
  readonly lines: number;
  readonly bytes: number;
  /** Bytes of a line that is not: the file ends within it. */
  readonly torn: number;
  /** Why not all were written. */
  readonly error?: Error;
}

/** Appends to a file that was opened for it. Never rejects. */
export async function appendLines(handle: FileHandle, lines: readonly Buffer[]): Promise<Appended> {
  const all = Buffer.concat(lines);
  let written = 0;
  let error: Error | undefined;
  try {
    while (written < all.byteLength) {
      const { bytesWritten } = await handle.write(all, written);
      // A full disk takes a part first, and says so at the next attempt.
      written += bytesWritten;
    }
  } catch (caught) {
    error = caught as Error;
  }
  let whole = 0;
  let bytes = 0;
  for (const line of lines) {
    if (bytes + line.byteLength > written) break;
    bytes += line.byteLength;
    whole += 1;
  }
  return { lines: whole, bytes, torn: written - bytes, ...(error === undefined ? {} : { error }) };
}

/**
 * The write-ahead log: parts go to the local disk as they come, so that a crash loses at most `rpo` of what was live,
 * and so that media which the store cannot take now waits there. Files of some 32 MiB, appended to, never changed; a file
 * goes once every segment that has parts in it is stored and indexed.
 */
import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CameraId, Chunk, ChunkCaps, Clock, TrackId } from 'eddy/plugin';
import { LogFile, type LogPlace } from './log-file.ts';
import { writeRecord } from './log-record.ts';

/** A file is closed at this size, or this many ms after it was begun, so that finished ones can go. */
const FILE_BYTES = 32 * 2 ** 20;
const FILE_MS = 30_000;
/** After a failure a new file is tried this many ms later. */
const RETRY_MS = 2000;
/** Once full, the log takes nothing before this share of its bound is free: else it would take every other part. */
const FREE_AGAIN = 0.1;

const FILE_NAME = /^log-(\d{10})\.wal$/;
const fileName = (sequence: number): string => `log-${String(sequence).padStart(10, '0')}.wal`;

export type LogState = 'up' | 'full' | 'down';

/** Options of a {@link WriteAheadLog}. */
export interface LogOptions {
  readonly dir: string;
  /** The most that all files together may hold, bytes. */
  readonly limit: number;
  /** The most media, in ms, that a power cut may take. */
  readonly rpo: number;
  readonly clock: Clock;
  /** Told of every change of state, with the reason for a bad one. */
  readonly onState: (state: LogState, error?: unknown) => void;
}

interface Write {
  readonly file: LogFile;
  readonly buffers: readonly Uint8Array[];
}

/** See the file's head. Appending never waits and never throws: what cannot be logged has no place. */
export class WriteAheadLog {
  readonly #options: LogOptions;
  readonly #files = new Set<LogFile>();
  #current: LogFile | undefined;
  #sequence = 0;
  #state: LogState = 'up';
  #retryAt = -Infinity;
  #queue: Write[] = [];
  #working: Promise<void> | undefined;
  #syncWanted = false;
  #syncTimer: (() => void) | undefined;
  #closed = false;

  constructor(options: LogOptions) {
    this.#options = options;
  }

  get state(): LogState {
    return this.#state;
  }

  /** Bytes of all files. */
  get bytes(): number {
    let sum = 0;
    for (const { size } of this.#files) sum += size;
    return sum;
  }

  /** Makes the folder and returns the files of earlier runs, oldest first. */
  async open(): Promise<LogFile[]> {
    const { dir } = this.#options;
    await mkdir(dir, { recursive: true });
    const found = (await readdir(dir)).flatMap((name) => {
      const sequence = FILE_NAME.exec(name)?.[1];
      return sequence === undefined ? [] : [this.#file(Number(sequence))];
    });
    found.sort((a, b) => a.sequence - b.sequence);
    for (const file of found) this.#files.add(file);
    this.#sequence = (found.at(-1)?.sequence ?? 0) + 1;
    return found;
  }

  /** Appends a part, with its generation where the file does not have it yet; undefined where it cannot be logged. */
  append(camera: CameraId, track: TrackId, init: string, caps: ChunkCaps, part: Chunk): LogPlace | undefined {
    if (this.#closed || !this.#hasRoom(part.data.byteLength)) return undefined;
    const file = this.#fileToAppend();
    const buffers: Uint8Array[] = [];
    const key = `${camera}/${track}/${init}`;
    if (!file.generations.has(key)) {
      file.generations.add(key);
      const { init: bytes, ...rest } = caps;
      const record = writeRecord({ kind: 'generation', camera, track, init, caps: rest }, bytes);
      buffers.push(record.before, record.data);
    }
    const { data, ...chunk } = part;
    const record = writeRecord({ kind: 'part', camera, track, init, chunk }, data);
    buffers.push(record.before, record.data);
    file.size += buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
    file.used += 1;
    this.#queue.push({ file, buffers });
    this.#work();
    return { file, offset: file.size - data.byteLength, length: data.byteLength };
  }

  /** Settles when these places are on the disk; false where one of them is not, and will not be. */
  async sync(places: readonly LogPlace[]): Promise<boolean> {
    const pending = (): boolean => places.some((place) => !place.file.keeps(place) && !place.file.broken);
    while (pending() && !this.#closed) {
      this.#syncWanted = true;
      this.#work();
      await this.#working;
    }
    return places.every((place) => place.file.keeps(place));
  }

  /** The bytes of these places in one piece. Rejects where the disk does. */
  async read(places: readonly LogPlace[]): Promise<Uint8Array> {
    // What was just appended may not have reached its file yet.
    while (this.#working && places.some((place) => !place.file.broken && !place.file.has(place))) await this.#working;
    const bytes = Buffer.allocUnsafeSlow(places.reduce((sum, { length }) => sum + length, 0));
    let filled = 0;
    for (let index = 0; index < places.length;) {
      const { file } = places[index]!;
      const handle = await open(file.path, 'r');
      try {
        for (let place = places[index]; place?.file === file; place = places[++index]) {
          const { bytesRead } = await handle.read(bytes, filled, place.length, place.offset);
          if (bytesRead < place.length) throw new Error(`${file.path} is shorter than what was written to it`);
          filled += place.length;
        }
      } finally {
        await handle.close();
      }
    }
    return bytes;
  }

  /** Nobody needs these places any more. */
  release(places: readonly LogPlace[]): void {
    for (const { file } of places) {
      file.used -= 1;
      if (file.used === 0 && file !== this.#current) this.#discard(file);
    }
  }

  /** Files of an earlier run of which nothing was needed. */
  discardUnused(files: readonly LogFile[]): void {
    for (const file of files) if (file.used === 0) this.#discard(file);
  }

  /** Writes and syncs what is left; files that nobody needs go. */
  async close(): Promise<void> {
    while (this.#working || this.#queue.length > 0 || [...this.#files].some(({ behind }) => behind)) {
      this.#syncWanted = true;
      this.#work();
      await this.#working;
    }
    this.#syncTimer?.();
    this.#closed = true;
    const current = this.#current;
    this.#current = undefined;
    if (current?.used === 0) this.#discard(current);
    for (const file of this.#files) await file.close();
  }

  #file(sequence: number): LogFile {
    const { dir, clock } = this.#options;
    return new LogFile(join(dir, fileName(sequence)), sequence, clock.monotonic());
  }

  #hasRoom(bytes: number): boolean {
    const { limit, clock } = this.#options;
    if (this.#state === 'down' && clock.monotonic() < this.#retryAt) return false;
    const free = limit - this.bytes;
    const enough = this.#state === 'full' ? free > limit * FREE_AGAIN : free > bytes;
    if (!enough) this.#setState('full');
    else if (this.#state === 'full') this.#setState('up');
    return enough;
  }

  #fileToAppend(): LogFile {
    const current = this.#current;
    const now = this.#options.clock.monotonic();
    if (current && !current.broken && current.size < FILE_BYTES && now - current.startedAt < FILE_MS) return current;
    this.#current = this.#file(this.#sequence++);
    this.#files.add(this.#current);
    if (current?.used === 0) this.#discard(current);
    return this.#current;
  }

  #work(): void {
    this.#working ??= this.#loop().finally(() => {
      this.#working = undefined;
      // Something may have come between the last look and here.
      if (this.#queue.length > 0) this.#work();
    });
  }

  async #loop(): Promise<void> {
    // What comes in the same turn is written together.
    await Promise.resolve();
    for (;;) {
      const file = this.#queue[0]?.file;
      if (file) await this.#write(file);
      else if (this.#syncWanted) await this.#syncAll();
      else break;
    }
    const behind = [...this.#files].some(({ behind }) => behind);
    if (!behind || this.#syncTimer || this.#closed) return;
    // Half of it: what was written just after a sync began waits for the next.
    this.#syncTimer = this.#options.clock.after(this.#options.rpo / 2, () => {
      this.#syncTimer = undefined;
      this.#syncWanted = true;
      this.#work();
    });
  }

  async #write(file: LogFile): Promise<void> {
    const count = this.#queue.findIndex((write) => write.file !== file);
    const writes = this.#queue.splice(0, count < 0 ? this.#queue.length : count);
    if (file.broken) return;
    try {
      await file.write(writes.flatMap((write) => write.buffers));
      if (this.#state === 'down') this.#setState('up');
    } catch (error) {
      this.#break(file, error);
    }
  }

  async #syncAll(): Promise<void> {
    this.#syncWanted = false;
    this.#syncTimer?.();
    this.#syncTimer = undefined;
    for (const file of [...this.#files].filter(({ behind }) => behind)) {
      try {
        await file.sync();
        if (file !== this.#current && !file.behind) await file.close();
      } catch (error) {
        this.#break(file, error);
      }
    }
  }

  /** Nothing more goes into this file; what is durable in it stays. */
  #break(file: LogFile, error: unknown): void {
    // Nobody needs it any more, and it was closed meanwhile.
    if (!this.#files.has(file)) return;
    file.break();
    this.#retryAt = this.#options.clock.monotonic() + RETRY_MS;
    this.#setState('down', error);
  }

  #discard(file: LogFile): void {
    if (this.#files.delete(file)) void file.remove();
  }

  #setState(state: LogState, error?: unknown): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state, error);
  }
}

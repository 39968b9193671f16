/**
 * The outbox: events that wait to be delivered, in files that are only appended to, so that they outlive a crash of the
 * process; a cursor says how far they have been delivered. While the disk takes nothing they wait in memory. Both are
 * bounded: beyond it the oldest are dropped and counted.
 */
import type { Clock } from 'eddy/plugin';
import type { Fsync } from '../shared/append.ts';
import { LineWriter } from '../shared/line-writer.ts';
import { CursorWriter, readCursor } from './cursor.ts';
import { readEntries, writeEntry, type Entry, type PlacedEntry } from './entry.ts';
import { OutboxFile, outboxFiles } from './outbox-file.ts';

/** A file is full at an eighth of the outbox, but at this size, bytes. */
const FILE_BYTES = 2 ** 20;
/** So much of a file is read at once; a line is shorter. */
const CHUNK = 256 * 1024;

/** Options of an {@link Outbox}. */
export interface OutboxOptions {
  readonly dir: string;
  /** The most that its files may hold, bytes. */
  readonly limit: number;
  readonly fsync: Fsync;
  readonly clock: Clock;
  /** The disk takes what it is given, or does not. */
  readonly onDisk: (up: boolean, error?: unknown) => void;
  /** So many of the oldest were dropped because there was no room. */
  readonly onDropped: (count: number) => void;
}

/** See the file's head. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #queue: LineWriter<Entry>;
  readonly #cursor: CursorWriter;
  /** The oldest first; the last one is written to while it is `#current`. */
  readonly #files: OutboxFile[] = [];
  #current: OutboxFile | undefined;
  #nextFile = 1;
  /** How far the first file has been delivered, and the entries behind that which were read already. */
  #offset = 0;
  #ahead: PlacedEntry[] = [];
  /** Delivered from memory while it was being written: passed over when it is read. */
  #deliveredId: string | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#queue = new LineWriter({
      ...options,
      fsync: () => options.fsync,
      write: () => this.#write(),
      sync: async () => this.#current?.sync(),
      onFailed: () => {
        // A new file is tried later.
        void this.#current?.close();
        this.#current = undefined;
      },
    });
    this.#cursor = new CursorWriter(options.dir);
  }

  /** How many events wait. */
  get pending(): number {
    return this.#files.reduce((sum, { count }) => sum + count, this.#queue.length);
  }

  /** Bytes of its files and of what waits to be written to them. */
  get bytes(): number {
    return this.#files.reduce((sum, { size }) => sum + size, this.#queue.bytes);
  }

  /** When the event that is delivered next happened, epoch ms; undefined where none waits. */
  get oldestAt(): number | undefined {
    return (this.#ahead[0]?.entry ?? this.#queue.first)?.at;
  }

  /** Finds what earlier runs left; `torn` lines were cut short by a crash. Never rejects. */
  async open(): Promise<{ readonly found: number; readonly torn: number }> {
    let torn = 0;
    try {
      const cursor = await readCursor(this.#options.dir);
      for (const file of await outboxFiles(this.#options.dir)) {
        this.#nextFile = file.sequence + 1;
        if (file.sequence < cursor.file) {
          await file.remove();
          continue;
        }
        const from = file.sequence === cursor.file ? cursor.offset : 0;
        if (this.#files.length === 0) this.#offset = from;
        const { entries, bad, rest } = await file.scan(from);
        file.count = entries;
        torn += bad + Number(rest > 0);
        this.#files.push(file);
      }
      // A cursor without its file: were the numbers to begin anew, it would stand in a file of other events.
      this.#nextFile = Math.max(this.#nextFile, cursor.file + 1);
    } catch (error) {
      this.#queue.failed(error);
    }
    this.#queue.open();
    return { found: this.#files.reduce((sum, { count }) => sum + count, 0), torn };
  }

  /** Never waits and never throws. */
  add(entry: Entry): void {
    this.#queue.add(writeEntry(entry), entry);
  }

  /** The event to deliver next. Rejects where a file cannot be read; it may be asked again. */
  async peek(): Promise<Entry | undefined> {
    for (;;) {
      if (this.#ahead[0]) return this.#ahead[0].entry;
      const file = this.#files[0];
      if (file && this.#offset < file.size) await this.#read(file);
      else if (file && file !== this.#current) this.#forget(file);
      else if (this.#queue.working) await this.#queue.working;
      else if (this.#queue.first && this.#queue.first.id === this.#deliveredId) this.#queue.done(1);
      else return this.#queue.first;
    }
  }

  /** This event, which `peek` gave, has been delivered, or never will be. */
  shift(entry: Entry): void {
    const [first] = this.#ahead;
    if (first?.entry === entry) {
      this.#ahead.shift();
      this.#offset = first.end;
      const [file] = this.#files;
      file!.count -= 1;
      this.#cursor.save({ file: file!.sequence, offset: first.end });
    } else if (this.#queue.first === entry && !this.#queue.working) {
      this.#queue.done(1);
    } else {
      this.#deliveredId = entry.id;
    }
  }

  /** Writes what waits, and closes. What the disk does not take is lost: their number. */
  async close(): Promise<number> {
    await this.#queue.close();
    await this.#current?.close();
    await this.#cursor.settled();
    return this.#queue.length;
  }

  async #read(file: OutboxFile): Promise<void> {
    const from = this.#offset;
    let chunk: Buffer;
    try {
      chunk = await file.read(from, Math.min(CHUNK, file.size - from));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // Somebody took it away.
      if (file === this.#files[0]) this.#drop();
      return;
    }
    // It was dropped while it was read.
    if (file !== this.#files[0]) return;
    const { entries, end } = readEntries(chunk);
    const fresh = entries.filter(({ entry }) => entry.id !== this.#deliveredId);
    file.count -= entries.length - fresh.length;
    this.#ahead = fresh.map((placed) => ({ ...placed, end: from + placed.end }));
    // Without an entry in it, it is passed over: the torn end of a run that was killed.
    if (fresh.length === 0) this.#offset = end > 0 ? from + end : from + chunk.byteLength;
  }

  /** The first file has been delivered. */
  #forget(file: OutboxFile): void {
    this.#files.shift();
    this.#offset = 0;
    this.#cursor.save({ file: this.#files[0]?.sequence ?? this.#nextFile, offset: 0 });
    void file.remove();
  }

  /** The first file goes with all that it holds. */
  #drop(): void {
    const file = this.#files[0]!;
    if (file === this.#current) this.#current = undefined;
    this.#ahead = [];
    this.#forget(file);
    if (file.count > 0) this.#options.onDropped(file.count);
  }

  async #write(): Promise<void> {
    if (this.#queue.length === 0) return;
    const file = (this.#current ??= await this.#create());
    const full = Math.min(FILE_BYTES, this.#options.limit / 8);
    const { lines: whole, error } = await file.append(this.#queue.take(full - file.size));
    this.#queue.done(whole);
    if (error) throw error;
    await this.#queue.written();
    if (file.size >= full) await this.#finish();
    while (this.bytes > this.#options.limit && this.#files.length > 1) this.#drop();
  }

  async #create(): Promise<OutboxFile> {
    const file = await OutboxFile.create(this.#options.dir, this.#nextFile++, this.#options.fsync !== 'never');
    this.#files.push(file);
    return file;
  }

  /** The current file takes nothing more. */
  async #finish(): Promise<void> {
    const file = this.#current;
    this.#current = undefined;
    if (this.#options.fsync !== 'never') await file?.sync();
    await file?.close();
  }
}

/**
 * What was taken back before its time: users, and sessions that somebody may still carry sealed. Kept in the data folder, so
 * that a restart forgives nobody.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { EddyError } from '../errors/index.ts';
import type { Clock, Logger, Revocation } from '../plugin/index.ts';
import type { SealedSession } from './seals.ts';

interface Kept {
  /** Users to whom nothing is granted. */
  readonly users: readonly Revocation[];
  /** Users whose sessions that were sealed before are void; what they still may do they can ask for anew. */
  readonly sealedBefore: readonly Revocation[];
  /** Sessions that were ended, with when no sealed text of theirs can be left. */
  readonly sessions: readonly (readonly [id: string, until: number])[];
}

/** See the file's head. */
export class Revocations {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #file: string | undefined;
  readonly #users = new Map<string, Revocation>();
  readonly #sealedBefore = new Map<string, Revocation>();
  readonly #sessions = new Map<string, number>();
  #writing: Promise<void> = Promise.resolve();
  /** The next write, while it has not begun: what comes until then goes with it. */
  #next: Promise<void> | undefined;

  constructor(clock: Clock, log: Logger, dataDir: string | undefined) {
    this.#clock = clock;
    this.#log = log;
    this.#file = dataDir === undefined ? undefined : join(dataDir, 'revocations.json');
    if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
    this.#read();
  }

  isRevoked(userId: string): boolean {
    const entry = this.#users.get(userId);
    return entry !== undefined && entry.until > this.#clock.now();
  }

  /** Whether a sealed session was taken back, by itself or with its user. */
  isEnded({ id, at, grant: { subject } }: SealedSession): boolean {
    return this.#sessions.has(id) || this.isRevoked(subject) || at <= (this.#sealedBefore.get(subject)?.since ?? -1);
  }

  list(): Revocation[] {
    const now = this.#clock.now();
    return [...this.#users.values()].filter(({ until }) => until > now);
  }

  /** Nothing is granted to this user for `ms`. */
  async revoke(userId: string, ms: number): Promise<Revocation> {
    const since = this.#clock.now();
    const entry = { userId, since, until: since + ms };
    this.#users.set(userId, entry);
    await this.#save();
    return entry;
  }

  async unrevoke(userId: string): Promise<boolean> {
    const had = this.#users.delete(userId);
    await this.#save();
    return had;
  }

  /** Sessions that this user carries are void; `until`: when none can be left, epoch ms. */
  voidSealed(userId: string, until: number): void {
    this.#sealedBefore.set(userId, { userId, since: this.#clock.now(), until });
    void this.#save();
  }

  /** This session shall not be taken up again; `until`: when no sealed text of it can be left, epoch ms. */
  end(sessionId: string, until: number): void {
    this.#sessions.set(sessionId, until);
    void this.#save();
  }

  /** Settled once all that was taken back is kept. */
  settled(): Promise<void> {
    return this.#next ?? this.#writing;
  }

  #forgetOld(): void {
    const now = this.#clock.now();
    for (const [id, until] of this.#sessions) if (until <= now) this.#sessions.delete(id);
    for (const users of [this.#users, this.#sealedBefore])
      for (const [id, { until }] of users) if (until <= now) users.delete(id);
  }

  #read(): void {
    if (this.#file === undefined) return;
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    const kept = parse(text, this.#file);
    for (const entry of kept.users) this.#users.set(entry.userId, entry);
    for (const entry of kept.sealedBefore) this.#sealedBefore.set(entry.userId, entry);
    for (const [id, until] of kept.sessions) this.#sessions.set(id, until);
  }

  /** One write at a time, each whole or not at all. */
  #save(): Promise<void> {
    this.#forgetOld();
    const file = this.#file;
    if (file === undefined) return Promise.resolve();
    this.#next ??= this.#writing = this.#writing.then(() => {
      this.#next = undefined;
      return this.#write(file);
    });
    return this.#next;
  }

  async #write(path: string): Promise<void> {
    const kept: Kept = {
      users: [...this.#users.values()],
      sealedBefore: [...this.#sealedBefore.values()],
      sessions: [...this.#sessions],
    };
    try {
      const file = await open(`${path}.new`, 'w', 0o600);
      try {
        await file.writeFile(JSON.stringify(kept));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    } catch (error) {
      // It holds for this process all the same.
      this.#log.error({ err: error, file: path }, 'a revocation could not be kept: a restart would forget it');
    }
  }
}

/** Throws REVOCATIONS_UNREADABLE: to go on without them would let in who was put out. */
function parse(text: string, file: string): Kept {
  try {
    return JSON.parse(text) as Kept;
  } catch (error) {
    throw new EddyError('REVOCATIONS_UNREADABLE', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Sealed sessions: what a viewer over HTTP carries in each URL or in a cookie instead of a token. AES-256-GCM: nobody else can
 * make, change or read one, and checking it asks nobody.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Grant } from '../contracts/index.ts';
import type { CameraId, SessionId } from '../model/index.ts';

/** What a sealed text holds. */
export interface SealedSession {
  readonly id: SessionId;
  readonly cameraId: CameraId;
  /** When it was sealed, epoch ms. */
  readonly at: number;
  /** Until when it can be opened, epoch ms. */
  readonly until: number;
  /** Until when it can be opened where nobody is there who could be asked about it again, epoch ms. */
  readonly unasked: number;
  readonly grant: Grant;
}

const NONCE = 12;
const TAG = 16;
/** Told to the cipher beside the text, so that another kind of sealed text is never taken for a session. */
const KIND = Buffer.from('eddy session 1');
/** Longer texts are no session of ours: 8 KiB is what servers take of a request line. */
const LONGEST = 6000;

/** What is sealed: it stands in every URL, so it is short. */
type Packed = readonly [
  SessionId,
  CameraId,
  at: number,
  until: number,
  unasked: number,
  subject: string,
  more: Partial<Grant>,
];

const pack = ({ id, cameraId, at, until, unasked, grant }: SealedSession): Packed => {
  const { allowed: _allowed, subject, ...more } = grant;
  return [id, cameraId, at, until, unasked, subject, more];
};

const unpack = ([id, cameraId, at, until, unasked, subject, more]: Packed): SealedSession => ({
  id,
  cameraId,
  at,
  until,
  unasked,
  grant: { ...more, allowed: true, subject },
});

/** Seals and opens sessions with one key. */
export class Seals {
  readonly #own: Buffer;
  #key: Buffer;

  /** `dataDir`: where the engine's own key is kept for the next start; undefined: it is for this process alone. */
  constructor(dataDir: string | undefined) {
    this.#own = this.#key = ownKey(dataDir);
  }

  /** The key of the pipeline from now on, or the engine's own; what was sealed with the one before can be opened no more. */
  use(secret: string | undefined): void {
    this.#key = secret === undefined ? this.#own : keyOf(secret);
  }

  seal(session: SealedSession): string {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(KIND);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(pack(session)), 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
  }

  /** Undefined for a text that was not sealed with this key. */
  open(text: string): SealedSession | undefined {
    if (text.length > LONGEST || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
    const bytes = Buffer.from(text, 'base64url');
    // The last character may have bits that mean nothing: only one text is this session's.
    if (bytes.length <= NONCE + TAG || bytes.toString('base64url') !== text) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE), { authTagLength: TAG });
    decipher.setAAD(KIND).setAuthTag(bytes.subarray(-TAG));
    try {
      const opened = Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]);
      return unpack(JSON.parse(opened.toString('utf8')) as Packed);
    } catch {
      return undefined;
    }
  }
}

/** The key that a text stands for. */
const keyOf = (secret: string): Buffer => createHash('sha256').update('eddy session key\n').update(secret).digest();

const OWN_KEY_BYTES = 32;

function ownKey(dataDir: string | undefined): Buffer {
  if (dataDir === undefined) return randomBytes(OWN_KEY_BYTES);
  const file = join(dataDir, 'session.key');
  mkdirSync(dataDir, { recursive: true });
  const kept = readOwnKey(file);
  if (kept !== undefined) return keyOf(kept);
  const made = randomBytes(OWN_KEY_BYTES).toString('base64url');
  writeFileSync(file, `${made}\n`, { mode: 0o600, flush: true });
  chmodSync(file, 0o600);
  return keyOf(made);
}

/** Undefined where there is none, or a crash left it cut: what is short could be guessed, and sessions be made with it. */
function readOwnKey(file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8').trim();
    return Buffer.from(text, 'base64url').length === OWN_KEY_BYTES ? text : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

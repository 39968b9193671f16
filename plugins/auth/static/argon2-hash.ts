/** Encoded argon2 hashes (RFC 9106 and the PHC string format), judged without computing anything. */

/** One that costs more is a mistake, and would stop everyone else's log-ins. */
const MOST_MEMORY = 256 * 1024;
const MOST_PASSES = 16;
const MOST_LANES = 16;

/** OWASP, Password Storage Cheat Sheet: 19 MiB and two passes, or as costly. */
const LEAST_WORK = 19_456 * 2;

interface Cost {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
}

const HASH =
  /^\$argon2(?:id|i|d)\$v=19\$m=(\d{1,9}),t=(\d{1,5}),p=(\d{1,5})\$[A-Za-z0-9+/]{11,88}\$[A-Za-z0-9+/]{16,172}$/;

function costOf(hash: string): Cost | undefined {
  const match = HASH.exec(hash);
  return match ? { memory: Number(match[1]), passes: Number(match[2]), lanes: Number(match[3]) } : undefined;
}

/** Why this is no hash that can be verified; never with a part of it, since it may be the password itself. */
export function problemOfHash(hash: string): string | undefined {
  const cost = costOf(hash);
  if (!cost) return 'the password is not written as an argon2 hash ($argon2id$v=19$...)';
  if (cost.passes < 1 || cost.lanes < 1 || cost.memory < 8 * cost.lanes) return 'its argon2 hash has impossible costs';
  if (cost.memory > MOST_MEMORY || cost.passes > MOST_PASSES || cost.lanes > MOST_LANES)
    return `its argon2 hash costs too much: at most m=${MOST_MEMORY},t=${MOST_PASSES},p=${MOST_LANES}`;
  return undefined;
}

/** Why a hash is easy to try passwords against. */
export function weaknessOfHash(hash: string): string | undefined {
  const { memory, passes } = costOf(hash)!;
  return memory * passes < LEAST_WORK ? `its argon2 hash is cheap (m=${memory},t=${passes})` : undefined;
}

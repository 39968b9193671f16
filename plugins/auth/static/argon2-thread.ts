/** The entry of the thread that verifies passwords. */
import { parentPort } from 'node:worker_threads';
import { argon2Verify } from 'hash-wasm';

/** A question to the thread. */
export interface ToVerify {
  readonly password: string;
  readonly hash: string;
}

/** Its answer; `error` where it could not tell. */
export interface Verified {
  readonly right: boolean;
  readonly error?: string;
}

const port = parentPort!;
const say = (answer: Verified): void => port.postMessage(answer);

port.on('message', ({ password, hash }: ToVerify) => {
  // The library refuses an empty password by throwing; it is wrong like any other.
  if (password === '') return say({ right: false });
  argon2Verify({ password, hash }).then(
    (right) => say({ right }),
    (error: unknown) => say({ right: false, error: error instanceof Error ? error.message : String(error) }),
  );
});

/** One person may have another name with each authorizer; who is revoked under one of them is revoked. */

/** Names that are remembered; the oldest are forgotten first, and then end at the next recheck or expiry. */
const REMEMBERED = 100_000;

/** See the file's head. */
export class Aliases {
  readonly #names = new Map<string, Set<string>>();

  /** Somebody whom one authorizer calls `name` was let in as `subject`. */
  add(name: string, subject: string): void {
    if (name === subject) return;
    const subjects = this.#names.get(name) ?? new Set();
    this.#names.delete(name);
    this.#names.set(name, subjects.add(subject));
    if (this.#names.size > REMEMBERED) this.#names.delete(this.#names.keys().next().value!);
  }

  /** Every subject under which somebody of this name was let in, and the name itself. */
  of(name: string): ReadonlySet<string> {
    return new Set([name, ...(this.#names.get(name) ?? [])]);
  }
}

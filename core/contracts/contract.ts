/** Typed references to services: what one plugin provides and others ask for. */

/** A service's token: its name and contract version, carrying the TypeScript type of what is asked of it. */
export interface Contract<T> {
  readonly name: string;
  readonly version: number;
  /** The same for every copy of the contract in a process: `Symbol.for('eddy/object-store@1')`. */
  readonly token: symbol;
  /** One sentence for `eddy inspect` and findings. */
  readonly summary: string;
  /**
   * Methods that register something and return the function that undoes it; a live handle makes their registrations
   * anew with a restarted provider.
   */
  readonly registers: readonly string[];
  /** Never set; carries T for the compiler. */
  readonly type?: T;
}

/** Declares a contract. Removing or changing a method raises the version; adding an optional one does not. */
export function contract<T>(
  name: string,
  version: number,
  summary: string,
  registers: readonly (keyof T & string)[] = [],
): Contract<T> {
  return { name, version, token: Symbol.for(`eddy/${name}@${version}`), summary, registers };
}

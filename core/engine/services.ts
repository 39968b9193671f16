/** Services: live handles that survive their provider's restart. */
import type { Contract } from '../contracts/index.ts';
import { EddyError } from '../errors/index.ts';

interface Registration {
  readonly method: string;
  readonly args: readonly unknown[];
  undo: (() => void) | undefined;
}

type Methods = Readonly<Record<string, unknown>>;

/**
 * The place of one provided contract. Users hold `handle`, which always speaks to the present provider; while there is
 * none, calls reject with SERVICE_RESTARTING. Registrations (routes, watchers) are made anew with the next provider.
 */
export class ServiceSlot {
  readonly contract: Contract<unknown>;
  readonly provider: string;
  readonly handle: object;
  #current: Methods | undefined;
  #last: Methods | undefined;
  readonly #registrations = new Set<Registration>();
  readonly #onError: (error: unknown) => void;
  readonly #methods = new Map<string, (...args: unknown[]) => unknown>();

  /** `onError` is told of a registration that the next provider refused; the others are made nevertheless. */
  constructor(contract: Contract<unknown>, provider: string, onError: (error: unknown) => void) {
    this.#onError = onError;
    this.contract = contract;
    this.provider = provider;
    this.handle = new Proxy(
      {},
      {
        get: (_target, property) => this.#get(property),
        has: (_target, property) => property in (this.#current ?? this.#last ?? {}),
        set: () => false,
      },
    );
  }

  /** The provider is up: registrations are made with it. */
  provide(service: object): void {
    this.#current = service as Methods;
    this.#last = this.#current;
    for (const registration of this.#registrations) {
      try {
        this.#make(registration);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  /** The provider is going. */
  withdraw(): void {
    this.#current = undefined;
    for (const registration of this.#registrations) registration.undo = undefined;
  }

  #get(property: string | symbol): unknown {
    // A handle is no promise: `await` looks for "then".
    if (typeof property === 'symbol' || property === 'then') return undefined;
    if (this.contract.registers.includes(property)) {
      const shape = this.#current ?? this.#last;
      if (shape && shape[property] === undefined) return undefined;
      return this.#method(property, (...args) => this.#register(property, args));
    }
    const shape = this.#current ?? this.#last;
    if (typeof shape?.[property] === 'function') {
      return this.#method(property, (...args) => {
        if (!this.#current) return Promise.reject(this.#restarting());
        return this.#call({ method: property, args });
      });
    }
    if (!this.#current) throw this.#restarting();
    return this.#current[property];
  }

  #method(name: string, method: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
    const known = this.#methods.get(name);
    if (known) return known;
    this.#methods.set(name, method);
    return method;
  }

  #register(method: string, args: readonly unknown[]): () => void {
    const registration: Registration = { method, args, undo: undefined };
    this.#make(registration);
    this.#registrations.add(registration);
    return () => {
      this.#registrations.delete(registration);
      registration.undo?.();
    };
  }

  /** With the present provider, if there is one and it has the method: some are optional in their contract. */
  #make(registration: Registration): void {
    if (this.#current?.[registration.method] === undefined) return;
    registration.undo = this.#call(registration) as () => void;
  }

  #call({ method, args }: { readonly method: string; readonly args: readonly unknown[] }): unknown {
    const current = this.#current!;
    return (current[method] as (...args: unknown[]) => unknown).apply(current, [...args]);
  }

  #restarting(): EddyError {
    return new EddyError('SERVICE_RESTARTING', `the service "${this.provider}" (${this.contract.name}) is restarting`);
  }
}

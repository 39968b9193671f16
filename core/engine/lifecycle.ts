/** The states of a node and of the pipeline, as one pure state machine. */

/** created → starting → running ⇄ degraded → draining → stopped; failed from any of the middle ones. */
export type State = 'created' | 'starting' | 'running' | 'degraded' | 'draining' | 'stopped' | 'failed';

/** A state that something comes to; nothing comes back to `created`. */
export type Reached = Exclude<State, 'created'>;

const NEXT: Readonly<Record<State, readonly Reached[]>> = {
  created: ['starting', 'stopped'],
  starting: ['running', 'failed', 'draining', 'stopped'],
  running: ['degraded', 'draining', 'failed', 'stopped'],
  degraded: ['running', 'draining', 'failed', 'stopped'],
  draining: ['stopped', 'failed'],
  failed: ['starting', 'draining', 'stopped'],
  stopped: [],
};

/** Whether a state may follow another. */
export function mayFollow(from: State, to: State): boolean {
  return (NEXT[from] as readonly State[]).includes(to);
}

/** Holds a state and tells of its changes. */
export class Lifecycle {
  #state: State = 'created';
  readonly #onChange: ((state: Reached, from: State) => void) | undefined;

  constructor(onChange?: (state: Reached, from: State) => void) {
    this.#onChange = onChange;
  }

  get state(): State {
    return this.#state;
  }

  is(...states: readonly State[]): boolean {
    return states.includes(this.#state);
  }

  /** Moves on; returns false, and changes nothing, where the step is not legal or is no step. */
  to(next: Reached): boolean {
    if (!mayFollow(this.#state, next)) return false;
    const from = this.#state;
    this.#state = next;
    this.#onChange?.(next, from);
    return true;
  }
}

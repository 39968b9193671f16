/** What is left when all should be gone. */
import { createHook, type AsyncHook } from 'node:async_hooks';

/** A count of what keeps this process busy, by kind: `TCPServerWrap`, `ProcessWrap`, ... */
type Census = ReadonlyMap<string, number>;

/** Kinds that come and go by themselves within a turn of the event loop; timers are watched one by one. */
const FLEETING = new Set([
  'Immediate',
  'TickObject',
  'FSReqCallback',
  'FSReqPromise',
  'CloseReq',
  'GetAddrInfoReqWrap',
  'Timeout',
]);

/** Timers of the test runner, whose comings and goings are its own. */
const RUNNER = /node_modules[/\\](?:@?vitest|tinypool|birpc|mocha|jest)/;

function census(): Census {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (!FLEETING.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  for (const event of process.eventNames()) {
    counts.set(`listener of process "${String(event)}"`, process.listenerCount(event));
  }
  return counts;
}

/** Watches for what a stretch of code leaves behind in this process. */
export class LeakWatch {
  readonly #before: Census = census();
  /** Timers by async id: where each was made. Counting them would let one that ends hide one that stays. */
  readonly #timers = new Map<number, Error>();
  readonly #hook: AsyncHook;
  #looking = false;

  constructor() {
    this.#hook = createHook({
      init: (id, type) => {
        if (type === 'Timeout' && !this.#looking) this.#timers.set(id, new Error('made here'));
      },
      destroy: (id) => void this.#timers.delete(id),
    }).enable();
  }

  /**
   * What is here now and was not at the start: `1 TCPServerWrap`, `a timer made at ...`. Handles close in their own time,
   * so it looks again for up to `patience` real ms (default 500) before it says so. The watch ends with it.
   */
  async left(patience = 500): Promise<string[]> {
    try {
      for (const since = performance.now(); ;) {
        const left = this.#left();
        if (left.length === 0 || performance.now() - since > patience) return left;
        await this.#pause();
      }
    } finally {
      this.#hook.disable();
    }
  }

  /** A little real time, by a timer that is ours. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#looking = true;
      setTimeout(resolve, 10);
      this.#looking = false;
    });
  }

  #left(): string[] {
    const handles = [...census()].flatMap(([kind, count]) => {
      const more = count - (this.#before.get(kind) ?? 0);
      return more > 0 ? [`${more} ${kind}`] : [];
    });
    const timers = [...this.#timers.values()].flatMap((made) => {
      const at = (made.stack ?? '')
        .split('\n')
        .slice(1)
        .filter((line) => !/node:|leaks\.[jt]s/.test(line));
      return at[0] === undefined || RUNNER.test(at[0]) ? [] : [`a timer made at ${at[0].trim().replace(/^at /, '')}`];
    });
    return [...handles, ...timers];
  }
}

/** How much of the machine's processors has nothing to do. */
import { cpus } from 'node:os';

/** Answers with the idle share (0 to 1) since it was asked last; 0 the first time. */
export function idleShare(read: typeof cpus = cpus): () => number {
  let before: { idle: number; all: number } | undefined;
  return () => {
    const times = read().map((cpu) => cpu.times);
    const idle = times.reduce((sum, one) => sum + one.idle, 0);
    const all = times.reduce((sum, one) => sum + one.user + one.nice + one.sys + one.irq + one.idle, 0);
    const share = before && all > before.all ? (idle - before.idle) / (all - before.all) : 0;
    before = { idle, all };
    return share;
  };
}

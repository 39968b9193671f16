/** System calls as strace recorded them: `strace -D -f -y -o FILE`. */
import { readFileSync } from 'node:fs';

/** A call; `from` and `to` are places in the record: it began after everything whose `to` is smaller than its `from`. */
export interface SystemCall {
  readonly name: string;
  readonly args: string;
  /** The path of its first argument, where that is a file descriptor or a path. */
  readonly path: string;
  readonly result: string;
  readonly from: number;
  readonly to: number;
}

/** Calls of the record that succeeded, in the order of their beginning. */
export function readSystemCalls(file: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const begun = new Map<string, { readonly text: string; readonly from: number }>();
  for (const [line, text] of readFileSync(file, 'latin1').split('\n').entries()) {
    const [, pid, rest] = /^(\d+)\s+(.*)$/.exec(text) ?? [];
    if (pid === undefined || rest === undefined) continue;
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest);
    if (unfinished) {
      begun.set(pid, { text: unfinished[1]!, from: line });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const start = resumed ? begun.get(pid) : undefined;
    const whole = resumed ? `${start?.text ?? ''}${resumed[1]}` : rest;
    const [, name, args, result] = /^(\w+)\((.*)\)\s+= (\S+)/.exec(whole) ?? [];
    if (name === undefined || args === undefined || result === undefined || result === '-1') continue;
    const path = /^(?:\d+<([^>]*)>|(?:AT_FDCWD(?:<[^>]*>)?, )?"([^"]*)")/.exec(args);
    calls.push({ name, args, path: path?.[1] ?? path?.[2] ?? '', result, from: start?.from ?? line, to: line });
  }
  return calls.sort((a, b) => a.from - b.from);
}

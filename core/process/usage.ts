/** CPU time and memory of a process, as the kernel counts them (proc(5)). */
import { readFileSync } from 'node:fs';

/** Clock ticks a second in /proc: USER_HZ, fixed at 100 by Linux's interface on every platform that Node runs on. */
const USER_HZ = 100;

/** What a child has used. */
export interface ProcessUsage {
  /** User and system time of all its threads since its start, in seconds. */
  readonly cpuSeconds: number;
  /** Resident memory in bytes. */
  readonly rssBytes: number;
}

/** Reads the usage of a process; undefined where it has gone or the system has no /proc. */
export function readUsage(pid: number): ProcessUsage | undefined {
  try {
    return parseUsage(readFileSync(`/proc/${pid}/stat`, 'latin1'), readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Usage from the texts of /proc/PID/stat and /proc/PID/status; undefined where they lack it (a zombie has no VmRSS). */
export function parseUsage(stat: string, status: string): ProcessUsage | undefined {
  // The second field is the program's name in brackets and may hold blanks and brackets of its own.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  if (!rss || !Number.isFinite(user + system)) return undefined;
  return { cpuSeconds: (user + system) / USER_HZ, rssBytes: Number(rss[1]) * 1024 };
}

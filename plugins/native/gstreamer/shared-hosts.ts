/** Places launches that may share a child: hosts are started, filled, drained and ended. */
import { EddyError, type ChildEnd, type Clock, type HostLaunch, type MediaHost, type ProcessUsage } from 'eddy/plugin';
import { checkShared, expandLaunch } from './launch.ts';
import { SharedHost, type HostWork } from './shared-host.ts';
import { Suspects } from './suspects.ts';

/** A host without launches is kept for so long, in ms: its next one starts in no time. */
const IDLE_MS = 5000;

/** Whom the hosts tell. */
export interface SharedHostsHooks {
  readonly clock: Clock;
  /** The nice value of a launch's host. */
  niceOf(spec: HostLaunch): number;
  onStart(host: string, pid: number): void;
  onUsage(host: string, usage: ProcessUsage, work: HostWork): void;
  onSlots(host: string, taken: number): void;
  onEnd(host: string, end: ChildEnd, labels: readonly string[]): void;
  onHung(host: string, label: string): void;
}

interface Entry {
  readonly host: SharedHost;
  /** Launches that may stand side by side have the same. */
  readonly company: string;
  cancelIdle: (() => void) | undefined;
}

/** See the file's head. */
export class SharedHosts {
  readonly #hooks: SharedHostsHooks;
  readonly #entries = new Set<Entry>();
  readonly #suspects: Suspects;
  #started = 0;
  #stopped = false;

  constructor(hooks: SharedHostsHooks) {
    this.#hooks = hooks;
    this.#suspects = new Suspects(() => hooks.clock.monotonic());
  }

  /** As `MediaHosts.launch`, for a launch with `share`. */
  async launch(spec: HostLaunch): Promise<MediaHost> {
    if (this.#stopped) throw new EddyError('SERVICE_RESTARTING', `host "${spec.label}": the service has stopped`);
    checkShared(spec);
    const expanded = expandLaunch(spec);
    const slots = this.#suspects.slotsFor(spec.label);
    const company = `${spec.share}/${this.#hooks.niceOf(spec)}/${slots}`;
    // The fullest first, so that others run empty and can be ended.
    const entries = [...this.#entries].filter((entry) => entry.company === company && entry.host.open);
    const entry = entries.sort((a, b) => b.host.taken - a.host.taken)[0] ?? this.#start(spec, company, slots);
    return entry.host.launch(spec, expanded);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(
      [...this.#entries].map((entry) => {
        entry.cancelIdle?.();
        return entry.host.close();
      }),
    );
  }

  #start(spec: HostLaunch, company: string, slots: number): Entry {
    const name = `${spec.share} ${++this.#started}`;
    const hooks = this.#hooks;
    const entry: Entry = {
      company,
      cancelIdle: undefined,
      host: new SharedHost({
        name,
        slots,
        nice: hooks.niceOf(spec),
        onStart: (pid) => hooks.onStart(name, pid),
        onUsage: (usage, work) => hooks.onUsage(name, usage, work),
        onChange: () => {
          if (!entry.host.ended) hooks.onSlots(name, entry.host.taken);
          this.#look(entry);
        },
        onEnd: (end, labels) => {
          if (end.cause !== 'closed') this.#suspects.failed(labels);
          hooks.onEnd(name, end, labels);
        },
        onHung: (label) => {
          this.#suspects.failed([label]);
          hooks.onHung(name, label);
        },
      }),
    };
    this.#entries.add(entry);
    return entry;
  }

  /** Forgets a host that has ended, and ends one that is empty: at once where it takes no more, else after a while. */
  #look(entry: Entry): void {
    const { host } = entry;
    entry.cancelIdle?.();
    entry.cancelIdle = undefined;
    if (host.ended) return void this.#entries.delete(entry);
    if (host.taken > 0 || this.#stopped) return;
    if (host.spent) return void host.close();
    entry.cancelIdle = this.#hooks.clock.after(IDLE_MS, () => void host.close());
  }
}

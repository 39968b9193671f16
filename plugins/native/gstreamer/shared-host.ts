/** A child that runs several launches side by side, seen from the engine. */
import {
  siblingModule,
  spawnChild,
  type Child,
  type ChildEnd,
  type HostLaunch,
  type Json,
  type ProcessUsage,
} from 'eddy/plugin';
import { slotPipe, type SharedMessage } from './control.ts';
import { HEARTBEAT, START_MS } from './limits.ts';
import { pipeOf, type ExpandedLaunch } from './launch.ts';
import type { FrameCount } from './launch-meter.ts';
import { startError } from './media-host.ts';
import { SlotUse, type SlotPort, type SlotRequest } from './slot-use.ts';

/** A Pipeline is never freed (0.3 MB, two descriptors): after so many the host takes no more. */
const MAX_USES = 200;
/** ... nor when it has grown by so many bytes, its running launches apart. */
const MAX_GROWTH = 64 * 1024 * 1024;
/** What a running launch has, in bytes (measured: 1 MB at once, 2.3 MB after a while). */
const LAUNCH_BYTES = 2.5 * 1024 * 1024;
/** Readings of memory until it is at rest: the first launches load 40 MB of libraries. */
const UNRESTED = 2;

interface Slot {
  state: 'free' | 'taken' | 'spent';
  label: string;
  /** Its launch has stalled, and may yet run out. */
  doubted: boolean;
  use: SlotUse | undefined;
}

/** What the launches of a child have done together. */
export interface HostWork extends FrameCount {
  /** Of the slowest. */
  readonly speed?: number;
  /** Of the one that is latest, ms. */
  readonly latency?: number;
}

/** What a shared host is made of, and whom it tells. */
export interface SharedHostOptions {
  /** For logs, metrics and `ps`. */
  readonly name: string;
  readonly slots: number;
  readonly nice: number;
  onStart(pid: number): void;
  onUsage(usage: ProcessUsage, work: HostWork): void;
  /** Slots were taken or freed, or it takes no more launches. */
  onChange(): void;
  /** The process has ended; `labels` are those of the launches in it. */
  onEnd(end: ChildEnd, labels: readonly string[]): void;
  /** A launch hung: it neither works nor ends. */
  onHung(label: string): void;
}

/** See the file's head. */
export class SharedHost {
  readonly name: string;
  readonly #options: SharedHostOptions;
  readonly #slots: Slot[];
  readonly #child: Promise<Child>;
  readonly #frames: FrameCount = { framesIn: 0, framesOut: 0 };
  #uses = 0;
  #readings = 0;
  #restingBytes: number | undefined;
  #draining = false;
  #ended = false;

  /** Spawns the child at once; `launch` waits for it. */
  constructor(options: SharedHostOptions) {
    this.name = options.name;
    this.#options = options;
    this.#slots = Array.from({ length: options.slots }, () => ({
      state: 'free',
      label: '',
      doubted: false,
      use: undefined,
    }));
    this.#child = this.#spawn();
    this.#child.then(
      (child) => void child.ended.then((end) => this.#childEnded(end)),
      () => this.#gone(),
    );
  }

  /** Slots that are taken, reserved ones included. */
  get taken(): number {
    return this.#slots.filter(({ state }) => state === 'taken').length;
  }

  /** True while it takes another launch. */
  get open(): boolean {
    return (
      !this.#draining &&
      this.#slots.some(({ state }) => state === 'free') &&
      !this.#slots.some(({ doubted }) => doubted)
    );
  }

  /** True when it takes no more launches, for good. */
  get spent(): boolean {
    return this.#draining || this.#slots.every(({ state }) => state === 'spent');
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Runs a launch in a free slot, which is reserved at once. Rejects as `MediaHosts.launch` does. */
  async launch(spec: HostLaunch, expanded: ExpandedLaunch): Promise<SlotUse> {
    const index = this.#slots.findIndex(({ state }) => state === 'free');
    const slot = this.#slots[index]!;
    slot.state = 'taken';
    slot.label = spec.label;
    if (++this.#uses >= MAX_USES) this.#draining = true;
    this.#options.onChange();
    let child: Child | undefined;
    try {
      child = await this.#child;
      const port = this.#port(child, index);
      // Until somebody listens: a launch without input makes frames at once.
      port.pipe.pause();
      const streams = [
        ...(spec.inputs ?? []).map(({ name }) => pipeOf('in', name)),
        ...(spec.outputs ?? []).map(({ name }) => pipeOf('out', name)),
      ];
      const fd = child.pipeFds[slotPipe(index)]!;
      await port.ask({
        op: 'launch',
        launch: expanded.describe(Object.fromEntries(streams.map((name) => [name, fd]))),
        monitor: spec.monitor ?? null,
      });
      slot.use = new SlotUse(spec, port);
      return slot.use;
    } catch (error) {
      child?.pipe(slotPipe(index)).resume();
      this.#release(slot, 'clean');
      throw startError(spec.label, error, this.#ended ? await child?.ended : undefined);
    }
  }

  /** Kills the process; its launches end with `closed`. Safe to repeat. */
  async close(): Promise<void> {
    this.#draining = true;
    const child = await this.#child.catch(() => undefined);
    await child?.close();
  }

  async #spawn(): Promise<Child> {
    const { name, slots, nice } = this.#options;
    const child = await spawnChild({
      label: name,
      entry: siblingModule('./host/shared-host', import.meta.url),
      pipes: this.#slots.map((_slot, index) => slotPipe(index)),
      // Each launch parks a thread in its bus poll and one in its monitor; the writes of ends and the loading of modules need others.
      env: { UV_THREADPOOL_SIZE: String(3 * slots + 4) },
      startTimeout: START_MS,
      heartbeat: HEARTBEAT,
      nice,
      onMessage: (message) => this.#told(message as unknown as SharedMessage),
      onUsage: (usage) => {
        for (const { use } of this.#slots) use?.onUsage(usage);
        this.#options.onUsage(usage, this.#work());
        this.#weigh(usage.rssBytes);
      },
    });
    for (const [index, slot] of this.#slots.entries()) {
      child
        .pipe(slotPipe(index))
        .on('data', (piece: Buffer) => slot.use?.take(piece))
        .on('end', () => this.#pipeEnded());
    }
    this.#options.onStart(child.pid);
    return child;
  }

  #port(child: Child, index: number): SlotPort {
    const slot = this.#slots[index]!;
    return {
      pid: child.pid,
      pipe: child.pipe(slotPipe(index)),
      frames: this.#frames,
      ask: (request: SlotRequest) => child.request({ ...request, slot: index } as unknown as Json),
      doubt: () => void (slot.doubted = true),
      release: (state) => this.#release(slot, state),
    };
  }

  #work(): HostWork {
    const uses = this.#slots.flatMap(({ use }) => (use ? [use.usage] : []));
    const speeds = uses.flatMap(({ speed }) => speed ?? []);
    const latencies = uses.flatMap(({ latency }) => latency ?? []);
    return {
      ...this.#frames,
      ...(speeds.length > 0 && { speed: Math.min(...speeds) }),
      ...(latencies.length > 0 && { latency: Math.max(...latencies) }),
    };
  }

  #told({ slot, element, message }: SharedMessage): void {
    this.#slots[slot]?.use?.failed(element, message);
  }

  #weigh(rssBytes: number): void {
    if (this.#uses === 0 || ++this.#readings <= UNRESTED) return;
    const own = rssBytes - this.taken * LAUNCH_BYTES;
    this.#restingBytes ??= own;
    if (this.#draining || own - this.#restingBytes < MAX_GROWTH) return;
    this.#draining = true;
    this.#options.onChange();
  }

  #release(slot: Slot, state: 'clean' | 'dirty' | 'hung'): void {
    slot.use = undefined;
    slot.doubted = false;
    slot.state = state === 'clean' ? 'free' : 'spent';
    if (state === 'hung') {
      this.#draining = true;
      this.#options.onHung(slot.label);
    }
    this.#options.onChange();
  }

  #pipeEnded(): void {
    for (const { use } of this.#slots) use?.abandon();
  }

  #childEnded(end: ChildEnd): void {
    const taken = this.#slots.filter(({ state }) => state === 'taken');
    this.#gone();
    this.#options.onEnd(
      end,
      taken.map(({ label }) => label),
    );
    for (const { use } of taken) use?.childEnded(end);
  }

  #gone(): void {
    this.#ended = true;
    this.#draining = true;
    this.#options.onChange();
  }
}

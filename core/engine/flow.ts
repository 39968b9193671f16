/**
 * A flow: the pipeline instantiated for one camera, from its first publication until `linger` after its last.
 */
import type { CheckedLink, CheckedNode, PadRef } from '../graph/checked.ts';
import type { CameraId, EndCause } from '../model/index.ts';
import type { CameraStatus, Clock, Logger, Report } from '../plugin/index.ts';
import { Connections, type Refusal } from './connections.ts';
import { Demand } from './demand.ts';
import { FlowPart } from './flow-part.ts';
import type { LinkMeter } from './link-meter.ts';
import type { RunningNode } from './node.ts';
import type { OutputPort, OutTrack } from './ports.ts';
import type { Publication } from './publication.ts';
import { beforeDeadline } from './scope.ts';
import { StageUses } from './stage-uses.ts';

/** How long a stage that nobody uses any more may take to pass on its last items. */
const RETIRE_MS = 5000;

/** What a flow needs of its pipeline. */
export interface FlowHost {
  readonly clock: Clock;
  links(): readonly CheckedLink[];
  /** Stages that run, in the order in which data passes them. */
  stages(): readonly RunningNode[];
  /** Stages that run on demand, whether they do now or not. */
  onDemand(): readonly CheckedNode[];
  /** The camera uses a stage that runs on demand, or no longer does. */
  used(stage: string, cameraId: CameraId, used: boolean): void;
  meter(link: CheckedLink, cameraId: CameraId): LinkMeter;
  renamed(from: CheckedLink, to: CheckedLink, cameraId: CameraId): void;
  /** False where it was told before. */
  report(report: Report, stage: string): boolean;
}

/** See the file's head. */
export class Flow {
  readonly cameraId: CameraId;
  readonly #host: FlowHost;
  readonly #log: Logger;
  readonly #parts = new Map<string, FlowPart>();
  readonly #connections: Connections;
  readonly #uses: StageUses;
  #active: Publication | undefined;
  #switching = false;
  #closed = false;

  constructor(cameraId: CameraId, host: FlowHost, log: Logger) {
    this.cameraId = cameraId;
    this.#host = host;
    this.#log = log;
    const flow = this; // eslint-disable-line @typescript-eslint/no-this-alias -- a getter below needs it
    this.#connections = new Connections({
      clock: host.clock,
      output: (pad) => this.#output(pad),
      part: (stage) => this.#parts.get(stage),
      idlePad: (pad) => this.#idle(pad.stage)?.plugin.manifest.inputs[pad.pad],
      meter: (link) => host.meter(link, cameraId),
      renamed: (from, to) => host.renamed(from, to, cameraId),
      refused: (link, track, refusal) => this.#refused(link, track, refusal),
      get settled() {
        return flow.#active !== undefined && !flow.#switching;
      },
    });
    this.#uses = new StageUses({
      clock: host.clock,
      used: (stage, used) => host.used(stage, cameraId, used),
      retire: (stage) => this.#retire(stage),
      retired: () => this.sync(),
    });
  }

  get active(): Publication | undefined {
    return this.#active;
  }

  /** Makes a publication the active one, or none: the tracks of the one before end together. */
  activate(publication: Publication | undefined, cause: EndCause): void {
    if (publication === this.#active) return;
    this.#switching = true;
    const before = this.#active;
    if (before?.ended === true) before.closePorts(cause);
    this.#active = publication;
    if (before && !before.ended) for (const port of before.outputs.values()) port.setWanted(false);
    this.#switching = false;
    this.sync();
  }

  /** Brings parts, routes, demand and links in line with the graph and the active publication. */
  sync(): void {
    if (this.#closed) return;
    const links = this.#host.links();
    this.#connections.setLinks(links);
    const reachable = this.#reachable(links);
    const running = new Map(this.#host.stages().map((node) => [node.name, node]));
    for (const [stage, part] of [...this.#parts]) {
      if (running.get(stage) !== part.node) void this.#drop(part);
    }
    // Sinks first, so that nothing is written before somebody reads.
    for (const node of [...this.#host.stages()].reverse()) {
      const due = node.spec.start === 'always' || this.#uses.has(node.name);
      if (due && !this.#parts.has(node.name) && reachable.has(node.name) && node.hasFlow) this.#open(node);
    }
    this.#uses.keepOnly(new Set(this.#host.onDemand().map(({ name }) => name)));
    this.#settle();
  }

  /** A publication's or part's output gained or lost a track. */
  outputChanged(stage: string, port: OutputPort, pads: ReadonlyMap<string, OutputPort>): void {
    if (this.#closed) return;
    for (const [pad, candidate] of pads) if (candidate === port) this.#settle({ stage, pad });
  }

  /** Passes on all that was taken in, stage by stage in the order of the data. Returns who still blocked at the deadline. */
  async drain(signal: AbortSignal): Promise<string[]> {
    const links = this.#host.links();
    const drains = new Map<string, Promise<void>>();
    const busy = new Set<string>();
    for (const part of this.#inOrder()) {
      const into = links.filter((link) => link.to.stage === part.stage).flatMap((link) => link.from);
      const before = Promise.all(into.flatMap((from) => drains.get(from.stage) ?? []));
      // Who waits for others does not block: only a stage whose sources have all drained is named.
      const drain = before.then(() => busy.add(part.stage)).then(() => this.#drainPart(part, signal));
      drains.set(
        part.stage,
        drain.then(() => void busy.delete(part.stage)),
      );
    }
    await beforeDeadline(Promise.all(drains.values()), signal);
    return [...busy];
  }

  /** The stage is going while the camera stays: its part takes nothing new and passes on what it has. */
  async drainStage(stage: string, signal: AbortSignal): Promise<boolean> {
    const part = this.#parts.get(stage);
    if (!part || this.#closed) return true;
    return beforeDeadline(this.#drainPart(part, signal), signal);
  }

  async #drainPart(part: FlowPart, signal: AbortSignal): Promise<void> {
    try {
      const drained = part.drain(() => this.#connections.drained(part), signal);
      this.#connections.release(part);
      this.#settle();
      await drained;
    } catch (error) {
      this.#log.warn({ err: error, stage: part.stage }, 'draining threw');
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#uses.keepOnly(new Set());
    this.#connections.close();
    for (const part of this.#inOrder()) await part.close();
    this.#parts.clear();
  }

  tracks(): CameraStatus['tracks'] {
    const found: CameraStatus['tracks'][number][] = [];
    const add = (stage: string, outputs: ReadonlyMap<string, OutputPort>): void => {
      for (const [pad, port] of outputs) {
        for (const track of port.tracks) {
          const caps = describeCaps(track.caps);
          found.push({ stage, pad, track: track.id, caps, links: this.#connections.describe({ stage, pad }, track) });
        }
      }
    };
    if (this.#active) add(this.#active.stage, this.#active.outputs);
    for (const part of this.#inOrder()) add(part.stage, part.outputs);
    return found;
  }

  #inOrder(): FlowPart[] {
    const order = this.#host.stages().map((node) => node.name);
    return [...this.#parts.values()].sort((a, b) => order.indexOf(a.stage) - order.indexOf(b.stage));
  }

  #output(pad: PadRef): OutputPort | undefined {
    if (this.#active?.stage === pad.stage) return this.#active.outputs.get(pad.pad);
    return this.#parts.get(pad.stage)?.outputs.get(pad.pad);
  }

  #reachable(links: readonly CheckedLink[]): Set<string> {
    const reached = new Set<string>(this.#active ? [this.#active.stage] : this.#parts.keys());
    for (let grown = true; grown;) {
      grown = false;
      for (const link of links) {
        if (reached.has(link.to.stage) || !link.from.some((from) => reached.has(from.stage))) continue;
        reached.add(link.to.stage);
        grown = true;
      }
    }
    return reached;
  }

  #open(node: RunningNode): void {
    const part = new FlowPart(node, this.cameraId, this.#host.clock, this.#log, {
      outputChanged: (changed, port) => this.outputChanged(changed.stage, port, changed.outputs),
      demandChanged: () => {
        this.#demand();
        if (this.#bringUses()) this.#settle();
      },
      closed: (closed) => {
        this.#connections.detach(closed);
        this.#settle();
      },
      reopened: () => this.#settle(),
      report: (report, stage) => this.#host.report({ ...report, cameraId: this.cameraId }, stage),
    });
    this.#parts.set(node.name, part);
    part.open();
  }

  async #drop(part: FlowPart): Promise<void> {
    this.#parts.delete(part.stage);
    this.#connections.detach(part);
    await part.close();
  }

  /** Routes, then demand, then links: an unchosen route is unwanted before its stage could see a track. */
  #settle(from?: PadRef): void {
    if (this.#closed) return;
    this.#connections.choose(from);
    this.#demand();
    this.#connections.connect(from);
    this.#demand();
    if (this.#bringUses()) this.#settle();
  }

  #demand(): void {
    if (this.#closed) return;
    const demand = this.#look();
    for (const link of this.#host.links()) this.#connections.want(link, demand.input(link.to.stage, link.to.pad));
    for (const part of this.#inOrder().reverse()) {
      for (const [pad, port] of part.outputs) port.setWanted(demand.output(part.stage, pad));
    }
    if (!this.#active) return;
    for (const [pad, port] of this.#active.outputs) port.setWanted(demand.output(this.#active.stage, pad));
  }

  #look(): Demand {
    return new Demand({
      links: () => this.#host.links(),
      part: (stage) => this.#parts.get(stage),
      idle: (stage) => this.#idle(stage),
      routeOpen: (link, from) => this.#connections.routeOpen(link, from),
    });
  }

  #idle(stage: string): CheckedNode | undefined {
    return this.#parts.has(stage) ? undefined : this.#host.onDemand().find(({ name }) => name === stage);
  }

  /**
   * Stages that run on demand: one begins where it is wanted and a track is there for it, and goes on, whatever becomes of
   * the track, until nobody has wanted it for a while. True where a part was opened.
   */
  #bringUses(): boolean {
    const specs = this.#host.onDemand();
    if (specs.length === 0 || this.#closed) return false;
    const demand = this.#look();
    let opened = false;
    for (const spec of specs) {
      const { name } = spec;
      const asking = demand.asking(spec);
      const wanted = this.#uses.has(name)
        ? asking.length > 0
        : asking.some((pad) => this.#connections.carries({ stage: name, pad }));
      this.#uses.set(spec, wanted, this.#parts.has(name));
      const node = this.#host.stages().find((running) => running.name === name);
      if (!node?.hasFlow || this.#parts.has(name) || !this.#uses.has(name)) continue;
      this.#open(node);
      opened = true;
    }
    return opened;
  }

  async #retire(stage: string): Promise<void> {
    const part = this.#parts.get(stage);
    if (!part) return;
    const deadline = new AbortController();
    const cancel = this.#host.clock.after(RETIRE_MS, () => deadline.abort());
    await beforeDeadline(this.#drainPart(part, deadline.signal), deadline.signal);
    cancel();
    if (this.#parts.get(stage) === part) await this.#drop(part);
  }

  #refused(link: CheckedLink, track: OutTrack, refusal: Refusal): void {
    const message = `${link.id} carries nothing of the track "${track.id}": ${refusal.reason}; ${refusal.mend}`;
    this.#log.warn({ code: 'LINK_INACTIVE', link: link.id, track: track.id }, message);
    this.#host.report({ code: 'LINK_INACTIVE', message, cameraId: this.cameraId }, link.to.stage);
  }
}

/** Caps as JSON: bytes are left out. */
function describeCaps(caps: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(caps as Record<string, unknown>).filter(([, value]) => !(value instanceof Uint8Array)),
  );
}

/**
 * `start: on-demand`: a node runs only while it is used: by cameras whose flows want it, and by running nodes that need
 * what it provides. One look puts every such node right, whatever changed (docs/decisions/0009, 0017).
 */
import type { CheckedNode } from '../graph/checked.ts';
import type { CameraId } from '../model/index.ts';

/** What it needs of its pipeline. */
export interface OnDemandHost {
  /** The graph's nodes, each behind those that it needs. */
  nodes(): readonly CheckedNode[];
  /** True for a node that runs, starts, or waits for its restart. */
  up(name: string): boolean;
  /** Work that must not meet an `apply` half-way. */
  serial(work: () => Promise<void>): Promise<void>;
  bringUp(spec: CheckedNode): Promise<void>;
  /** Stops nodes, in this order. */
  takeDown(names: readonly string[]): Promise<void>;
}

/** See the file's head. */
export class OnDemand {
  readonly #host: OnDemandHost;
  readonly #cameras = new Map<string, Set<CameraId>>();
  #due = false;

  constructor(host: OnDemandHost) {
    this.#host = host;
  }

  /** A camera's flow uses a stage, or no longer does. */
  use(stage: string, cameraId: CameraId, used: boolean): void {
    const cameras = this.#cameras.get(stage) ?? new Set<CameraId>();
    if (used) this.#cameras.set(stage, cameras.add(cameraId));
    else if (cameras.delete(cameraId) && cameras.size === 0) this.#cameras.delete(stage);
    this.bringInLine();
  }

  /** How many cameras use it. */
  cameras(stage: string): number {
    return this.#cameras.get(stage)?.size ?? 0;
  }

  /** True where the node is to run. */
  wanted(name: string): boolean {
    const nodes = this.#host.nodes();
    const spec = nodes.find((node) => node.name === name);
    if (!spec) return false;
    if (spec.start === 'always' || this.#cameras.has(name)) return true;
    return nodes.some((node) => Object.values(node.uses).includes(name) && this.wanted(node.name));
  }

  /** Starts what is wanted and stops what is not; soon, and once however often it is asked. */
  bringInLine(): void {
    if (this.#due || !this.#host.nodes().some((node) => node.start === 'on-demand')) return;
    this.#due = true;
    void this.#host.serial(async () => {
      this.#due = false;
      const nodes = this.#host.nodes().filter((node) => node.start === 'on-demand');
      const idle = nodes.filter(({ name }) => this.#host.up(name) && !this.wanted(name)).map(({ name }) => name);
      if (idle.length > 0) await this.#host.takeDown(idle.reverse());
      for (const spec of nodes) if (this.wanted(spec.name) && !this.#host.up(spec.name)) await this.#host.bringUp(spec);
    });
  }
}

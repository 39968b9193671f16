/** Demand goes up from the consumers: an output that nobody wants is not produced. One look at a camera's flow. */
import type { CheckedLink, CheckedNode, PadRef } from '../graph/checked.ts';
import type { FlowPart } from './flow-part.ts';

/** What a look at demand needs of its flow. */
export interface DemandHost {
  links(): readonly CheckedLink[];
  part(stage: string): FlowPart | undefined;
  /** A stage that runs on demand and has no part in this flow now: its pads tell what it would want. */
  idle(stage: string): CheckedNode | undefined;
  routeOpen(link: CheckedLink, from: PadRef): boolean;
}

/** Answers hold for one moment: make a new one for the next look. */
export class Demand {
  readonly #host: DemandHost;
  readonly #known = new Map<string, boolean>();

  constructor(host: DemandHost) {
    this.#host = host;
  }

  /** Whether the input asks its source to work. */
  input(stage: string, pad: string): boolean {
    const part = this.#host.part(stage);
    if (part && !part.isOpen) return false;
    const spec = part?.node.spec ?? this.#host.idle(stage);
    return spec !== undefined && this.#asks(spec, pad, part);
  }

  /** Whether anybody wants the output. */
  output(stage: string, pad: string): boolean {
    const key = `${stage}.${pad}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, false);
    const wanted = this.#host
      .links()
      .some((link) => this.#host.routeOpen(link, { stage, pad }) && this.input(link.to.stage, link.to.pad));
    this.#known.set(key, wanted);
    return wanted;
  }

  /** Inputs by which a stage that runs on demand would take what comes, whether it is open or not. */
  asking(spec: CheckedNode): string[] {
    return Object.keys(spec.plugin.manifest.inputs).filter((pad) => this.#asks(spec, pad, this.#host.part(spec.name)));
  }

  #asks(spec: CheckedNode, pad: string, part: FlowPart | undefined): boolean {
    const { inputs, outputs } = spec.plugin.manifest;
    const input = inputs[pad];
    if (!input) return false;
    const reached = Object.entries(outputs).filter(([, output]) => (output.reachedBy ?? [pad]).includes(pad));
    const demand = input.demand ?? (Object.keys(outputs).length > 0 ? 'follow' : 'always');
    if (demand === 'always') return true;
    if (demand === 'manual') return part?.inputs.get(pad)?.manualDemand ?? false;
    return reached.some(([name]) => this.output(spec.name, name));
  }
}

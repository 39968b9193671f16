/**
 * The links of one flow: which route each takes, which tracks it carries, and why not the others. It is level-triggered:
 * whatever changed (a track, a route, a part, a publication, the graph), the same look at a link puts it right.
 */
import type { CheckedLink, PadRef } from '../graph/checked.ts';
import { matchCaps, type ActualCaps } from '../graph/caps.ts';
import type { EndCause } from '../model/index.ts';
import type { Clock, InputPad } from '../plugin/index.ts';
import type { FlowPart } from './flow-part.ts';
import type { LinkMeter } from './link-meter.ts';
import { LinkTrack } from './link-track.ts';
import type { InputPort, OutputPort, OutTrack } from './ports.ts';

/** Why a link does not carry a track. */
export interface Refusal {
  readonly reason: string;
  readonly mend: string;
}

interface Connection {
  readonly track: OutTrack;
  readonly link: LinkTrack;
  readonly part: FlowPart;
  readonly input: InputPort;
}

interface LinkState {
  spec: CheckedLink;
  readonly meter: LinkMeter;
  /** Index of the route taken; undefined while no route carries a track. */
  route: number | undefined;
  readonly connections: Map<OutTrack, Connection>;
  readonly refused: Map<OutTrack, Refusal>;
  /** Tracks that have ended here, for what replaces them: id and kind. */
  readonly past: { id: string; kind: string | undefined; link: LinkTrack }[];
}

/** What connections need of their flow. */
export interface ConnectionsHost {
  readonly clock: Clock;
  output(pad: PadRef): OutputPort | undefined;
  part(stage: string): FlowPart | undefined;
  /** The pad of a stage that runs on demand and does not now: links to it are judged as if it did. */
  idlePad(pad: PadRef): InputPad | undefined;
  meter(link: CheckedLink): LinkMeter;
  /** A link goes on under another id: so does its meter. */
  renamed(from: CheckedLink, to: CheckedLink): void;
  /** A track does not fit a link: said once. */
  refused(link: CheckedLink, track: OutTrack, refusal: Refusal): void;
  /** False while the active publication is changing: then no alternative route is newly taken. */
  readonly settled: boolean;
}

const sameTarget = (a: CheckedLink, b: CheckedLink): boolean =>
  a.to.stage === b.to.stage && a.to.pad === b.to.pad && a.type === b.type && a.queue === b.queue && a.full === b.full;

const kindOf = (track: OutTrack): string | undefined => (track.caps as ActualCaps).kind;

/** See the file's head. */
export class Connections {
  readonly #host: ConnectionsHost;
  readonly #links = new Map<string, LinkState>();
  /** Links that carry nothing new but still deliver what they hold. */
  readonly #leaving = new Set<Connection>();

  constructor(host: ConnectionsHost) {
    this.#host = host;
  }

  /** Takes the graph's links: those that are gone are cut, new ones are looked at by the next sync. */
  setLinks(specs: readonly CheckedLink[]): void {
    const ids = new Set(specs.map((spec) => spec.id));
    this.#rename(specs, ids);
    for (const [id, state] of this.#links) {
      if (ids.has(id)) continue;
      for (const connection of [...state.connections.values()]) this.#release(state, connection, 'stopped');
      this.#links.delete(id);
    }
    for (const spec of specs) {
      const known = this.#links.get(spec.id);
      const same = known && known.spec.queue === spec.queue && known.spec.full === spec.full;
      for (const connection of known && !same ? [...known.connections.values()] : []) {
        this.#release(known!, connection, 'replaced');
      }
      if (known && same) continue;
      this.#links.set(spec.id, {
        spec,
        meter: this.#host.meter(spec),
        route: undefined,
        connections: new Map(),
        refused: new Map(),
        past: known?.past ?? [],
      });
    }
  }

  /**
   * A link whose routes alone have changed keeps what it carries: `a | b -> c` that becomes `a | b | x -> c` must not
   * interrupt the cameras that come by `a`.
   */
  #rename(specs: readonly CheckedLink[], ids: ReadonlySet<string>): void {
    for (const [id, state] of [...this.#links]) {
      if (ids.has(id)) continue;
      const before = state.spec;
      const heir = specs.find((spec) => !this.#links.has(spec.id) && sameTarget(spec, before));
      if (!heir) continue;
      const taken = state.route === undefined ? undefined : before.from[state.route];
      const route = heir.from.findIndex((from) => from.stage === taken?.stage && from.pad === taken.pad);
      state.spec = heir;
      state.route = route < 0 ? undefined : route;
      this.#links.delete(id);
      this.#links.set(heir.id, state);
      this.#host.renamed(before, heir);
    }
  }

  /** Looks at every link, or at those that have this pad as a route. */
  choose(from?: PadRef): void {
    for (const state of this.#affected(from)) state.route = this.#bestRoute(state);
  }

  /** Connects and cuts, after `choose` and the demand that follows from it. */
  connect(from?: PadRef): void {
    for (const state of this.#affected(from)) this.#sync(state);
  }

  /** True where this output is a route that the link takes, or might take since no better one carries a track. */
  routeOpen(spec: CheckedLink, from: PadRef): boolean {
    const route = this.#links.get(spec.id)?.route;
    const index = spec.from.findIndex((ref) => ref.stage === from.stage && ref.pad === from.pad);
    return index >= 0 && (route === undefined || index <= route);
  }

  /** True where some link brings a track to the pad, or would if its stage ran. */
  carries(to: PadRef): boolean {
    const into = [...this.#links.values()].filter(({ spec }) => spec.to.stage === to.stage && spec.to.pad === to.pad);
    return into.some((state) => state.route !== undefined);
  }

  /** Demand reaches the link: what nobody wants is not passed. */
  want(spec: CheckedLink, wanted: boolean): void {
    for (const connection of this.#links.get(spec.id)?.connections.values() ?? []) connection.link.want(wanted);
  }

  /** The part is gone: cuts every link into it. */
  detach(part: FlowPart): void {
    for (const state of this.#links.values()) {
      for (const connection of [...state.connections.values()])
        if (connection.part === part) this.#cut(state, connection);
    }
    for (const { link, part: into } of [...this.#leaving]) if (into === part) link.close();
  }

  /** The part is going: its links carry nothing new, and deliver what they hold. */
  release(part: FlowPart): void {
    for (const state of this.#links.values()) {
      for (const connection of [...state.connections.values()])
        if (connection.part === part) this.#release(state, connection, 'stopped');
    }
  }

  /** How each of a track's links fares, for the API. */
  describe(
    from: PadRef,
    track: OutTrack,
  ): { to: string; active: boolean; code?: string; reason?: string; mend?: string }[] {
    return this.#affected(from).map((state) => {
      const to = `${state.spec.to.stage}.${state.spec.to.pad}`;
      if (state.connections.has(track)) return { to, active: true };
      const refusal = state.refused.get(track);
      if (refusal) return { to, active: false, code: 'LINK_INACTIVE', ...refusal };
      const taken = state.route === undefined ? undefined : state.spec.from[state.route];
      const other = taken && (taken.stage !== from.stage || taken.pad !== from.pad);
      return {
        to,
        active: false,
        reason: other ? `this camera takes the route ${taken.stage}.${taken.pad}` : this.#whyClosed(state.spec.to),
      };
    });
  }

  #whyClosed(to: PadRef): string {
    const idle = this.#host.idlePad(to) !== undefined;
    return idle ? `${to.stage} runs on demand, and nobody wants it now` : `${to.stage}.${to.pad} is not running`;
  }

  /** Settles when every link into the part has delivered what it holds; what nobody reads is given up. */
  async drained(part: FlowPart): Promise<void> {
    const into = [...this.#links.values()].flatMap((state) => [...state.connections.values()]);
    const links = [...into, ...this.#leaving].filter((connection) => connection.part === part);
    for (const { link, input } of links) if (!input.hasListener) link.close();
    await Promise.all(links.map(({ link }) => link.done));
  }

  close(): void {
    for (const state of this.#links.values()) {
      for (const connection of [...state.connections.values()]) this.#cut(state, connection);
    }
    for (const { link } of [...this.#leaving]) link.close();
  }

  #affected(from: PadRef | undefined): LinkState[] {
    const all = [...this.#links.values()];
    if (!from) return all;
    return all.filter((state) => state.spec.from.some((ref) => ref.stage === from.stage && ref.pad === from.pad));
  }

  #input(state: LinkState): { part: FlowPart; input: InputPort } | undefined {
    const part = this.#host.part(state.spec.to.stage);
    const input = part?.inputs.get(state.spec.to.pad);
    return part?.isOpen && !part.leaving && input ? { part, input } : undefined;
  }

  #fitting(state: LinkState, from: PadRef, pad: InputPad): OutTrack[] {
    const fitting: OutTrack[] = [];
    for (const track of this.#host.output(from)?.tracks ?? []) {
      if (track.ended) continue;
      const match = matchCaps(pad, track.caps);
      if (match.fits) {
        fitting.push(track);
      } else if (!state.refused.has(track)) {
        state.refused.set(track, { reason: match.reason, mend: match.mend });
        this.#host.refused(state.spec, track, match);
      }
    }
    return fitting;
  }

  #bestRoute(state: LinkState): number | undefined {
    const pad = this.#input(state)?.input.pad ?? this.#host.idlePad(state.spec.to);
    if (!pad) return state.route;
    for (const [index, from] of state.spec.from.entries()) {
      if (this.#fitting(state, from, pad).length === 0) continue;
      const alternative = state.spec.from.length > 1 && index !== state.route;
      return alternative && !this.#host.settled ? state.route : index;
    }
    return undefined;
  }

  #sync(state: LinkState): void {
    const target = this.#input(state);
    const from = state.route === undefined ? undefined : state.spec.from[state.route];
    const desired = new Set(target && from ? this.#fitting(state, from, target.input.pad) : []);
    for (const connection of [...state.connections.values()]) {
      if (connection.track.ended) this.#retire(state, connection);
      else if (!desired.has(connection.track)) this.#release(state, connection, 'replaced');
    }
    for (const track of [...state.refused.keys()]) if (track.ended) state.refused.delete(track);
    if (!target) return;
    for (const track of desired) {
      if (!state.connections.has(track) && !track.ended && !target.part.isOpen) break;
      if (!state.connections.has(track) && !track.ended) this.#connect(state, track, target.part, target.input);
    }
  }

  #connect(state: LinkState, track: OutTrack, part: FlowPart, input: InputPort): void {
    const { spec, meter } = state;
    const link = new LinkTrack(
      { queueMs: spec.queue, full: spec.full, resync: track.started || spec.type === 'frames' },
      meter,
      {
        monotonic: () => this.#host.clock.monotonic(),
        onReaderError: (error) => part.fail(error),
        onRoom: () => track.roomMade(),
        requestKeyFrame: () => track.begin(link),
        onWanted: () => track.lookAtDemand(),
      },
    );
    track.links.set(state, link);
    track.lookAtDemand();
    state.connections.set(track, { track, link, part, input });
    const before = this.#predecessor(state, track);
    input.attach(
      {
        id: track.id,
        caps: track.caps,
        clock: track.clock,
        replaces: before?.id,
        requestKeyFrame: () => track.requestKeyFrame(),
        want: (wanted) => link.readerWants(wanted),
      },
      link,
      before?.link,
      (error) => part.fail(error),
    );
    if (track.started) track.begin(link);
  }

  /** The ended track whose place a new one takes: of the same id, else the only one of its kind. */
  #predecessor(state: LinkState, track: OutTrack): { id: string; link: LinkTrack } | undefined {
    const sameId = state.past.findIndex((past) => past.id === (track.replaced ?? track.id));
    const sameKind = state.past.filter((past) => past.kind === kindOf(track));
    const index = sameId >= 0 ? sameId : sameKind.length === 1 ? state.past.indexOf(sameKind[0]!) : -1;
    return index < 0 ? undefined : state.past.splice(index, 1)[0];
  }

  #release(state: LinkState, connection: Connection, cause: EndCause): void {
    connection.link.end(cause);
    this.#retire(state, connection);
  }

  /** Lets go of a connection whose link may still deliver what it holds. */
  #retire(state: LinkState, connection: Connection): void {
    const { track, link } = connection;
    if (!link.isDone) {
      this.#leaving.add(connection);
      void link.done.then(() => this.#leaving.delete(connection));
    }
    state.connections.delete(track);
    track.links.delete(state);
    track.lookAtDemand();
    const again = state.past.findIndex((past) => past.id === track.id);
    if (again >= 0) state.past.splice(again, 1);
    state.past.push({ id: track.id, kind: kindOf(track), link });
    if (state.past.length > 16) state.past.shift();
  }

  #cut(state: LinkState, connection: Connection): void {
    connection.link.close();
    this.#retire(state, connection);
  }
}

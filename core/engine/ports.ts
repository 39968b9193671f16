/** Ports of a flow: output pads with their tracks, input pads with their readers. */
import { EddyError } from '../errors/index.ts';
import type { DiscontinuityCause, EndCause, GapCause, TrackId } from '../model/index.ts';
import type {
  AddTrackOptions,
  AnyMediaType,
  Clock,
  FlowInput,
  FlowOutput,
  InputPad,
  InputTrack,
  ItemOf,
  OutputPad,
  SyncClock,
  TrackCapsOf,
  TrackReader,
  TrackWriter,
} from '../plugin/index.ts';
import type { LinkTrack } from './link-track.ts';
import { measure, type Measure } from './media-types.ts';

/** Key frame requests of one track are joined over this many ms. */
const KEY_FRAME_WINDOW_MS = 300;

/** What an output port tells its owner. */
export interface OutputHooks {
  /** Tracks came or went: links must be looked at again. */
  changed(): void;
  /** Sees every item before the links do (publications feed their wall clock with it). */
  observe?(track: OutTrack, measure: Measure, item: unknown): void;
  /** A listener of the stage threw: that is the stage's failure, not that of whoever set it off. */
  failed(error: unknown): void;
}

/** One track of an output port: what the stage holds as its writer. */
export class OutTrack implements TrackWriter<AnyMediaType> {
  readonly id: TrackId;
  readonly caps: TrackCapsOf<AnyMediaType>;
  readonly clock: SyncClock;
  /** The track whose place it took: by name, since a line of tracks that replace each other has no end. */
  readonly replaced: TrackId | undefined;
  /** By the link that they belong to. */
  readonly links = new Map<object, LinkTrack>();
  /** True once an item was written: links made later must wait for a place to begin. */
  started = false;
  #ended = false;
  /** The newest item, where it is no part of a stream but how things stand: an rtp handle. */
  #standing: ItemOf<AnyMediaType> | undefined;
  readonly #port: OutputPort;
  readonly #keyFrameListeners = new Set<() => void>();
  readonly #wantedListeners = new Set<(wanted: boolean) => void>();
  #wanted = false;
  #lastKeyRequest = -Infinity;
  #cancelRequest: (() => void) | undefined;
  /** Shared by all who wait for room. */
  #room: PromiseWithResolvers<void> | undefined;

  constructor(
    port: OutputPort,
    id: TrackId,
    caps: TrackCapsOf<AnyMediaType>,
    clock: SyncClock,
    replaced: TrackId | undefined,
  ) {
    this.#port = port;
    this.id = id;
    this.caps = caps;
    this.clock = clock;
    this.replaced = replaced;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get wanted(): boolean {
    return this.#wanted;
  }

  onWanted(listener: (wanted: boolean) => void): () => void {
    this.#wantedListeners.add(listener);
    return () => this.#wantedListeners.delete(listener);
  }

  get pressure(): number {
    let most = 0;
    for (const link of this.links.values()) most = Math.max(most, link.pressure);
    return most;
  }

  write(item: ItemOf<AnyMediaType>): boolean {
    if (this.#ended) return false;
    const weight = this.#weigh(item);
    let room = true;
    for (const link of this.links.values()) room = link.push(item, weight) && room;
    return room;
  }

  async ready(): Promise<void> {
    while (!this.#ended && [...this.links.values()].some((link) => !link.hasRoom)) {
      this.#room ??= Promise.withResolvers<void>();
      await this.#room.promise;
    }
  }

  async deliver(item: ItemOf<AnyMediaType>): Promise<void> {
    if (this.#ended) return;
    const weight = this.#weigh(item);
    const finished: Promise<void>[] = [];
    for (const link of this.links.values()) {
      if (link.acknowledges) finished.push(this.#acknowledged(link, item, weight));
      else link.push(item, weight);
    }
    await Promise.all(finished);
  }

  #acknowledged(link: LinkTrack, item: ItemOf<AnyMediaType>, weight: Measure): Promise<void> {
    return new Promise((resolve, reject) => {
      link.push(item, weight, (dropped) => {
        if (dropped === undefined) resolve();
        else
          reject(
            new EddyError('DELIVERY_FAILED', `a consumer did not finish with the item: ${dropped}`, {
              details: { dropped },
            }),
          );
      });
    });
  }

  discontinuity(cause: DiscontinuityCause): void {
    for (const link of this.links.values()) link.discontinuity(cause);
  }

  gap(from: number, to: number, cause: GapCause): void {
    for (const link of this.links.values()) link.gap(from, to, cause);
  }

  end(cause: EndCause = 'publisher-ended'): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelRequest?.();
    this.#keyFrameListeners.clear();
    this.#wantedListeners.clear();
    // A copy: a reader's end may end a track of its own, which makes the flow look at its links and let go of ours.
    for (const link of [...this.links.values()]) link.end(cause);
    this.roomMade();
    this.#port.removed(this);
  }

  onKeyFrameRequest(listener: () => void): () => void {
    this.#keyFrameListeners.add(listener);
    return () => this.#keyFrameListeners.delete(listener);
  }

  /** Called by links: at once, or at the end of the running window. */
  requestKeyFrame(): void {
    if (this.#ended || this.#cancelRequest || this.#keyFrameListeners.size === 0) return;
    const clock = this.#port.clock;
    const wait = this.#lastKeyRequest + KEY_FRAME_WINDOW_MS - clock.monotonic();
    const ask = (): void => {
      this.#cancelRequest = undefined;
      this.#lastKeyRequest = clock.monotonic();
      for (const listener of [...this.#keyFrameListeners]) this.#port.call(listener);
    };
    if (wait <= 0) ask();
    else this.#cancelRequest = clock.after(wait, ask);
  }

  /** A link begins late, or is wanted again: it is told how things stand, or begins at the next key frame. */
  begin(link: LinkTrack): void {
    if (this.#standing !== undefined)
      link.push(this.#standing, measure(this.#port.pad.type, this.#standing, this.caps));
    else this.requestKeyFrame();
  }

  /** Called by links: demand for this track may have changed. */
  lookAtDemand(): void {
    const wanted = !this.#ended && [...this.links.values()].some((link) => link.wanted);
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    for (const listener of [...this.#wantedListeners]) this.#port.call(() => listener(wanted));
  }

  roomMade(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #weigh(item: ItemOf<AnyMediaType>): Measure {
    const weight = measure(this.#port.pad.type, item, this.caps);
    this.#port.hooks.observe?.(this, weight, item);
    this.started = true;
    if (this.#port.pad.type === 'rtp') this.#standing = item;
    return weight;
  }
}

/** An output pad of one flow part or publication. */
export class OutputPort implements FlowOutput<AnyMediaType> {
  readonly pad: OutputPad;
  readonly clock: Clock;
  readonly hooks: OutputHooks;
  readonly tracks = new Set<OutTrack>();
  readonly #defaultClock: SyncClock | undefined;
  readonly #listeners = new Set<(wanted: boolean) => void>();
  #wanted = false;

  constructor(pad: OutputPad, clock: Clock, hooks: OutputHooks, defaultClock?: SyncClock) {
    this.pad = pad;
    this.clock = clock;
    this.hooks = hooks;
    this.#defaultClock = defaultClock;
  }

  get wanted(): boolean {
    return this.#wanted;
  }

  onWanted(listener: (wanted: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  setWanted(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    for (const listener of [...this.#listeners]) this.call(() => listener(wanted));
  }

  addTrack(id: TrackId, caps: TrackCapsOf<AnyMediaType>, options: AddTrackOptions = {}): TrackWriter<AnyMediaType> {
    const replaced = options.replaces as OutTrack | undefined;
    for (const track of this.tracks) {
      if (track.id === id && track !== replaced)
        throw new TypeError(`the track "${id}" exists; end it, or name it in "replaces"`);
    }
    const clock = options.clock ?? options.from?.clock ?? replaced?.clock ?? this.#defaultClock;
    if (!clock) throw new TypeError(`the track "${id}" needs "from": the input track that it is made of; or "clock"`);
    const track = new OutTrack(this, id, caps, clock, replaced?.id);
    this.tracks.add(track);
    replaced?.end('replaced');
    this.hooks.changed();
    return track;
  }

  /** Calls into the stage's own code. */
  call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.hooks.failed(error);
    }
  }

  removed(track: OutTrack): void {
    if (this.tracks.delete(track)) this.hooks.changed();
  }

  /** Ends every track; used when the part or publication goes. */
  close(cause: EndCause): void {
    for (const track of [...this.tracks]) track.end(cause);
    this.#listeners.clear();
  }
}

/** An input pad of one flow part. */
export class InputPort implements FlowInput<AnyMediaType> {
  readonly pad: InputPad;
  readonly #onDemand: () => void;
  #listener: ((track: InputTrack<AnyMediaType>) => TrackReader<AnyMediaType>) | undefined;
  #manual = false;
  #waiting: (() => void)[] = [];

  constructor(pad: InputPad, onDemand: () => void) {
    this.pad = pad;
    this.#onDemand = onDemand;
  }

  /** What `want()` said last. */
  get manualDemand(): boolean {
    return this.#manual;
  }

  onTrack(listener: (track: InputTrack<AnyMediaType>) => TrackReader<AnyMediaType>): void {
    if (this.#listener) throw new TypeError('an input has one onTrack listener');
    this.#listener = listener;
    for (const attach of this.#waiting.splice(0)) attach();
  }

  /** True once the stage reads here. */
  get hasListener(): boolean {
    return this.#listener !== undefined;
  }

  want(wanted: boolean): void {
    if (wanted === this.#manual) return;
    this.#manual = wanted;
    this.#onDemand();
  }

  /** Shows a track to the stage, once the one whose place it takes has ended. */
  attach(
    track: InputTrack<AnyMediaType>,
    link: LinkTrack,
    after: LinkTrack | undefined,
    onError: (error: unknown) => void,
  ): void {
    const attach = (): void => {
      if (link.isDone) return;
      if (!this.#listener) {
        this.#waiting.push(attach);
        return;
      }
      try {
        link.setReader(this.#listener(track));
      } catch (error) {
        link.close();
        onError(error);
      }
    };
    if (!after || after.isDone) attach();
    else void after.done.then(attach);
  }
}

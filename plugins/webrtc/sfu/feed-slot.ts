/**
 * A camera's frames as one stream in the SFU: one track, or the rungs of a ladder as its simulcast layers. The stream is made when the first
 * viewer wants it, survives a track being replaced, and is made anew when its worker dies or a layer joins: whoever publishes
 * notices none of this, and viewers change over at a key frame.
 */
import { MediaError } from 'eddy/media';
import {
  Backoff,
  type AccessUnit,
  type CameraId,
  type Clock,
  type EndCause,
  type FlowOutput,
  type InputTrack,
  type Logger,
  type RtpFeed,
  type RtpHandle,
  type RtpParameters,
  type RtpRouters,
  type SyncClock,
  type TrackWriter,
} from 'eddy/plugin';
import { FeedLayer } from './feed-layer.ts';

/** How long the track that replaces another may take to come, ms. */
const REPLACED_WITHIN_MS = 1000;
/** Rungs of a ladder come one after another within so long, ms; then the stream is made anew with all of them. */
const JOIN_MS = 500;
/** How long the stream of before is still fed, ms: viewers change over at a key frame of the new one. */
const RETIRE_MS = 5000;
/** Who chose a lower layer is shown the one that they leave until a key frame of the lower one: the longest GOP of a ladder, ms. */
const LEAVE_MS = 10_000;

/** What a slot is made of. */
export interface FeedSlotOptions {
  readonly kind: 'video' | 'audio';
  readonly id: string;
  readonly track: InputTrack<'frames'>;
  readonly cameraId: CameraId;
  readonly out: FlowOutput<'rtp'>;
  readonly routers: RtpRouters;
  readonly clock: Clock;
  readonly log: Logger;
  report(code: string, message: string): void;
  /** True while others than viewers want the track's frames. */
  othersWant(): boolean;
  /** Called once. */
  onEnd(): void;
}

/** A stream in the SFU, and the layers that it was made with. */
interface Fed {
  readonly feed: RtpFeed;
  readonly layers: readonly FeedLayer[];
}

export class FeedSlot {
  readonly kind: 'video' | 'audio';
  readonly id: string;
  readonly #options: FeedSlotOptions;
  readonly #writer: TrackWriter<'rtp'>;
  readonly #backoff = new Backoff({ min: 100, max: 5000 });
  #layers: FeedLayer[] = [];
  #fed: Fed | undefined;
  /** What viewers come from. */
  #retiring: (Fed & { readonly cancel: () => void }) | undefined;
  #opening = false;
  #cancelRetry: (() => void) | undefined;
  #cancelOrphan: (() => void) | undefined;
  #cancelJoin: (() => void) | undefined;
  #cancelLeave: (() => void) | undefined;
  #wanted = false;
  #ended = false;

  constructor(options: FeedSlotOptions) {
    this.#options = options;
    this.kind = options.kind;
    this.id = options.id;
    const codec = options.kind === 'video' ? 'h264' : 'opus';
    const clockRate = options.kind === 'video' ? 90_000 : 48_000;
    // There before its handle is, so that gateways know of the camera before anyone watches it.
    const caps = { kind: options.kind, codec, clockRate, layers: 1 } as const;
    this.#writer = options.out.addTrack(options.id, caps, { from: options.track });
    this.take(options.track);
  }

  /** True while no track feeds it, and another may take the place of those it had. */
  get orphaned(): boolean {
    return !this.#ended && this.#layers.every(({ track }) => track === undefined);
  }

  /** True where it carries pictures of this publication, whose tracks are renditions of one camera. */
  carries(clock: SyncClock): boolean {
    return this.kind === 'video' && !this.#ended && this.#layers.some(({ track }) => track?.clock === clock);
  }

  /** Sends this track from now on: as a layer that lost its own, or as a layer more. */
  take(track: InputTrack<'frames'>): void {
    this.#cancelOrphan?.();
    // Layers of a ladder that is gone are no layers of the track that comes alone.
    if (this.orphaned) this.#layers.splice(1);
    let layer = this.#layers.find((each) => each.track === undefined);
    if (!layer) this.#layers.push((layer = new FeedLayer(this.kind, this.#options.cameraId)));
    const taken = layer;
    if (!this.#fed?.layers.includes(taken)) taken.taken = true;
    this.#guard(taken, () => taken.begin(track));
    this.lookAtDemand();
    if (this.#fed && !this.#isWhole(this.#fed)) this.#joinSoon();
  }

  /** Whether any viewer wants it. A stream that exists is kept: it costs nothing while no packet is sent. */
  want(wanted: boolean): void {
    this.#wanted = wanted;
    for (const layer of this.#layers) layer.resync = true;
    if (wanted) this.#open();
  }

  /** Tells each track whether anyone wants it: viewers by their choice of layers, or others. */
  lookAtDemand(): void {
    const others = this.#options.othersWant();
    for (const { track, taken } of this.#layers) track?.want(taken || others);
  }

  item(track: InputTrack<'frames'>, unit: AccessUnit): void {
    const layer = this.#layerOf(track);
    if (!layer || this.#ended) return;
    if (this.kind === 'video' && !layer.inOrder(unit)) return this.#refuse();
    const to = [this.#fed, this.#retiring].flatMap((fed) => (fed?.layers.includes(layer) ? [fed.feed] : []));
    if (to.length === 0 || !this.#wanted || (layer.resync && !unit.key)) return;
    const { sender } = layer;
    const { timedFrom } = sender;
    this.#guard(layer, () => {
      for (const packet of sender.packets(unit)) for (const feed of to) feed.send(packet);
      layer.resync = false;
    });
    if (sender.timedFrom !== timedFrom && this.#fed) this.#writer.write(this.#handleOf(this.#fed));
    const report = sender.report(this.#options.clock.now());
    if (report) for (const feed of to) feed.sendRtcp(report);
  }

  /** The timeline of its frames breaks. */
  discontinuity(track: InputTrack<'frames'>): void {
    const layer = this.#layerOf(track);
    if (layer) this.#guard(layer, () => layer.begin(track));
  }

  trackEnded(track: InputTrack<'frames'>, cause: EndCause): void {
    const layer = this.#layerOf(track);
    if (!layer) return;
    layer.track = undefined;
    if (!this.orphaned) return;
    if (cause !== 'replaced') return this.end(cause);
    this.#cancelOrphan = this.#options.clock.after(REPLACED_WITHIN_MS, () => this.end('publisher-ended'));
  }

  /** Safe to repeat. */
  end(cause: EndCause): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelRetry?.();
    this.#cancelOrphan?.();
    this.#cancelJoin?.();
    this.#cancelLeave?.();
    this.#writer.end(cause);
    // Let go of first: a feed that we close ourselves is not one that was lost.
    const fed = this.#fed;
    this.#fed = undefined;
    fed?.feed.close();
    this.#retire(undefined);
    this.#options.onEnd();
  }

  #layerOf(track: InputTrack<'frames'>): FeedLayer | undefined {
    return this.#layers.find((layer) => layer.track === track);
  }

  /** True where every layer that has a track is one of the stream's. */
  #isWhole({ layers }: Fed): boolean {
    return this.#layers.every((layer) => layer.track === undefined || layers.includes(layer));
  }

  #joinSoon(): void {
    this.#cancelJoin?.();
    this.#cancelJoin = this.#options.clock.after(JOIN_MS, () => {
      if (this.#fed && !this.#isWhole(this.#fed)) this.#open(true);
    });
  }

  #open(again = false): void {
    if (this.#opening || (this.#fed && !again) || this.#ended) return;
    this.#opening = true;
    const { routers, cameraId } = this.#options;
    // Lowest first, as the SFU counts layers.
    const layers = this.#layers.filter(({ track }) => track !== undefined).toSorted((a, b) => a.size - b.size);
    if (layers.length === 0) layers.push(...this.#layers.slice(0, 1));
    routers.feed(cameraId, this.kind, parametersOf(layers)).then(
      (feed) => this.#opened({ feed, layers }),
      (error: unknown) => {
        this.#opening = false;
        this.#options.log.warn({ err: error, track: this.id }, 'the stream for WebRTC viewers could not be made');
        this.#retry();
      },
    );
  }

  #opened(fed: Fed): void {
    const { feed, layers } = fed;
    this.#opening = false;
    if (this.#ended) return feed.close();
    const before = this.#fed;
    this.#fed = fed;
    this.#retire(before);
    // Of the layers that go on, viewers of the stream of before still need every picture.
    for (const layer of layers) if (!before?.layers.includes(layer)) layer.resync = true;
    const since = this.#options.clock.monotonic();
    feed.onKeyFrameRequest(() => this.#requestKeyFrames(layers));
    feed.onHighestLayer((highest) => this.#takeUpTo(fed, highest));
    feed.onClosed((cause) => {
      if (this.#retiring?.feed === feed) this.#retire(undefined);
      if (this.#fed !== fed) return;
      this.#takeUpTo(fed, undefined);
      this.#fed = undefined;
      this.#options.log.warn({ cause, track: this.id }, 'the stream for WebRTC viewers is gone and is made anew');
      this.#writer.discontinuity('restarted');
      this.#retry(this.#options.clock.monotonic() - since);
    });
    if (this.#fed !== fed) return; // it was gone already
    this.#writer.write(this.#handleOf(fed));
    this.#requestKeyFrames(layers);
    if (!this.#isWhole(fed)) this.#joinSoon();
  }

  /** Of what nobody consumes yet nobody knows what will be taken: then all of it may be. */
  #takeUpTo(fed: Fed, highest: number | undefined): void {
    if (this.#fed !== fed) return;
    const isTaken = (index: number): boolean => highest === undefined || index <= highest;
    const take = (taken: (index: number, before: boolean) => boolean): void => {
      for (const [index, layer] of fed.layers.entries()) layer.taken = taken(index, layer.taken);
      this.lookAtDemand();
    };
    this.#cancelLeave?.();
    take((index, before) => before || isTaken(index));
    if (fed.layers.some(({ taken }, index) => taken && !isTaken(index)))
      this.#cancelLeave = this.#options.clock.after(LEAVE_MS, () => take(isTaken));
  }

  #requestKeyFrames(layers: readonly FeedLayer[]): void {
    for (const { track } of layers) track?.requestKeyFrame();
  }

  /** Feeds this one on for a while; whoever was fed on until now is not any more. */
  #retire(fed: Fed | undefined): void {
    const old = this.#retiring;
    this.#retiring = undefined;
    old?.cancel();
    old?.feed.close();
    if (!fed) return;
    const cancel = this.#options.clock.after(RETIRE_MS, () => this.#retire(undefined));
    this.#retiring = { ...fed, cancel };
  }

  #handleOf({ feed, layers }: Fed): RtpHandle {
    const lines = this.kind === 'video' ? { lines: layers.map((layer) => layer.lines) } : {};
    return { ...feed.handle, ...lines, timedFrom: layers.at(-1)!.sender.timedFrom };
  }

  #retry(heldFor = 0): void {
    if (this.#ended || !this.#wanted) return;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#options.clock.after(this.#backoff.next(heldFor), () => this.#open());
  }

  /** Pictures that are shown in another order than they are sent: WebRTC players cannot. */
  #refuse(): void {
    this.#options.report('B_FRAMES', `${this.id}: the camera sends B-frames, which WebRTC does not have`);
    this.end('failed');
  }

  /** Bad bytes are dropped; pictures go on at the next key frame. */
  #guard(layer: FeedLayer, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      layer.resync = true;
      this.#options.report('BAD_MEDIA', `${this.id}: ${error.message}`);
    }
  }
}

/** One codec for all layers, and an encoding for each. */
function parametersOf(layers: readonly FeedLayer[]): RtpParameters {
  const { rtpParameters } = layers[0]!.sender;
  if (layers.length === 1) return rtpParameters;
  return { ...rtpParameters, encodings: layers.map(({ sender }, index) => ({ ssrc: sender.ssrc, rid: `l${index}` })) };
}

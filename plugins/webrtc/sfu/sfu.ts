/** The stage: for each camera, its tracks in, and what viewers and packagers get of them. */
import type { Context, Flow, InputTrack, Running, SyncClock, TrackReader } from 'eddy/plugin';
import { FeedSlot } from './feed-slot.ts';
import type { manifest } from './plugin.ts';
import { PassThrough } from './pass-through.ts';
import { PublisherTime } from './publisher-time.ts';
import { TapSource } from './tap-source.ts';

type Manifest = typeof manifest;
type MediaKind = 'video' | 'audio';

/** How often streams that have paused are looked at, ms: no packet of theirs tells that it is time to give up others. */
const SWEEP_MS = 100;

export function create(ctx: Context<Manifest>): Running<Manifest> {
  return {
    flow: (flow) => {
      const camera = new CameraSfu(ctx, flow);
      camera.open();
      return { drain: async () => camera.end() };
    },
  };
}

/** One camera. */
class CameraSfu {
  readonly #ctx: Context<Manifest>;
  readonly #flow: Flow<Manifest>;
  readonly #slots = new Set<FeedSlot>();
  readonly #passing = new Set<PassThrough>();
  readonly #sources = new Set<TapSource>();
  /** Each WebRTC publication's time, by the clock that its input tracks share. */
  readonly #times = new WeakMap<SyncClock, PublisherTime>();
  readonly #told = new Set<string>();

  constructor(ctx: Context<Manifest>, flow: Flow<Manifest>) {
    this.#ctx = ctx;
    this.#flow = flow;
  }

  open(): void {
    const { in: from, out, scope } = this.#flow;
    out.out.onWanted((wanted) => this.#slots.forEach((slot) => slot.want(wanted)));
    for (const kind of ['video', 'audio'] as const) {
      out[kind].onWanted((wanted) => {
        for (const each of [...this.#passing, ...this.#sources]) if (each.kind === kind) each.want(wanted);
        for (const slot of this.#slots) if (slot.kind === kind) slot.lookAtDemand();
      });
      from[kind].onTrack((track) => this.#readFrames(kind, track));
    }
    from.rtp.onTrack((track) => this.#readHandles(track));
    scope.add(
      this.#ctx.clock.every(SWEEP_MS, () => {
        for (const source of this.#sources) source.sweep();
      }),
    );
    scope.add(() => this.end());
  }

  /** Lets go of everything; safe to repeat. */
  end(): void {
    for (const each of [...this.#slots, ...this.#passing, ...this.#sources]) each.end('stopped');
    for (const set of [this.#slots, this.#passing, this.#sources]) set.clear();
  }

  #readFrames(kind: MediaKind, track: InputTrack<'frames'>): TrackReader<'frames'> {
    const slot = this.#slotFor(kind, track);
    const passing = new PassThrough(kind, track, this.#flow.out[kind]);
    this.#passing.add(passing);
    passing.want(this.#flow.out[kind].wanted);
    return {
      item: (unit) => {
        slot.item(track, unit);
        passing.item(unit);
      },
      discontinuity: (cause) => {
        slot.discontinuity(track);
        passing.discontinuity(cause);
      },
      gap: (begin, end, cause) => passing.gap(begin, end, cause),
      end: (cause) => {
        passing.end(cause);
        this.#passing.delete(passing);
        slot.trackEnded(track, cause);
      },
    };
  }

  /**
   * A track that takes the place of another goes on in its stream, so that viewers see no more than a new key frame; another rendition of a
   * camera is a layer of its stream.
   */
  #slotFor(kind: MediaKind, track: InputTrack<'frames'>): FeedSlot {
    const alike = [...this.#slots].filter((slot) => slot.kind === kind);
    const own = alike.find((slot) => slot.orphaned) ?? alike.find((slot) => slot.carries(track.clock));
    if (own) {
      own.take(track);
      return own;
    }
    const { cameraId, out, log } = this.#flow;
    const slot: FeedSlot = new FeedSlot({
      kind,
      track,
      cameraId,
      out: out.out,
      id: this.#freeId(track.id),
      routers: this.#ctx.services.routers,
      clock: this.#ctx.clock,
      log,
      report: (code, message) => this.#report(code, message),
      othersWant: () => this.#flow.out[kind].wanted,
      onEnd: () => this.#slots.delete(slot),
    });
    this.#slots.add(slot);
    slot.want(out.out.wanted);
    return slot;
  }

  #readHandles(track: InputTrack<'rtp'>): TrackReader<'rtp'> {
    const { out, log } = this.#flow;
    const { kind } = track.caps;
    // Only one publication is active: what the one before left behind makes room.
    for (const slot of this.#slots) if (slot.kind === kind && slot.orphaned) slot.end('replaced');
    const forwarded = out.out.addTrack(this.#freeId(track.id), track.caps, { from: track });
    let refused = false;
    const source = new TapSource({
      track,
      port: out[kind],
      time: this.#timeOf(track.clock),
      routers: this.#ctx.services.routers,
      clock: this.#ctx.clock,
      metrics: this.#ctx.metrics,
      log,
      keyFrames: this.#ctx.config['key-frames'],
      wait: this.#ctx.config.wait,
      report: (code, message) => this.#report(code, message),
      // Packagers can show them.
      onBFrames: () => {
        if (refused) return;
        refused = true;
        this.#report('B_FRAMES', `${track.id}: the camera sends B-frames, which WebRTC does not have`);
        forwarded.end('failed');
      },
    });
    this.#sources.add(source);
    source.want(out[kind].wanted);
    return {
      item: (handle) => {
        if (!refused) forwarded.write(handle);
        source.take(handle);
      },
      discontinuity: (cause) => {
        if (!refused) forwarded.discontinuity(cause);
      },
      end: (cause) => {
        source.end(cause);
        this.#sources.delete(source);
        if (!refused) forwarded.end(cause);
      },
    };
  }

  #timeOf(clock: SyncClock): PublisherTime {
    let time = this.#times.get(clock);
    if (!time) {
      time = new PublisherTime(() =>
        this.#flow.log.warn({}, "the publisher's clock jumped by more than half a second"),
      );
      this.#times.set(clock, time);
    }
    return time;
  }

  /** Two publications, or an input of frames and one of handles, may both have a `video` while one gives way to the other. */
  #freeId(wanted: string): string {
    const taken = new Set([...this.#slots].map(({ id }) => id).concat([...this.#sources].map(({ id }) => id)));
    let id = wanted;
    for (let n = 2; taken.has(id); n++) id = `${wanted}.${n}`;
    return id;
  }

  /** Once a camera and code. */
  #report(code: string, message: string): void {
    if (this.#told.has(code)) return;
    this.#told.add(code);
    this.#flow.report({ code: `webrtc.sfu/${code}`, message });
  }
}

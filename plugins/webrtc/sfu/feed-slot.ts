/**
 * A camera's frames as one stream in the SFU. The stream is made when the first viewer wants it, survives the track being
 * replaced, and is made anew when its worker dies: whoever publishes notices none of this.
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
  type RtpRouters,
  type TrackWriter,
} from 'eddy/plugin';
import { FrameSender } from './frame-sender.ts';

/** How long the track that replaces another may take to come, ms. */
const REPLACED_WITHIN_MS = 1000;

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
  /** Called once. */
  onEnd(): void;
}

export class FeedSlot {
  readonly kind: 'video' | 'audio';
  readonly id: string;
  readonly #options: FeedSlotOptions;
  readonly #sender: FrameSender;
  readonly #writer: TrackWriter<'rtp'>;
  readonly #backoff = new Backoff({ min: 100, max: 5000 });
  #track: InputTrack<'frames'> | undefined;
  #feed: RtpFeed | undefined;
  #opening = false;
  #cancelRetry: (() => void) | undefined;
  #cancelOrphan: (() => void) | undefined;
  #wanted = false;
  #ended = false;
  /** Pictures are dropped until a key frame. */
  #resync = true;
  #lastPts = -Infinity;

  constructor(options: FeedSlotOptions) {
    this.#options = options;
    this.kind = options.kind;
    this.id = options.id;
    this.#sender = new FrameSender(options.kind, options.cameraId);
    const codec = options.kind === 'video' ? 'h264' : 'opus';
    const clockRate = options.kind === 'video' ? 90_000 : 48_000;
    // There before its handle is, so that gateways know of the camera before anyone watches it.
    const caps = { kind: options.kind, codec, clockRate, layers: 1 } as const;
    this.#writer = options.out.addTrack(options.id, caps, { from: options.track });
    this.take(options.track);
  }

  /** True while the track that it had is gone, and another may take its place. */
  get orphaned(): boolean {
    return this.#track === undefined && !this.#ended;
  }

  /** Sends this track from now on. */
  take(track: InputTrack<'frames'>): void {
    this.#cancelOrphan?.();
    this.#track = track;
    this.discontinuity(track);
  }

  /** Whether any viewer wants it. A stream that exists is kept: it costs nothing while no packet is sent. */
  want(wanted: boolean): void {
    this.#wanted = wanted;
    this.#resync = true;
    if (wanted) this.#open();
  }

  item(track: InputTrack<'frames'>, unit: AccessUnit): void {
    if (track !== this.#track || this.#ended) return;
    if (this.kind === 'video') {
      if (unit.pts < this.#lastPts) return this.#refuse();
      this.#lastPts = unit.pts;
    }
    const feed = this.#feed;
    if (!feed || !this.#wanted || (this.#resync && !unit.key)) return;
    const { timedFrom } = this.#sender;
    this.#guard(() => {
      for (const packet of this.#sender.packets(unit)) feed.send(packet);
      this.#resync = false;
    });
    if (this.#sender.timedFrom !== timedFrom) this.#writer.write(this.#handleOf(feed));
    const report = this.#sender.report(this.#options.clock.now());
    if (report) feed.sendRtcp(report);
  }

  /** The timeline of its frames breaks. */
  discontinuity(track: InputTrack<'frames'>): void {
    if (track !== this.#track) return;
    this.#lastPts = -Infinity;
    this.#resync = true;
    this.#guard(() => this.#sender.begin(track));
  }

  trackEnded(track: InputTrack<'frames'>, cause: EndCause): void {
    if (track !== this.#track) return;
    this.#track = undefined;
    if (cause !== 'replaced') return this.end(cause);
    this.#cancelOrphan = this.#options.clock.after(REPLACED_WITHIN_MS, () => this.end('publisher-ended'));
  }

  /** Safe to repeat. */
  end(cause: EndCause): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelRetry?.();
    this.#cancelOrphan?.();
    this.#writer.end(cause);
    // Let go of first: a feed that we close ourselves is not one that was lost.
    const feed = this.#feed;
    this.#feed = undefined;
    feed?.close();
    this.#options.onEnd();
  }

  #open(): void {
    if (this.#opening || this.#feed || this.#ended) return;
    this.#opening = true;
    const { routers, cameraId } = this.#options;
    routers.feed(cameraId, this.kind, this.#sender.rtpParameters).then(
      (feed) => this.#opened(feed),
      (error: unknown) => {
        this.#opening = false;
        this.#options.log.warn({ err: error, track: this.id }, 'the stream for WebRTC viewers could not be made');
        this.#retry();
      },
    );
  }

  #opened(feed: RtpFeed): void {
    this.#opening = false;
    if (this.#ended) return feed.close();
    this.#feed = feed;
    this.#resync = true;
    const since = this.#options.clock.monotonic();
    feed.onKeyFrameRequest(() => this.#track?.requestKeyFrame());
    feed.onClosed((cause) => {
      if (this.#feed !== feed) return;
      this.#feed = undefined;
      this.#options.log.warn({ cause, track: this.id }, 'the stream for WebRTC viewers is gone and is made anew');
      this.#writer.discontinuity('restarted');
      this.#retry(this.#options.clock.monotonic() - since);
    });
    if (this.#feed !== feed) return; // it was gone already
    this.#writer.write(this.#handleOf(feed));
    this.#track?.requestKeyFrame();
  }

  #handleOf({ handle }: RtpFeed): RtpHandle {
    return { ...handle, timedFrom: this.#sender.timedFrom };
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
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#resync = true;
      this.#options.report('BAD_MEDIA', `${this.id}: ${error.message}`);
    }
  }
}

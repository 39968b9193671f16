/** One publisher's media messages as tracks of its publication. */
import { parseFlvAudio, parseFlvVideo, readFlvMetadata, type FlvMetadata, type MediaError } from 'eddy/media';
import type { Clock, Publication, Report, TrackWriter } from 'eddy/plugin';
import { decodeAmf0, isAmfObject } from './amf0.ts';
import { AudioFeed } from './audio-feed.ts';
import type { MediaKind, MediaMessage } from './parser.ts';
import type { manifest } from './plugin.ts';
import { RtmpRefusal } from './refusal.ts';
import { Timeline } from './timeline.ts';
import { RTMP_TIMESCALE, type FeedHooks, type FrameSink } from './track-feed.ts';
import { VideoFeed } from './video-feed.ts';

/** The same finding is told again only after this long. */
const REPORT_EVERY_MS = 10_000;

/** What a feed tells its connection. */
export interface FeedEvents {
  /** A message was dropped; `reason` is a label of the counter. */
  dropped(reason: string): void;
  /** A writer is full: the socket is to wait for its `ready()`. */
  full(writer: TrackWriter<'frames'>): void;
  report(report: Omit<Report, 'cameraId'>): void;
}

/** Turns messages into items. It throws an RtmpRefusal for bytes that contradict their format. */
export class Feed implements FeedHooks {
  readonly #publication: Publication<typeof manifest>;
  readonly #clock: Clock;
  readonly #events: FeedEvents;
  readonly #timeline = new Timeline();
  readonly #video: VideoFeed;
  readonly #audio: AudioFeed;
  readonly #reported = new Map<string, number>();
  #data: TrackWriter<'frames'> | undefined;
  #lastData = -Infinity;
  #metadata: FlvMetadata = {};

  constructor(publication: Publication<typeof manifest>, clock: Clock, events: FeedEvents) {
    this.#publication = publication;
    this.#clock = clock;
    this.#events = events;
    this.#video = new VideoFeed(publication.out.video, this);
    this.#audio = new AudioFeed(publication.out.audio, this);
  }

  get metadata(): FlvMetadata {
    return this.#metadata;
  }

  /** Takes one message. */
  take({ kind, timestamp, body }: MediaMessage): void {
    if (body.length === 0 && kind !== 'video') return this.drop('empty');
    const arrivedAt = this.#clock.now();
    if (kind === 'data') return this.#takeData(body, this.#timeline.placeScript(timestamp), arrivedAt);
    const { ms, jumpedBy } = this.#timeline.place(kind, timestamp, this.#clock.monotonic());
    if (jumpedBy !== undefined) this.#jumped(kind, jumpedBy);
    if (kind === 'video') this.#takeFlv(this.#video, parseFlvVideo(body), ms, arrivedAt);
    else this.#takeFlv(this.#audio, parseFlvAudio(body), ms, arrivedAt);
  }

  drop(reason: string): void {
    this.#events.dropped(reason);
  }

  full(writer: TrackWriter<'frames'>): void {
    this.#events.full(writer);
  }

  report(code: string, message: string): void {
    const now = this.#clock.monotonic();
    if (now - (this.#reported.get(code) ?? -Infinity) < REPORT_EVERY_MS) return;
    this.#reported.set(code, now);
    this.#events.report({ code: `ingest.rtmp/${code}`, message });
  }

  #takeFlv<M extends { readonly type: string }>(
    feed: FrameSink<M>,
    message: M | { readonly type: 'refused'; readonly error: MediaError },
    ms: number,
    arrivedAt: number,
  ): void {
    if (message.type !== 'refused') return feed.take(message as M, ms, arrivedAt);
    const { error } = message as { error: MediaError };
    if (error.code !== 'MEDIA_UNSUPPORTED') throw new RtmpRefusal('media-malformed', error.message);
    this.drop('codec-unsupported');
    this.report('CODEC_UNSUPPORTED', error.message);
  }

  #takeData(body: Uint8Array, ms: number, arrivedAt: number): void {
    const [first, ...rest] = decodeAmf0(body);
    const [name, value] = first === '@setDataFrame' ? rest : [first, ...rest];
    if (name === 'onMetaData' && isAmfObject(value)) this.#metadata = readFlvMetadata(value);
    const output = this.#publication.out.data;
    if (!output.wanted) return;
    this.#data ??= output.addTrack('data', { kind: 'data', codec: 'amf', timescale: RTMP_TIMESCALE });
    this.#lastData = Math.max(ms, this.#lastData);
    const item = { dts: this.#lastData, pts: this.#lastData, key: true, data: body, arrivedAt };
    if (!this.#data.write(item)) this.full(this.#data);
  }

  #jumped(kind: MediaKind, by: number): void {
    for (const track of [this.#video.writer, this.#audio.writer, this.#data]) track?.discontinuity('clock-jumped');
    this.report('TIMESTAMP_JUMP', `timestamps of ${kind} jumped by ${by} ms`);
  }
}

/** One input track: measures it, puts its units on the camera's timeline, and keeps those that cannot be placed yet. */
import { buildInitSegment, opusPacketDuration, parseAacConfig } from 'eddy/media';
import type { AccessUnit, AudioCaps, ChunkCaps, SyncClock, TrackId, VideoCaps } from 'eddy/plugin';
import type { FollowState } from './cut-window.ts';
import { PartWriter, type PartWriterOptions, type TimedUnit } from './part-writer.ts';
import { measureRate, partTargetOf, type VideoRate } from './rate.ts';
import { AudioTiming, VideoTiming } from './timing.ts';

/** A unit on the timeline. */
export interface QueuedUnit extends TimedUnit {
  /** Decode time on the camera's timeline, ms. */
  readonly at: number;
  /** The first unit after a start or a loss: a segment must begin with it. */
  readonly starts: boolean;
}

/** What a track asks of its segmenter. */
export interface TrackHost {
  readonly partSeconds: number;
  readonly segmentSeconds: number;
  /** Seconds; the part target that this track id already has in the camera's playlist. */
  fixedPartTarget(id: TrackId): number | undefined;
  /** Where on the timeline (ms) a moment of server time lies. */
  anchor(wall: number): number;
  /** The timeline's present distance from server time, by this track's newest unit. */
  observe(track: SegmentTrack, wall: number, at: number): void;
  /** Timestamps went back by more than a hiccup. */
  clockWentBack(track: SegmentTrack): void;
  opened(
    track: SegmentTrack,
    caps: ChunkCaps,
  ): Omit<PartWriterOptions, 'timescale' | 'partTarget' | 'constant' | 'stretch'>;
}

/** Frames after which the rate is taken as measured, and the time after which fewer are enough. */
const PROBE_UNITS = 9;
const PROBE_SECONDS = 1.2;
/** A frame that comes so many times later than its neighbours do is no slow one: the source paused. */
const PAUSE_FRAMES = 4;
/** Timestamps that go back by less are a hiccup of the source, which its frames are squeezed past. */
const HICCUP_SECONDS = 1;

export class SegmentTrack {
  readonly id: TrackId;
  readonly caps: VideoCaps | AudioCaps;
  readonly clock: SyncClock;
  /** Units that wait for the leading track to pass them. */
  readonly queue: QueuedUnit[] = [];
  /** Set once the track is measured and its output is open. */
  writer: PartWriter | undefined;
  timescale = 0;
  partTarget = 0;
  frameTicks = 0;
  constant = true;
  /** Output is dropped until a unit comes with which decoding can begin. */
  resync = true;
  /** Of a publication that is gone: nothing more of it is taken. */
  stale = false;
  /** Where this track was when the leader was last heard of, ms; undefined while it leads or has just been passed. */
  unheardSince: number | undefined;
  /** How far the leader was when this track was last heard of, ms; undefined while nobody else led since. */
  heardAt: number | undefined;
  /** How far this track itself has come, ms on the timeline. */
  cameTo = -Infinity;
  /** The first key frame that no boundary was near to, while there is no segment; ms on the timeline. */
  waitingSince: number | undefined;
  /** Breaks of the source's timeline that this track has told of. */
  marks = 0;
  readonly #host: TrackHost;
  readonly #aacFrame: number | undefined;
  #probe: AccessUnit[] = [];
  #video: VideoTiming | undefined;
  #audio: AudioTiming | undefined;
  #origin: number | undefined;
  #delay = 0;
  #lastDts = -Infinity;

  constructor(id: TrackId, caps: VideoCaps | AudioCaps, clock: SyncClock, host: TrackHost) {
    this.id = id;
    this.caps = caps;
    this.clock = clock;
    this.#host = host;
    this.#aacFrame =
      caps.kind === 'audio' && caps.codec === 'aac' ? parseAacConfig(caps.config).frameLength : undefined;
  }

  /** Takes a unit in; `route` is given each that now has its place on the timeline, in decode order. */
  take(unit: AccessUnit, route: (unit: QueuedUnit) => void): void {
    if (this.writer) {
      this.#place(unit, route);
    } else {
      this.#probe.push(unit);
      if (this.#measured()) this.#start(route);
    }
  }

  /** Too little came to tell a rate, and a part target once told stays: it is dropped. */
  forget(): void {
    this.#probe = [];
  }

  /** Opens the output with what was measured; `route` is given the units that waited for it. */
  #start(route: (unit: QueuedUnit) => void): void {
    const units = this.#probe;
    this.#probe = [];
    const { caps } = this;
    const rate = caps.kind === 'video' ? this.#startVideo(units, caps) : this.#startAudio(units, caps);
    const chunkCaps: ChunkCaps = {
      kind: caps.kind,
      codec: caps.codec,
      codecString: caps.codecString,
      timescale: this.timescale,
      init: buildInitSegment({ caps, timescale: this.timescale }),
      segmentTarget: this.#host.segmentSeconds,
      partTarget: this.partTarget,
      ...(caps.kind === 'video'
        ? { width: caps.width, height: caps.height, ...(rate?.frameRate && { frameRate: rate.frameRate }) }
        : { sampleRate: caps.sampleRate, channels: caps.channels, ...(caps.language && { language: caps.language }) }),
      ...(caps.bitrate && { bitrate: caps.bitrate }),
    };
    this.writer = new PartWriter({
      ...this.#host.opened(this, chunkCaps),
      timescale: this.timescale,
      partTarget: this.partTarget,
      constant: this.constant,
      stretch: caps.kind === 'video',
    });
    for (const unit of units) this.#place(unit, route);
  }

  /** A break: what comes next is placed anew on the timeline (`reanchor`) or where its timestamps say. */
  cut(reanchor: boolean): void {
    this.resync = true;
    this.waitingSince = undefined;
    this.#audio?.reset();
    if (!reanchor) return;
    this.#origin = undefined;
    this.#lastDts = -Infinity;
    if (this.caps.kind === 'video' && this.#video) this.#video = new VideoTiming(this.caps.timescale, this.#rate!);
  }

  /** How things stand for it where it follows; it must be measured. */
  followState(): FollowState {
    const { segment, lastNumber, end } = this.writer!;
    return {
      queue: this.queue,
      segment: segment && { number: segment.boundary.number, startAt: this.ms(segment.startDts) },
      lastNumber,
      endAt: this.ms(end),
      frameMs: this.ms(this.frameTicks),
      waitingSince: this.waitingSince,
    };
  }

  /** Ticks as ms on the timeline. */
  ms(ticks: number): number {
    return (ticks / this.timescale) * 1000;
  }

  #rate: VideoRate | undefined;

  #startVideo(units: readonly AccessUnit[], caps: VideoCaps): VideoRate {
    const rate = measureRate(
      units.map((unit) => unit.dts),
      caps.timescale,
      caps.frameRate,
    );
    this.#rate = rate;
    this.#video = new VideoTiming(caps.timescale, rate);
    this.timescale = rate.timescale;
    this.frameTicks = rate.frameTicks;
    this.constant = rate.constant;
    const slowest = Math.max(rate.frameTicks, ...rate.grid) / rate.timescale;
    this.partTarget =
      this.#host.fixedPartTarget(this.id) ?? partTargetOf(slowest, this.#host.partSeconds, rate.constant);
    return rate;
  }

  #startAudio(units: readonly AccessUnit[], caps: AudioCaps): undefined {
    this.timescale = caps.sampleRate;
    this.#audio = new AudioTiming(caps.timescale, caps.sampleRate);
    this.frameTicks = this.#audioFrame(units[0]!);
    const seconds = this.frameTicks / this.timescale;
    this.partTarget = this.#host.fixedPartTarget(this.id) ?? partTargetOf(seconds, this.#host.partSeconds, true);
    return undefined;
  }

  #measured(): boolean {
    if (this.caps.kind === 'video' && this.#mayHavePaused()) return false;
    const span = (this.#probe.at(-1)!.dts - this.#probe[0]!.dts) / this.caps.timescale;
    // Where a timeline begins its server time is written down for good.
    if (this.clock.settled === false && span < PROBE_SECONDS) return false;
    if (this.caps.kind === 'audio') return true;
    return this.#probe.length >= PROBE_UNITS || (span >= PROBE_SECONDS && this.#probe.length > 1);
  }

  /**
   * True while the newest frame came so late that only the next one tells whether the source is slow, or paused while it was
   * measured: a browser sends one picture of a simulcast layer, and the rest once its line carries it. What came before a
   * pause is dropped then, for the pause is not how long a frame lasts.
   */
  #mayHavePaused(): boolean {
    const distance = (index: number): number =>
      (this.#probe.at(index)!.dts - this.#probe.at(index - 1)!.dts) / this.caps.timescale;
    const units = this.#probe.length;
    if (units < 2) return false;
    const newest = distance(-1);
    const before = units > 2 ? distance(-2) : undefined;
    if (before !== undefined && before > PROBE_SECONDS && before > PAUSE_FRAMES * newest)
      this.#probe.splice(0, units - 2);
    return newest > PROBE_SECONDS && (before === undefined || newest > PAUSE_FRAMES * before);
  }

  #audioFrame(unit: AccessUnit): number {
    return this.#aacFrame ?? opusPacketDuration(unit.data);
  }

  #place(unit: AccessUnit, route: (unit: QueuedUnit) => void): void {
    const placed = this.caps.kind === 'video' ? this.#placeVideo(unit) : this.#placeAudio(unit);
    if (placed) route(placed);
  }

  #placeVideo(unit: AccessUnit): QueuedUnit | undefined {
    const mapped = this.#video!.map(unit.dts, unit.pts);
    if (this.resync && !unit.key) return undefined;
    const wall = this.#wall(unit);
    if (
      this.#origin !== undefined &&
      mapped.dts + this.#origin + this.#delay <= this.#lastDts - HICCUP_SECONDS * this.timescale
    ) {
      this.#host.clockWentBack(this);
      if (!unit.key) return undefined;
    }
    const starts = this.resync;
    if (this.#origin === undefined) {
      // A key frame is decoded when it is shown: offsets of B-frames come out negative, and the start of a segment is
      // the same moment in both times.
      this.#delay = mapped.pts - mapped.dts;
      this.#origin = Math.round((this.#host.anchor(wall) * this.timescale) / 1000) - mapped.pts;
    }
    this.resync = false;
    const dts = Math.max(mapped.dts + this.#origin + this.#delay, this.#earliest());
    this.frameTicks = this.#rate!.constant && this.#rate!.grid.length > 0 ? this.#video!.frameTicks : this.frameTicks;
    return this.#unit(unit, dts, mapped.pts + this.#origin, wall, Math.round(this.frameTicks), starts);
  }

  #placeAudio(unit: AccessUnit): QueuedUnit | undefined {
    const nominal = this.#audioFrame(unit);
    const mapped = this.#audio!.map(unit.pts, nominal);
    if (mapped === undefined) {
      const back =
        this.#origin === undefined
          ? 0
          : this.#lastDts - this.#origin - (unit.pts / this.caps.timescale) * this.timescale;
      if (back > HICCUP_SECONDS * this.timescale) this.#host.clockWentBack(this);
      return undefined;
    }
    const wall = this.#wall(unit);
    this.#origin ??= Math.round((this.#host.anchor(wall) * this.timescale) / 1000) - mapped;
    const starts = this.resync;
    this.resync = false;
    const dts = Math.max(mapped + this.#origin, this.#earliest());
    return this.#unit(unit, dts, dts, wall, nominal, starts);
  }

  /** Decode times count up, and what was written out has its duration for good. */
  #earliest(): number {
    const written = this.writer && !this.writer.segment ? this.writer.end : -Infinity;
    return Math.max(this.#lastDts + 1, written);
  }

  #unit(unit: AccessUnit, dts: number, pts: number, wall: number, nominal: number, starts: boolean): QueuedUnit {
    this.#lastDts = dts;
    const at = this.ms(dts);
    this.#host.observe(this, wall, this.ms(pts));
    return { dts, pts, key: unit.key, data: unit.data, wall, nominal, at, starts };
  }

  #wall(unit: AccessUnit): number {
    return this.clock.toWall(unit.pts, this.caps.timescale) ?? unit.arrivedAt;
  }
}

/**
 * One camera's segmenter: access units of its video renditions and audio tracks in, CMAF chunks out.
 *
 * One track leads: the largest video track that runs, or audio where there is no video. It alone decides where segments
 * begin (`SegmentPlan`); the others follow at the same moments, other renditions with a key frame of their own where they
 * have one near (`followStep`). A follower's unit is held until the leader has passed it, since only then is it known that
 * no boundary lies before it. A leader that falls silent is replaced; a larger rendition that comes, or comes back, leads
 * from the first segment on that it has begun.
 *
 * The timeline (tfdt) is server time at the start of each epoch and runs on by the source's own clock from there: tracks
 * of one clock stay in step to the tick, and no time is ever used twice. A break of the source's clock, another
 * publication, and the publisher's return begin an epoch, with a discontinuity.
 */
import type {
  AccessUnit,
  AudioCaps,
  ChunkCaps,
  DiscontinuityCause,
  EndCause,
  SyncClock,
  TrackId,
  VideoCaps,
} from 'eddy/plugin';
import { followStep, SLACK_MS } from './cut-window.ts';
import type { SegmenterInput, SegmenterOptions } from './face.ts';
import { audioMayBegin, endOf, endsSegment, highestRunning, layerSilence, rankOf } from './leader.ts';
import type { PartWriter, PartWriterOptions } from './part-writer.ts';
import { type Boundary, SegmentPlan } from './plan.ts';
import { tellGaps, tellMissed } from './silence.ts';
import { type QueuedUnit, SegmentTrack, type TrackHost } from './track.ts';

export type { SegmenterInput, SegmenterOptions, SegmenterSink } from './face.ts';

/** Breaks after which timestamps say nothing about those before. */
const HARD: ReadonlySet<DiscontinuityCause> = new Set([
  'publisher-changed',
  'publisher-returned',
  'clock-jumped',
  'restarted',
  'source-signalled',
]);

/** Segments of media that a follower keeps for a leader that is late. */
const MAX_BEHIND = 5;
/** How far audio may run past the last picture of a publication, ms. */
const TAIL_MS = 500;

export class Segmenter {
  readonly #options: SegmenterOptions;
  readonly #plan: SegmentPlan;
  readonly #tracks = new Map<TrackId, SegmentTrack>();
  /** Where each ended track ended: ms on the timeline, its newest segment, and the newest startTs. */
  readonly #past = new Map<TrackId, { end: number; lastNumber: number | undefined; startTs: number }>();
  readonly #partTargets = new Map<TrackId, number>();
  #leader: SegmentTrack | undefined;
  /** How far the leader has come on the timeline, ms. */
  #frontier = -Infinity;
  #clock: SyncClock | undefined;
  /** Server time minus timeline in this epoch, ms; undefined until its first unit. */
  #drift: number | undefined;
  #marks = 0;
  #emitted = false;
  #discontinuity = false;
  #warned = false;
  /** The end of all media written, ms on the timeline. */
  #end = 0;
  /** The newest startTs of all tracks, and what it was when this epoch began: what follows is not before that. */
  #newestStartTs = 0;
  #epochStartTs = 0;

  constructor(options: SegmenterOptions) {
    this.#options = options;
    this.#plan = new SegmentPlan(options.nextNumber);
  }

  /**
   * Adds a track; one of the same id takes the place of the one before. Tracks of one publication share one `clock`
   * object; another one means another publication, and those of the one before are taken no further. Throws a MediaError
   * for caps whose configuration is broken.
   */
  addTrack(id: TrackId, caps: VideoCaps | AudioCaps, clock: SyncClock): SegmenterInput {
    const before = this.#tracks.get(id);
    if (before) this.#remove(before, 'replaced');
    const past = this.#past.get(id);
    if (this.#clock !== undefined && (this.#tracks.size === 0 || clock !== this.#clock)) {
      for (const other of this.#tracks.values()) other.stale = other.clock !== clock;
      this.#newEpoch();
    } else if (past !== undefined) {
      // Other caps: a new init segment, which players take at a discontinuity only.
      this.#discontinuity = this.#emitted;
    }
    this.#clock = clock;
    const host: TrackHost = {
      partSeconds: this.#options.part / 1000,
      segmentSeconds: this.#options.segment / 1000,
      fixedPartTarget: (of) => this.#partTargets.get(of),
      anchor: (wall) => this.#anchor(wall),
      observe: (of, wall, at) => {
        // One track tells, so that the small errors of each do not shift those that join later.
        if (this.#leader === undefined || this.#leader === of) this.#drift = wall - at;
      },
      clockWentBack: (of) => this.#break(of),
      opened: (of, chunkCaps) => this.#opened(of, chunkCaps),
    };
    const track = new SegmentTrack(id, caps, clock, host);
    track.marks = this.#marks;
    this.#tracks.set(id, track);
    return {
      unit: (unit) => this.#take(track, unit),
      discontinuity: (cause) => this.#discontinue(track, cause),
      end: (cause) => this.#remove(track, cause),
    };
  }

  /** Writes out all that is held, as if every track had ended; what comes later begins anew. */
  flush(): void {
    for (const track of this.#tracks.values()) {
      this.#finish(track);
      track.cut(false);
    }
  }

  #take(track: SegmentTrack, unit: AccessUnit): void {
    if (track.stale || this.#tracks.get(track.id) !== track) return;
    if (track.caps.kind === 'video' && track.resync && !unit.key) this.#options.sink.requestKeyFrame(track.id);
    // Video that still waits for its key frame is about to lead: it has been heard of.
    if (this.#mayTakeLead(track)) for (const other of this.#tracks.values()) other.unheardSince = undefined;
    track.take(unit, (each) => this.#route(track, each));
  }

  #route(track: SegmentTrack, unit: QueuedUnit): void {
    track.heardAt = this.#frontier;
    track.cameTo = unit.at;
    if (unit.starts && this.#mayTakeLead(track)) {
      if (this.#plan.last && unit.at <= this.#plan.last.at) {
        // Audio has led past this moment: it leads no further, and the next key frame will be in time.
        this.#leader = undefined;
        track.cut(false);
        return;
      }
      this.#leader = track;
    }
    if (track === this.#leader) {
      this.#lead(track, unit);
      return;
    }
    track.queue.push(unit);
    this.#follow(track, this.#frontier);
    // Nothing waits: the leader is ahead. (What was held while a track was measured comes at once, a second and more of it.)
    if (track.queue.length === 0) {
      track.unheardSince = undefined;
      return;
    }
    // Not how far the leader is behind, which may be a transcoder's delay, but how long it has said nothing.
    track.unheardSince ??= unit.at;
    const { segment } = this.#options;
    const unheard = unit.at - track.unheardSince;
    const patience = track.caps.kind === 'video' ? Math.min(segment, layerSilence(this.#leader)) : segment;
    if (unheard > patience || unit.at - track.queue[0]!.at > MAX_BEHIND * segment) this.#takeOver(track);
  }

  /** Video takes the lead with its first key frame, from nobody or from audio. */
  #mayTakeLead(track: SegmentTrack): boolean {
    return track.caps.kind === 'video' && this.#leader?.caps.kind !== 'video';
  }

  /** The leader has been silent for too long: the highest track that runs leads from what it holds. */
  #takeOver(by: SegmentTrack): void {
    const old = this.#leader;
    const next = highestRunning(by, this.#tracks.values());
    // A rendition that is late goes on as any other; pictures that sound has gone on without begin anew.
    if (old && old.caps.kind !== next.caps.kind) {
      this.#finish(old);
      old.cut(false);
    }
    this.#leadFrom(next);
  }

  #leadFrom(track: SegmentTrack): void {
    this.#leader = track;
    for (const unit of track.queue.splice(0)) this.#lead(track, unit);
  }

  #lead(track: SegmentTrack, unit: QueuedUnit): void {
    const writer = track.writer!;
    if (!unit.key && this.#isLost(track, unit)) this.#finish(track);
    if (!writer.segment && !unit.key) {
      // A decoder cannot begin with this one.
      track.cut(false);
      this.#options.sink.requestKeyFrame(track.id);
      return;
    }
    const ends = endsSegment(track, unit, this.#plan.last?.at ?? unit.at, this.#options.segment);
    if (ends === 'too long') this.#warnOnce(track, track.ms(unit.dts - writer.segment!.startDts) / 1000);
    writer.push(unit, ends && this.#open(track, unit));
    this.#frontier = Math.max(this.#frontier, unit.at);
    track.unheardSince = undefined;
    for (const other of this.#tracks.values()) {
      if (other === track || other === this.#leader) continue;
      other.unheardSince = undefined;
      this.#follow(other, this.#frontier);
      const rendition = other.caps.kind === 'video' && track.caps.kind === 'video';
      if (rendition && tellGaps(other, this.#frontier, this.#plan)) this.#follow(other, this.#frontier, true);
    }
  }

  #isLost(track: SegmentTrack, unit: QueuedUnit): boolean {
    const { segment, end } = track.writer!;
    return segment !== undefined && track.ms(unit.dts - end) > this.#options.segment;
  }

  #warnOnce(track: SegmentTrack, seconds: number): void {
    if (this.#warned || track.caps.kind !== 'video') return;
    this.#warned = true;
    this.#options.sink.gopTooLong(track.id, seconds);
  }

  #open(track: SegmentTrack, unit: QueuedUnit): Boundary {
    // A hole longer than a part: playlists that add up durations would drift from the media. None where others went on.
    const end = endOf(track.caps.kind, this.#tracks.values());
    if (unit.at - end > track.partTarget * 1000) this.#discontinuity = true;
    const at = Math.max(unit.at, (this.#plan.last?.at ?? -Infinity) + 1);
    // Decoders begin anew at a discontinuity, so it has to wait for a key frame.
    const discontinuity = this.#emitted && this.#discontinuity && unit.key;
    if (unit.key) this.#discontinuity = false;
    return this.#plan.open(at, discontinuity);
  }

  /** Places what a follower holds, as far as the leader has come. */
  #follow(track: SegmentTrack, until: number, final = false): void {
    if (!track.writer || track === this.#leader) return;
    if (track.caps.kind === 'video') this.#followVideo(track, track.writer, until, final);
    else this.#followAudio(track, track.writer, until);
  }

  #followAudio(track: SegmentTrack, writer: PartWriter, until: number): void {
    const { queue } = track;
    for (let unit = queue[0]; unit && unit.at <= until; unit = queue[0]) {
      queue.shift();
      const next = this.#plan.reached(unit.at + SLACK_MS, writer.lastNumber);
      if (next && audioMayBegin(track, unit, next, this.#discontinuity)) writer.push(unit, next);
      else if (writer.segment) writer.push(unit);
    }
  }

  #followVideo(track: SegmentTrack, writer: PartWriter, until: number, final: boolean): void {
    const { queue } = track;
    while (queue.length > 0) {
      const step = followStep(track.followState(), {
        until,
        final,
        segment: this.#options.segment,
        anyKeyBegins: this.#leader?.writer?.segment?.independent === false,
        discontinuity: this.#discontinuity,
        plan: this.#plan,
      });
      if (step === 'wait') return;
      const unit = queue[0]!;
      if (step === 'break') {
        // Whether a segment can begin with this unit is asked next.
        writer.flush();
        if (!unit.key) this.#options.sink.requestKeyFrame(track.id);
        continue;
      }
      queue.shift();
      if (step === 'push') writer.push(unit);
      else if (step === 'drop') {
        if (unit.key) track.waitingSince ??= unit.at;
      } else {
        track.waitingSince = undefined;
        tellMissed(track, step, unit.dts, this.#plan);
        writer.push(unit, step);
        if (this.#leader && !final && rankOf(track) > rankOf(this.#leader)) {
          this.#leadFrom(track);
          return;
        }
      }
    }
  }

  #discontinue(track: SegmentTrack, cause: DiscontinuityCause): void {
    if (track.stale) return;
    if (!HARD.has(cause)) {
      // Audio, which has no key frames to wait for, goes on in its segment.
      if (track.caps.kind === 'video') this.#finish(track);
      track.cut(false);
      return;
    }
    this.#break(track);
  }

  /** The source's clock broke: the first track that tells of it begins an epoch, the others join that. */
  #break(track: SegmentTrack): void {
    track.marks += 1;
    if (track.marks > this.#marks) {
      this.#marks = track.marks;
      this.#newEpoch();
    } else {
      this.#finish(track);
      track.cut(true);
    }
  }

  #newEpoch(): void {
    for (const track of this.#tracks.values()) {
      this.#finish(track);
      track.cut(true);
    }
    this.#leader = undefined;
    this.#frontier = -Infinity;
    this.#drift = undefined;
    this.#plan.clear();
    this.#epochStartTs = this.#newestStartTs;
    this.#discontinuity = this.#emitted;
    this.#warned = false;
  }

  #anchor(wall: number): number {
    if (this.#drift !== undefined) return wall - this.#drift;
    const at = Math.max(wall, this.#end);
    this.#drift = wall - at;
    return at;
  }

  /** Writes out what a track holds, as the end of its segment. */
  #finish(track: SegmentTrack): void {
    if (track.stale && !track.writer?.segment) return;
    track.forget();
    const { writer } = track;
    if (!writer) return;
    if (this.#frontier > -Infinity) this.#follow(track, this.#frontier + TAIL_MS, true);
    track.queue.length = 0;
    writer.flush();
    this.#end = Math.max(this.#end, track.ms(writer.end));
  }

  #remove(track: SegmentTrack, cause: EndCause): void {
    if (this.#tracks.get(track.id) !== track) return;
    this.#finish(track);
    this.#tracks.delete(track.id);
    if (this.#leader === track) this.#leader = undefined;
    if (!track.writer) return;
    const { end, lastNumber, lastStartTs } = track.writer;
    this.#past.set(track.id, { end: track.ms(end), lastNumber, startTs: lastStartTs });
    this.#options.sink.end(track.id, cause);
  }

  #opened(
    track: SegmentTrack,
    caps: ChunkCaps,
  ): Omit<PartWriterOptions, 'timescale' | 'partTarget' | 'constant' | 'stretch'> {
    this.#partTargets.set(track.id, caps.partTarget);
    this.#options.sink.open(track.id, caps);
    const past = this.#past.get(track.id);
    return {
      segmentLimit: (2 * this.#options.segment) / 1000,
      writer: this.#options.writer,
      // Sound may come seconds after the pictures that it belongs to: it is not later than they are.
      notBefore: Math.max(this.#epochStartTs, past?.startTs ?? 0),
      lastNumber: past?.lastNumber,
      end: Math.ceil(((past?.end ?? 0) * track.timescale) / 1000),
      emit: (chunk) => {
        this.#emitted = true;
        this.#newestStartTs = Math.max(this.#newestStartTs, chunk.startTs);
        this.#options.sink.chunk(track.id, chunk);
      },
    };
  }
}

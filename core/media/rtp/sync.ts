/**
 * The streams of one sender on one timeline. Each has its own clock with a random start; sender reports say which moment
 * of the sender's clock a timestamp stands for, and so align sound with pictures and simulcast layers with each other.
 *
 * The first stream begins at once and leads: its own clock is the timeline. Each other one waits for its report (browsers send the first
 * within a second for pictures, three for sound), and where none comes it is aligned by arrival. Later reports let it
 * follow the drift between its clock and the leader's by at most 0.5%, which nobody sees or hears.
 */
import { ticksToMs, Unwrapper } from '../../model/index.ts';

/** Where the timeline begins, ms: room for what another stream sent before the first. */
const BEGIN_MS = 10_000;
/** Reports are exact to a millisecond or two; a smaller error is left alone. */
const TOLERANCE_MS = 5;
/** Beyond this it is no drift: the stream's clock or the sender's jumped. */
const JUMP_MS = 500;
/** Arrivals older than twice this tell nothing of the present drift. */
const STRETCH_MS = 10_000;
/** Reports come at least this often: a leader without them has stopped, and another stream leads, ms. */
const LEADER_SILENT_MS = 15_000;
/** How fast a stream is brought to its place, as a share of its time. */
const MAX_SLEW = 0.005;

/** Options of {@link RtpSync.stream}. */
export interface SyncedStreamOptions {
  /** Ticks a second. */
  readonly clockRate: number;
  /** How long it waits for another stream to be the first, ms. Sound waits a little for pictures. Default 0. */
  readonly yields?: number;
  /** How long it waits for sender reports once another stream has begun, ms. Default 4000. */
  readonly patience?: number;
}

/** One sender. */
export class RtpSync {
  #origin: number | undefined;
  #leader: { readonly stream: SyncedStream; heard: number } | undefined;
  /** Smallest (arrival - media time) of the streams that run, in this stretch of time and in the one before, ms. */
  #stretch: { readonly since: number; earliest: number } | undefined;
  #before = Infinity;

  /** True once a stream has set the timeline. */
  get begun(): boolean {
    return this.#stretch !== undefined;
  }

  /** Sender time of the timeline's zero, ms; undefined until the leader has told. */
  get origin(): number | undefined {
    return this.#origin;
  }

  /** A stream that runs was reported at `senderTime`: were it the leader, the timeline's zero would be at `zero`. */
  heard(stream: SyncedStream, senderTime: number, zero: number): void {
    if (this.#leader && this.#leader.stream !== stream && senderTime - this.#leader.heard < LEADER_SILENT_MS) return;
    this.#leader = { stream, heard: senderTime };
    this.#origin = zero;
  }

  /** What arrival tells of the timeline: the arrival of its zero, epoch ms, of packets that nothing held up. */
  get arrivalOfZero(): number {
    return Math.min(this.#before, this.#stretch?.earliest ?? Infinity);
  }

  /** Takes note that media time `at` (ms) arrived at `arrival` (epoch ms). */
  arrived(at: number, arrival: number): void {
    if (!this.#stretch || Math.abs(arrival - this.#stretch.since) > STRETCH_MS) {
      this.#before = this.#stretch?.earliest ?? Infinity;
      this.#stretch = { since: arrival, earliest: Infinity };
    }
    this.#stretch.earliest = Math.min(this.#stretch.earliest, arrival - at);
  }

  stream(options: SyncedStreamOptions): SyncedStream {
    return new SyncedStream(this, options);
  }
}

/** One stream of a sender. */
export class SyncedStream {
  readonly #sync: RtpSync;
  readonly #rate: number;
  readonly #yields: number;
  readonly #patience: number;
  readonly #unwrapper = new Unwrapper(32);
  /** What is added to a timestamp, in ticks (a double); undefined until it is known. */
  #shift: number | undefined;
  /** Sender time of its tick zero, ms, by its newest report, and when that was. */
  #zero: number | undefined;
  #reportedAt = 0;
  #slewing = false;
  #jumped = false;
  #last = -Infinity;
  /** Arrival of the first frame that waited, and the smallest (arrival - own time) since. */
  #waiting: { readonly since: number; earliest: number } | undefined;

  constructor(sync: RtpSync, options: SyncedStreamOptions) {
    this.#sync = sync;
    this.#rate = options.clockRate;
    this.#yields = options.yields ?? 0;
    this.#patience = options.patience ?? 4000;
  }

  /** A sender report: its RTP timestamp stands for `senderTime` (ms of the sender's clock). */
  report(senderTime: number, rtpTimestamp: number): void {
    this.#zero = senderTime - ticksToMs(this.#unwrapper.unwrap(rtpTimestamp), this.#rate);
    this.#reportedAt = senderTime;
    this.#tell();
  }

  /**
   * The place of a 32-bit timestamp on the sender's timeline, in ticks of the stream's clock rate; undefined while that
   * cannot be told: keep the frame and ask again. `arrival` is when it came, `now` the present (both epoch ms).
   */
  place(timestamp: number, arrival: number, now: number): number | undefined {
    const ticks = this.#unwrapper.unwrap(timestamp);
    const own = ticksToMs(ticks, this.#rate);
    if (this.#shift === undefined) {
      this.#waiting ??= { since: arrival, earliest: Infinity };
      this.#waiting.earliest = Math.min(this.#waiting.earliest, arrival - own);
      const shift = this.#begin(own, now);
      if (shift === undefined) return undefined;
      this.#shift = (shift * this.#rate) / 1000;
      this.#tell();
    } else {
      this.#follow(ticks);
    }
    this.#last = Math.max(this.#last, ticks);
    this.#sync.arrived(own + ticksToMs(this.#shift, this.#rate), arrival);
    return ticks + Math.round(this.#shift);
  }

  /** True once after the stream was moved by more than drift: its timeline breaks there. */
  takeJump(): boolean {
    const jumped = this.#jumped;
    this.#jumped = false;
    return jumped;
  }

  #tell(): void {
    if (this.#zero === undefined || this.#shift === undefined) return;
    this.#sync.heard(this, this.#reportedAt, this.#zero - ticksToMs(this.#shift, this.#rate));
  }

  /** The shift with which the stream begins, ms. */
  #begin(own: number, now: number): number | undefined {
    const waited = now - this.#waiting!.since;
    if (!this.#sync.begun) return waited >= this.#yields ? BEGIN_MS - own : undefined;
    if (this.#zero !== undefined && this.#sync.origin !== undefined) return this.#zero - this.#sync.origin;
    return waited >= this.#patience ? this.#waiting!.earliest - this.#sync.arrivalOfZero : undefined;
  }

  #follow(ticks: number): void {
    if (this.#zero === undefined || this.#sync.origin === undefined) return;
    const perMs = this.#rate / 1000;
    const error = (this.#zero - this.#sync.origin) * perMs - this.#shift!;
    if (Math.abs(error) > JUMP_MS * perMs) {
      this.#shift! += error;
      this.#jumped = true;
      return;
    }
    if (Math.abs(error) > TOLERANCE_MS * perMs) this.#slewing = true;
    if (!this.#slewing) return;
    const most = Math.max(0, ticks - this.#last) * MAX_SLEW;
    this.#shift! += Math.max(-most, Math.min(most, error));
    if (Math.abs(error) <= most) this.#slewing = false;
  }
}

/** One track of a camera: a slot while anyone wants it, a new one when that fails, and one line of output all along. */
import type {
  AccessUnit,
  AudioCaps,
  Clock,
  DiscontinuityCause,
  EndCause,
  GapCause,
  HostEnd,
  Logger,
  MediaHosts,
  TrackReader,
  TrackWriter,
} from 'eddy/plugin';
import { FRUITLESS, Restarts, UNWANTED_MS } from '../shared/restarts.ts';
import { endInWords, failureInWords, type PassedOn } from '../shared/words.ts';
import type { Meters } from './meters.ts';
import type { Plan } from './plan.ts';
import type { manifest } from './plugin.ts';
import { startUse, type Use, type UseSink } from './use.ts';

/** A code of this stage. */
type OwnCode = `transcode.audio/${keyof (typeof manifest)['errors']}`;

/** What a track needs of its stage and camera. */
export interface TrackSurroundings {
  readonly hosts: MediaHosts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: Meters;
  /** Stage, camera and track, for logs and `ps`. */
  readonly label: string;
  /** True while anyone wants what comes out. */
  wanted(): boolean;
  readonly report: (code: OwnCode, message: string) => void;
  /** The input track has ended. */
  onEnd(writer: TrackWriter<'frames'>, cause: EndCause): void;
}

/** See the file's head. The stage calls `look` when the demand has changed, and `stop` at the end. */
export class TrackTranscoder implements TrackReader<'frames'>, UseSink {
  readonly #around: TrackSurroundings;
  readonly #caps: AudioCaps;
  readonly #plan: Plan;
  readonly #writer: TrackWriter<'frames'>;
  readonly #restarts: Restarts;
  #use: Use | undefined;
  #starting: Promise<void> | undefined;
  #stopped = false;
  #cancelIdle: (() => void) | undefined;
  /** To be passed on by the next use. */
  #events: PassedOn[] = [];
  /** The last time that was written; nothing goes back behind it within a timeline. */
  #last: number | undefined;

  /** `continues`: the writer has carried another track until now. */
  constructor(
    caps: AudioCaps,
    plan: Plan,
    writer: TrackWriter<'frames'>,
    continues: boolean,
    around: TrackSurroundings,
  ) {
    this.#around = around;
    this.#caps = caps;
    this.#plan = plan;
    this.#writer = writer;
    this.#restarts = new Restarts(() => around.clock.monotonic());
    if (continues) this.#events.push({ type: 'discontinuity', cause: 'caps-changed' });
  }

  item(unit: AccessUnit): void | Promise<void> {
    if (this.#use) return this.#use.feed(unit);
    // Held at its link, whose policy says what becomes of those behind it; what waits out a failure is lost.
    if (this.#stopped || this.#restarts.waiting) return this.#around.meters.lost('restarting');
    this.#starting ??= this.#start();
    return this.#starting.then(() => this.#use?.feed(unit));
  }

  discontinuity(cause: DiscontinuityCause): void {
    this.#note({ type: 'discontinuity', cause });
  }

  gap(from: number, to: number, cause: GapCause): void {
    this.#note({ type: 'gap', from, to, cause });
  }

  async end(cause: EndCause): Promise<void> {
    this.#cancelIdle?.();
    const use = this.#use;
    this.#use = undefined;
    await use?.finish();
    for (const event of this.#events.splice(0)) this.passOn(event);
    this.#stopped = true;
    this.#around.onEnd(this.#writer, cause);
  }

  /** Somebody wants it, or nobody does any more. */
  look(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    if (this.#around.wanted() || !this.#use) return;
    this.#cancelIdle = this.#around.clock.after(UNWANTED_MS, () => void this.#pause());
  }

  /** The end, whatever is inside. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelIdle?.();
    await this.#starting;
    const use = this.#use;
    this.#use = undefined;
    await use?.drop();
  }

  write(unit: AccessUnit): boolean {
    // What comes before the first sample of a publication's clock, or twice around a restart.
    if (unit.pts < 0 || (this.#last !== undefined && unit.pts <= this.#last)) return true;
    this.#last = unit.pts;
    this.#around.meters.made(unit.arrivedAt);
    return this.#writer.write(unit);
  }

  ready(): Promise<void> {
    return this.#writer.ready();
  }

  passOn(event: PassedOn): void {
    if (event.type === 'gap') return this.#writer.gap(event.from, event.to, event.cause);
    this.#last = undefined;
    this.#writer.discontinuity(event.cause);
  }

  malformed(): void {
    this.#around.meters.lost('malformed');
  }

  silence(seconds: number): void {
    this.#around.meters.silence(seconds);
  }

  #note(event: PassedOn): void {
    if (this.#use) this.#use.note(event);
    else if (this.#events.length < 16) this.#events.push(event);
  }

  async #start(): Promise<void> {
    const { hosts, label, report, clock } = this.#around;
    this.#restarts.started();
    this.#around.meters.started();
    try {
      const use = await startUse(hosts, label, this.#plan, this.#caps, this, clock);
      if (this.#stopped) return void (await use.drop());
      this.#use = use;
      for (const event of this.#events.splice(0)) use.note(event);
      void use.ended.then((end) => this.#ended(use, end));
      this.look();
    } catch (error) {
      this.#restarts.failed(false);
      report('transcode.audio/NOT_STARTED', `${label}: ${failureInWords(error)}`);
    } finally {
      this.#starting = undefined;
    }
  }

  async #pause(): Promise<void> {
    const use = this.#use;
    this.#use = undefined;
    // The link tells of the break itself when somebody wants it again; so much is lost of what is inside.
    this.#events.push({ type: 'discontinuity', cause: 'source-signalled' });
    await use?.drop();
  }

  #ended(use: Use, end: HostEnd): void {
    if (this.#use !== use) return;
    this.#use = undefined;
    this.#cancelIdle?.();
    this.#restarts.failed(use.fruitful);
    if (use.fruitful) this.#events.push({ type: 'discontinuity', cause: 'restarted' });
    const { label, log, report } = this.#around;
    const said = endInWords(end);
    log.warn({ launch: label, ...end }, 'an audio transcoder ended; it is started anew');
    if (this.#restarts.fruitless >= FRUITLESS)
      report('transcode.audio/INPUT_UNDECODABLE', `${label}: nothing comes out, each time: ${said}`);
    else report('transcode.audio/RESTARTED', `${label}: ${said}`);
  }
}

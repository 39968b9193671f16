/**
 * The hosts of one ladder, one after the other: started when there is a picture for it, started anew when one ends by itself, and changed for another
 * one with other rungs at a key frame, so that those who watch the rungs that stay notice nothing.
 */
import type { Clock, HostEnd, HostLaunch, Logger, MediaHosts, VideoCaps } from 'eddy/plugin';
import { FRUITLESS, Restarts } from '../shared/restarts.ts';
import { endInWords, failureInWords, type PassedOn } from '../shared/words.ts';
import type { EncoderChoice, EncoderSet, Mode } from './encoders.ts';
import type { Meters } from './meters.ts';
import type { manifest } from './plugin.ts';
import type { OutputCodec } from './codecs.ts';
import { startUse, type Use, type UseSink } from './use.ts';

/** A code of this plugin's. */
export type OwnCode = `transcode.video/${keyof (typeof manifest)['errors']}`;

/** What hosts need of their ladder. */
export interface RunsSurroundings {
  readonly hosts: MediaHosts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: Meters;
  readonly encoders: EncoderChoice;
  readonly label: string;
  readonly mode: Mode;
  readonly caps: VideoCaps;
  readonly sink: UseSink;
  readonly report: (code: OwnCode, message: string) => void;
  /** Codecs of what the next host is to make, and the host, now. */
  codecs(): readonly OutputCodec[];
  launch(encoders: EncoderSet): HostLaunch;
  /** Called when a run begins. */
  began(): void;
}

/** See the file's head. */
export class Runs {
  readonly #around: RunsSurroundings;
  readonly #restarts: Restarts;
  #use: Use | undefined;
  /** Ready to take the place of the one that runs, at the next key frame. */
  #next: { readonly use: Use; readonly encoders: EncoderSet } | undefined;
  /** Those whose place was taken, until all that was inside has come out. */
  #leaving: Promise<void> = Promise.resolve();
  /** What runs is not what is to be made. */
  #due = false;
  #isPreparing = false;
  /** Raised by whatever makes a host that is being prepared one that nobody needs. */
  #turn = 0;
  #encoders: EncoderSet | undefined;
  #starting: Promise<void> | undefined;
  #stopped = false;
  /** To be passed on by the next run. */
  #events: PassedOn[] = [];

  constructor(around: RunsSurroundings) {
    this.#around = around;
    this.#restarts = new Restarts(() => around.clock.monotonic());
  }

  /** The one that runs. */
  get use(): Use | undefined {
    return this.#use;
  }

  /** Of the newest run. */
  get encoders(): EncoderSet | undefined {
    return this.#encoders;
  }

  /** True while the next attempt has to wait. */
  get waiting(): boolean {
    return this.#restarts.waiting;
  }

  /** At its place among what goes in. */
  note(event: PassedOn): void {
    if (this.#use) this.#use.note(event);
    else if (this.#events.length < 16) this.#events.push(event);
  }

  /** Settles when a host runs, or could not be started. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** What is to be made has changed: another host is made ready, and the one that runs goes on until {@link Runs.change}. */
  async prepare(): Promise<void> {
    const turn = this.#forget();
    // Of several changes at once the last one answers for all.
    await this.#starting;
    if (turn !== this.#turn || !this.#use || this.#stopped) return;
    this.#due = true;
    this.#isPreparing = true;
    try {
      const next = await this.#launch();
      if (turn !== this.#turn || !this.#use || this.#stopped) return void (await next.use.drop());
      this.#next = next;
      void next.use.ended.then((end) => this.#lostNext(next, endInWords(end)));
    } catch (error) {
      if (turn === this.#turn) this.#lostNext(undefined, failureInWords(error));
    } finally {
      if (turn === this.#turn) this.#isPreparing = false;
    }
  }

  /** A key frame is about to go in: what was prepared takes over here, once all that came before it has come out. */
  change(): void {
    const [before, next] = [this.#use, this.#next];
    if (before && next) {
      this.#next = undefined;
      this.#begin(next);
      this.#leaving = before.finish();
      next.use.follow(this.#leaving);
    } else if (this.#due && !this.#isPreparing && !this.waiting) {
      void this.prepare();
    }
  }

  /**
   * Sets a property of an element of this output's branch, in what runs and in what is about to. Rejects where the one that runs
   * refuses.
   */
  async set(output: string, element: string, property: string, value: number): Promise<void> {
    const next = this.#next?.use;
    // It has been launched with other values; where it has just ended, another is launched with these.
    if (next?.makes(output)) void next.set(element, property, value).catch(() => undefined);
    if (this.#use?.makes(output)) await this.#use.set(element, property, value);
  }

  /** Ends what runs, with all that is inside; the next begins with a key frame, and tells of the break. */
  async drop(tell?: PassedOn): Promise<void> {
    if (tell) this.#events.push(tell);
    this.#forget();
    const use = this.#use;
    this.#use = undefined;
    await use?.drop();
  }

  /** No more frames: settles when all have come out, or cannot. */
  async finish(): Promise<void> {
    this.#forget();
    const use = this.#use;
    this.#use = undefined;
    await Promise.all([this.#leaving, use?.finish()]);
    this.#stopped = true;
  }

  /** The end, whatever is inside. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#starting;
    await Promise.all([this.#leaving, this.drop()]);
  }

  /** What was prepared, or is being, is of no use any more; answers with the number of what may be from now on. */
  #forget(): number {
    const next = this.#next;
    this.#next = undefined;
    this.#due = false;
    this.#isPreparing = false;
    void next?.use.drop();
    return (this.#turn += 1);
  }

  /** The one that runs goes on; another attempt follows, at some key frame. */
  #lostNext(next: { readonly use: Use } | undefined, why: string): void {
    if (this.#next !== next) return;
    this.#next = undefined;
    this.#restarts.failed(false);
    const { label, report } = this.#around;
    report('transcode.video/NOT_STARTED', `${label}: its rungs are to change: ${why}`);
  }

  async #start(): Promise<void> {
    const { label, report } = this.#around;
    this.#restarts.started();
    try {
      const made = await this.#launch();
      if (this.#stopped) return void (await made.use.drop());
      this.#begin(made);
    } catch (error) {
      this.#restarts.failed(false);
      report('transcode.video/NOT_STARTED', `${label}: ${failureInWords(error)}`);
    } finally {
      this.#starting = undefined;
    }
  }

  async #launch(): Promise<{ use: Use; encoders: EncoderSet }> {
    const { hosts, encoders, clock, caps, sink, mode, meters } = this.#around;
    meters.started();
    const chosen = await encoders.chooseAll(this.#around.codecs());
    try {
      const use = await startUse(hosts, this.#around.launch(chosen), caps, sink, clock, mode);
      return { use, encoders: chosen };
    } catch (error) {
      this.#fallBack(chosen);
      throw error;
    }
  }

  #begin({ use, encoders }: { use: Use; encoders: EncoderSet }): void {
    this.#use = use;
    this.#due = false;
    this.#encoders = encoders;
    for (const event of this.#events.splice(0)) use.note(event);
    void use.ended.then((end) => this.#ended(use, end));
    this.#around.began();
  }

  #ended(use: Use, end: HostEnd): void {
    if (this.#use !== use) return;
    this.#use = undefined;
    this.#forget();
    this.#restarts.failed(use.fruitful);
    if (use.fruitful) this.#events.push({ type: 'discontinuity', cause: 'restarted' });
    const { label, log, report } = this.#around;
    if (this.#encoders) this.#fallBack(this.#encoders);
    const said = endInWords(end);
    log.warn({ launch: label, ...end }, 'a video ladder ended; it is started anew');
    if (this.#restarts.fruitless >= FRUITLESS)
      report('transcode.video/INPUT_UNDECODABLE', `${label}: nothing comes out, each time: ${said}`);
    else report('transcode.video/RESTARTED', `${label}: ${said}`);
  }

  /** A device that was lost: what runs in software takes over. */
  #fallBack(chosen: EncoderSet): void {
    const { encoders, label, report } = this.#around;
    const lost = chosen.all.filter((encoder) => encoders.failed(encoder));
    if (lost.length > 0)
      report('transcode.video/ENCODER_LOST', `${label}: ${lost.map(({ element }) => element).join(', ')} failed`);
  }
}

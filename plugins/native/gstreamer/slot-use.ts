/** One launch in a slot of a shared host, seen from the engine. */
import type { Socket } from 'node:net';
import type { AccessUnit, ChildEnd, HostEnd, HostLaunch, HostUsage, MediaHost, ProcessUsage } from 'eddy/plugin';
import type { SharedRequest } from './control.ts';
import { within } from './deadline.ts';
import { GDP, GdpReader, type GdpPacket } from './gdp.ts';
import { HostInputWriter } from './input.ts';
import { elementOf } from './launch.ts';
import { LaunchMeter, type FrameCount } from './launch-meter.ts';
import { CLOSE_MS, hostEnd, STALL_MS, type FrameListener } from './media-host.ts';
import { OutputDecoder } from './output.ts';
import { StallWatch } from './stall-watch.ts';

/** A launch that was given up may take so long to run out, in ms; else its slot is not used again. */
const RUN_OUT_MS = 2000;

/** A request to the child about this slot. */
export type SlotRequest = SharedRequest extends infer R
  ? R extends { readonly slot: number }
    ? Omit<R, 'slot'>
    : never
  : never;

/** What a launch needs of its slot. */
export interface SlotPort {
  readonly pid: number;
  readonly pipe: Socket;
  /** Of the whole child. */
  readonly frames: FrameCount;
  ask(request: SlotRequest): Promise<unknown>;
  /** The launch owes frames, and whether it will end is not known yet: its host may be at fault. */
  doubt(): void;
  /**
   * Called once: `clean` where the pipe is empty and nothing of the launch is left; `dirty` where something may be in the
   * pipe; `hung` where the launch neither works nor ends.
   */
  release(state: 'clean' | 'dirty' | 'hung'): void;
}

/** See the file's head. Its host calls `take`, `failed`, `abandon` and `childEnded`. */
export class SlotUse implements MediaHost {
  readonly pid: number;
  readonly label: string;
  readonly ended: Promise<HostEnd>;
  readonly #spec: HostLaunch;
  readonly #slot: SlotPort;
  readonly #input: HostInputWriter | undefined;
  readonly #reader = new GdpReader();
  readonly #decoder = new OutputDecoder();
  readonly #stall: StallWatch;
  readonly #meter: LaunchMeter;
  readonly #end = Promise.withResolvers<HostEnd>();
  #listener: FrameListener | undefined;
  /** The rest of a piece that waits for the listener. */
  #suspended: Generator<GdpPacket> | undefined;
  #closing = false;
  /** What comes from now on is of no use to anyone. */
  #over = false;
  #inputEnded = false;
  #released = false;
  #runOut: NodeJS.Timeout | undefined;

  /** Made when the launch runs in the child, with the pipe paused. */
  constructor(spec: HostLaunch, slot: SlotPort) {
    this.#spec = spec;
    this.#slot = slot;
    this.pid = slot.pid;
    this.#meter = new LaunchMeter(() => performance.now(), slot.frames);
    this.label = spec.label;
    this.ended = this.#end.promise;
    const input = spec.inputs?.[0];
    this.#input = input && new HostInputWriter(slot.pipe, input.name, input.caps);
    this.#stall = new StallWatch(spec.stallTimeout ?? STALL_MS, !input, (message) => {
      slot.doubt();
      this.#giveUp({ cause: 'stalled', code: 'native.gstreamer/HOST_STALLED', message });
    });
    // Frames that are made before anyone listens wait in the pipe; a launch without output has only its end to tell.
    if (!spec.outputs?.length) slot.pipe.resume();
  }

  get usage(): HostUsage {
    return this.#meter.usage;
  }

  /** What the child has used until now. */
  onUsage(usage: ProcessUsage): void {
    this.#meter.look(usage);
  }

  onFrame(listener: FrameListener): void {
    if (this.#listener) throw new TypeError(`the host "${this.label}" has a listener already`);
    this.#listener = listener;
    if (this.#spec.outputs?.length && !this.#over) this.#stall.start();
    this.#slot.pipe.resume();
  }

  write(input: string, unit: AccessUnit): boolean {
    const writer = this.#writer(input);
    if (this.#over || this.#inputEnded) return true;
    this.#stall.asked();
    this.#meter.wrote(unit.pts / writer.timescale);
    return writer.write(unit);
  }

  async drained(input: string): Promise<void> {
    await Promise.race([this.#writer(input).drained(), this.ended]);
  }

  async forceKeyFrame(output?: string): Promise<void> {
    const names = (this.#spec.outputs ?? []).map(({ name }) => name);
    if (output !== undefined && !names.includes(output)) throw new TypeError(`no output "${output}" in this launch`);
    await this.#slot.ask({ op: 'key', elements: names.map((name) => elementOf('out', name)) });
  }

  async set(element: string, property: string, value: number | string | boolean): Promise<void> {
    await this.#slot.ask({ op: 'set', element, property, value });
  }

  async close(deadline = CLOSE_MS): Promise<void> {
    if (!this.#over) {
      this.#closing = true;
      this.#stall.stop();
      this.#endInput();
      if (deadline > 0) await within(this.ended, deadline);
      this.#giveUp({ cause: 'closed' });
    }
    await this.ended;
  }

  /** A piece of what the slot's pipe brought. */
  take(piece: Buffer): void {
    this.#stall.came();
    this.#packets(this.#reader.push(piece));
  }

  /** An element failed, and the child has stopped the launch; what was written to it last is still in the pipe. */
  failed(element: string, message: string): void {
    const failure: HostEnd = {
      cause: 'error',
      code: 'native.gstreamer/LAUNCH_FAILED',
      message: `the element "${element}" failed: ${message}`,
    };
    this.#settle(this.#closing ? { cause: 'closed' } : failure);
    this.#release('dirty');
  }

  /** The child has closed its pipes: what waits in ours is given up, since it would hold up the news of the end. */
  abandon(): void {
    this.#over = true;
    this.#stall.stop();
    this.#slot.pipe.resume();
  }

  childEnded(end: ChildEnd): void {
    this.#settle(this.#closing ? { cause: 'closed' } : hostEnd(end));
    this.#release('dirty');
  }

  #packets(packets: Generator<GdpPacket>): void {
    try {
      for (let step = packets.next(); !step.done; step = packets.next()) {
        const taken = this.#packet(step.value);
        if (!taken) continue;
        this.#suspended = packets;
        this.#slot.pipe.pause();
        this.#stall.hold(taken).then(
          () => this.#goOn(packets),
          (error: unknown) => this.#badOutput(error),
        );
        return;
      }
    } catch (error) {
      this.#badOutput(error);
    }
  }

  /** Goes on where a listener held it back, unless that has been done. */
  #goOn(packets = this.#suspended): void {
    if (!packets || packets !== this.#suspended) return;
    this.#suspended = undefined;
    this.#packets(packets);
    if (!this.#suspended) this.#slot.pipe.resume();
  }

  #packet(packet: GdpPacket): Promise<void> | void {
    if (packet.type === GDP.eos) {
      this.#settle({ cause: this.#closing ? 'closed' : 'eos' });
      return this.#release('clean');
    }
    if (this.#over) return;
    const frame = this.#decoder.take(packet);
    if (!frame) return;
    this.#meter.came(frame.unit.pts / frame.caps.timescale);
    return this.#listener?.({ output: this.#spec.outputs![0]!.name, ...frame });
  }

  #badOutput(error: unknown): void {
    const message = `output: ${error instanceof Error ? error.message : String(error)}`;
    this.#giveUp({ cause: 'error', code: 'native.gstreamer/LAUNCH_FAILED', message });
  }

  #writer(input: string): HostInputWriter {
    if (!this.#input || this.#spec.inputs![0]!.name !== input)
      throw new TypeError(`the host "${this.label}" has no input "${input}"`);
    return this.#input;
  }

  #endInput(): void {
    if (this.#inputEnded) return;
    this.#inputEnded = true;
    if (this.#input) this.#input.endStream();
    else this.#slot.ask({ op: 'eos' }).catch(() => undefined);
  }

  /** The user's part ends now; the launch is let run out, since only an empty pipe can serve the next one. */
  #giveUp(end: HostEnd): void {
    if (this.#over) return;
    this.#settle(end);
    if (this.#released) return;
    this.#endInput();
    this.#runOut = setTimeout(() => this.#release('hung'), RUN_OUT_MS);
    this.#goOn();
    this.#slot.pipe.resume();
  }

  #settle(end: HostEnd): void {
    this.#over = true;
    this.#stall.stop();
    this.#end.resolve(end);
  }

  #release(state: 'clean' | 'dirty' | 'hung'): void {
    if (this.#released) return;
    this.#released = true;
    clearTimeout(this.#runOut);
    this.#slot.pipe.resume();
    this.#slot.release(state);
  }
}

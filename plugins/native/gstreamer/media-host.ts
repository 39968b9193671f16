/** One running launch, seen from the engine. */
import {
  ChildRefusal,
  EddyError,
  type AccessUnit,
  type Child,
  type ChildEnd,
  type HostEnd,
  type HostFrame,
  type HostLaunch,
  type HostUsage,
  type Json,
  type MediaHost,
  type ProcessUsage,
} from 'eddy/plugin';
import type { HostMessage, HostRefusal, HostRequest } from './control.ts';
import { within } from './deadline.ts';
import { GdpReader } from './gdp.ts';
import { HostInputWriter } from './input.ts';
import { elementOf, pipeOf } from './launch.ts';
import { LaunchMeter } from './launch-meter.ts';
import { OutputDecoder } from './output.ts';
import { StallWatch } from './stall-watch.ts';

/** Defaults of the contract, in ms. */
export const STALL_MS = 5000;
export const CLOSE_MS = 2000;
const HAND_OVER_MS = 500;

export type FrameListener = (frame: HostFrame) => void | Promise<void>;

/** A {@link MediaHost} over a child whose launch is running or about to. */
export class GstMediaHost implements MediaHost {
  readonly ended: Promise<HostEnd>;
  readonly #spec: HostLaunch;
  readonly #child: Child;
  readonly #inputs: ReadonlyMap<string, HostInputWriter>;
  readonly #readers: Promise<void>[] = [];
  #listener: FrameListener | undefined;
  #failure: HostEnd | undefined;
  #closing = false;
  #eos = false;
  readonly #stall: StallWatch;
  readonly #meter = new LaunchMeter(() => performance.now());

  constructor(spec: HostLaunch, child: Child) {
    this.#spec = spec;
    this.#child = child;
    this.#inputs = new Map(
      (spec.inputs ?? []).map(({ name, caps }) => [
        name,
        new HostInputWriter(child.pipe(pipeOf('in', name)), name, caps),
      ]),
    );
    this.#stall = new StallWatch(spec.stallTimeout ?? STALL_MS, this.#inputs.size === 0, (message) =>
      this.#fail({ cause: 'stalled', code: 'native.gstreamer/HOST_STALLED', message }),
    );
    this.ended = child.ended.then((end) => this.#finish(end));
  }

  get pid(): number {
    return this.#child.pid;
  }

  get usage(): HostUsage {
    return this.#meter.usage;
  }

  /** What the child has used until now. */
  onUsage(usage: ProcessUsage): void {
    this.#meter.look(usage);
  }

  /** What the child tells of its launch. */
  onMessage(message: HostMessage): void {
    if (message.event === 'eos') {
      this.#eos = true;
      // All sinks have written all they had: what is in the pipes is read after the child's death.
      void this.#child.close();
      return;
    }
    this.#fail({
      cause: 'error',
      code: 'native.gstreamer/LAUNCH_FAILED',
      message: `the element "${message.element}" failed: ${message.message}`,
    });
  }

  onFrame(listener: FrameListener): void {
    if (this.#listener) throw new TypeError(`the host "${this.#spec.label}" has a listener already`);
    this.#listener = listener;
    for (const { name } of this.#spec.outputs ?? []) this.#readers.push(this.#read(name, listener));
    if ((this.#spec.outputs ?? []).length > 0) this.#stall.start();
  }

  write(input: string, unit: AccessUnit): boolean {
    this.#stall.asked();
    const writer = this.#input(input);
    this.#meter.wrote(unit.pts / writer.timescale);
    return writer.write(unit);
  }

  drained(input: string): Promise<void> {
    return this.#input(input).drained();
  }

  async forceKeyFrame(output?: string): Promise<void> {
    const names = (this.#spec.outputs ?? []).map(({ name }) => name);
    if (output !== undefined && !names.includes(output)) throw new TypeError(`no output "${output}" in this launch`);
    const elements = (output === undefined ? names : [output]).map((name) => elementOf('out', name));
    await this.#ask({ op: 'key', elements });
  }

  async set(element: string, property: string, value: number | string | boolean): Promise<void> {
    await this.#ask({ op: 'set', element, property, value });
  }

  async close(deadline = CLOSE_MS): Promise<void> {
    this.#closing = true;
    this.#stall.stop();
    for (const input of this.#inputs.values()) input.end();
    if (this.#inputs.size === 0) this.#ask({ op: 'eos' }).catch(() => undefined);
    await within(this.#child.ended, deadline);
    await this.#child.close();
    await this.ended;
  }

  async #ask(request: HostRequest): Promise<Json> {
    return this.#child.request(request as unknown as Json);
  }

  #input(name: string): HostInputWriter {
    const input = this.#inputs.get(name);
    if (!input) throw new TypeError(`the host "${this.#spec.label}" has no input "${name}"`);
    return input;
  }

  async #read(output: string, listener: FrameListener): Promise<void> {
    const reader = new GdpReader();
    const decoder = new OutputDecoder();
    const take = async (piece: Buffer): Promise<void> => {
      for (const packet of reader.push(piece)) {
        const frame = decoder.take(packet);
        if (frame) this.#meter.came(frame.unit.pts / frame.caps.timescale);
        const taken = frame && listener({ output, ...frame });
        if (taken) await this.#stall.hold(taken);
      }
    };
    try {
      for await (const piece of this.#child.pipe(pipeOf('out', output)) as AsyncIterable<Buffer>) {
        this.#stall.came();
        try {
          await take(piece);
        } catch (error) {
          const message = `output "${output}": ${error instanceof Error ? error.message : String(error)}`;
          return this.#fail({ cause: 'error', code: 'native.gstreamer/LAUNCH_FAILED', message });
        }
      }
    } catch {
      // A pipe that breaks off is how a killed child looks from here; the child's end says why.
    }
  }

  #fail(end: HostEnd): void {
    if (!this.#closing) this.#failure ??= end;
    void this.#child.close();
  }

  async #finish(end: ChildEnd): Promise<HostEnd> {
    this.#stall.stop();
    for (const input of this.#inputs.values()) input.end();
    // A listener that never settles must not hold the end back.
    await within(Promise.all(this.#readers), HAND_OVER_MS);
    if (this.#failure) return this.#failure;
    if (this.#closing) return { cause: 'closed' };
    if (this.#eos) return { cause: 'eos' };
    return hostEnd(end);
  }
}

/** A child's end in the words of a host's. */
export function hostEnd(end: ChildEnd): HostEnd {
  if (end.cause === 'closed') return { cause: 'closed' };
  const said = end.lines.length > 0 ? `; it said: ${end.lines.slice(-3).join(' | ')}` : '';
  if (end.cause === 'stalled') {
    return { cause: 'stalled', code: 'native.gstreamer/HOST_STALLED', message: `no heartbeat came${said}` };
  }
  const how = end.signal ? `by ${end.signal}` : `with code ${end.exitCode}`;
  return { cause: 'crashed', code: 'native.gstreamer/HOST_CRASHED', message: `the process ended ${how}${said}` };
}

/** A failed start as the error that a stage gets; `end` tells how the child ended, where there was one. */
export function startError(label: string, error: unknown, end?: ChildEnd): EddyError {
  if (error instanceof EddyError && error.code === 'SERVICE_RESTARTING') return error;
  const details = error instanceof ChildRefusal || error instanceof EddyError ? error.details : {};
  const code = startCode(error instanceof ChildRefusal ? error.code : details.reason, end);
  const message = error instanceof Error ? error.message : String(error);
  const kind = code === 'native.gstreamer/LAUNCH_INVALID' ? 'plugin' : 'resource';
  return new EddyError(code, `host "${label}": ${message}`, { kind, details, cause: error });
}

function startCode(refusal: unknown, end: ChildEnd | undefined): `native.gstreamer/${string}` {
  switch (refusal as HostRefusal | undefined) {
    case 'ELEMENT_MISSING':
    case 'LAUNCH_INVALID':
      return `native.gstreamer/${String(refusal)}`;
    case 'ADDON_MISSING':
      return 'native.gstreamer/GSTREAMER_MISSING';
    case 'PROPERTY_UNKNOWN':
    case undefined:
      return end?.cause === 'stalled' ? 'native.gstreamer/HOST_STALLED' : 'native.gstreamer/HOST_CRASHED';
  }
}

/** Media hosts without children: the test plays what a launch gives and sees what it is given. */
import type { HostEnd, HostFrame, HostLaunch, HostUsage, MediaHost, MediaHosts } from '../../contracts/index.ts';
import { EddyError } from '../../errors/index.ts';
import type { AccessUnit, TrackCaps } from '../../model/index.ts';

/** One launch, in the test's hand. */
export class FakeMediaHost implements MediaHost {
  readonly pid: number;
  readonly launch: HostLaunch;
  /** What was written, by input. */
  readonly written = new Map<string, AccessUnit[]>();
  /** Key frames asked for: the output, or undefined for all. */
  readonly keyFrameRequests: (string | undefined)[] = [];
  /** Properties set: element, property, value. */
  readonly properties: (readonly [string, string, number | string | boolean])[] = [];
  readonly ended: Promise<HostEnd>;
  readonly #count = { framesIn: 0, framesOut: 0 };
  readonly #end = Promise.withResolvers<HostEnd>();
  readonly #drained = new Map<string, PromiseWithResolvers<void>>();
  #listener: ((frame: HostFrame) => void | Promise<void>) | undefined;
  #waiting: HostFrame[] = [];
  #handing: Promise<void> = Promise.resolve();
  #result: HostEnd | undefined;
  #onWrite: ((input: string, unit: AccessUnit) => void) | undefined;

  constructor(launch: HostLaunch, pid: number) {
    this.launch = launch;
    this.pid = pid;
    this.ended = this.#end.promise;
    for (const { name } of launch.inputs ?? []) this.written.set(name, []);
  }

  /** Frames alone. */
  get usage(): HostUsage {
    return { ...this.#count };
  }

  /** True until it ended. */
  get running(): boolean {
    return this.#result === undefined;
  }

  /** Gives a frame, as the launch would; settles when the plugin has taken it. */
  emit(output: string, caps: TrackCaps, unit: AccessUnit): Promise<void> {
    const known = this.launch.outputs?.some(({ name }) => name === output) ?? false;
    if (!known) throw new TypeError(`the launch "${this.launch.label}" has no output "${output}"`);
    if (this.running) {
      this.#count.framesOut += 1;
      this.#waiting.push({ output, caps, unit });
    }
    return this.#hand();
  }

  /** Calls back for each frame that is written to an input. */
  onWrite(listener: (input: string, unit: AccessUnit) => void): void {
    this.#onWrite = listener;
  }

  /** The input takes no more until {@link FakeMediaHost.drain}. */
  fill(input: string): void {
    if (!this.#drained.has(input)) this.#drained.set(input, Promise.withResolvers());
  }

  drain(input: string): void {
    this.#drained.get(input)?.resolve();
    this.#drained.delete(input);
  }

  /** The child dies by itself, or its media ends (`eos`). */
  end(end: HostEnd): void {
    if (!this.running) return;
    this.#result = end;
    for (const input of [...this.#drained.keys()]) this.drain(input);
    void this.#handing.then(() => this.#end.resolve(end));
  }

  onFrame(listener: (frame: HostFrame) => void | Promise<void>): void {
    this.#listener = listener;
    void this.#hand();
  }

  write(input: string, unit: AccessUnit): boolean {
    const written = this.written.get(input);
    if (!written) throw new TypeError(`the launch "${this.launch.label}" has no input "${input}"`);
    if (!this.running) return true;
    written.push(unit);
    this.#onWrite?.(input, unit);
    return !this.#drained.has(input);
  }

  async drained(input: string): Promise<void> {
    await this.#drained.get(input)?.promise;
  }

  async forceKeyFrame(output?: string): Promise<void> {
    this.keyFrameRequests.push(output);
  }

  async set(element: string, property: string, value: number | string | boolean): Promise<void> {
    this.properties.push([element, property, value]);
  }

  async close(): Promise<void> {
    this.end({ cause: 'closed' });
    await this.ended;
  }

  #hand(): Promise<void> {
    this.#handing = this.#handing.then(async () => {
      while (this.#listener && this.#waiting.length > 0) {
        try {
          await this.#listener(this.#waiting.shift()!);
        } catch (error) {
          this.end({ cause: 'error', message: String(error), code: 'fake.media-hosts/LISTENER_FAILED' });
        }
      }
    });
    return this.#handing;
  }
}

/** See the file's head. */
export class FakeMediaHosts implements MediaHosts {
  /** Every launch so far. */
  readonly hosts: FakeMediaHost[] = [];
  /** Elements that the machine does not have. */
  readonly missing = new Set<string>();
  #script: ((host: FakeMediaHost) => void) | undefined;
  #failure: Error | undefined;
  #pid = 100_000;

  /** Called for each launch before the plugin has it. */
  script(script: (host: FakeMediaHost) => void): void {
    this.#script = script;
  }

  /** Launches reject with this from now on; undefined ends it. */
  fail(error: Error | undefined): void {
    this.#failure = error;
  }

  /** Those that run. */
  get running(): FakeMediaHost[] {
    return this.hosts.filter((host) => host.running);
  }

  async launch(spec: HostLaunch): Promise<MediaHost> {
    if (this.#failure) throw this.#failure;
    for (const name of this.missing) {
      if (new RegExp(`\\b${name}\\b`).test(spec.launch))
        throw new EddyError('fake.media-hosts/ELEMENT_MISSING', `no element "${name}"`, { kind: 'resource' });
    }
    const host = new FakeMediaHost(spec, this.#pid++);
    this.hosts.push(host);
    this.#script?.(host);
    return host;
  }

  async hasElement(name: string): Promise<boolean> {
    return !this.missing.has(name);
  }
}

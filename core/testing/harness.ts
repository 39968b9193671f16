/**
 * One plugin in the real engine: scripted cameras feed its inputs, capturing sinks stand on its outputs, fakes meet its
 * needs, time is the test's, and at the end nothing may be left.
 */
import { Authorizer, HttpServer, MediaHosts, ObjectStore, SegmentIndex, Timeline } from '../contracts/index.ts';
import type { Contract } from '../contracts/index.ts';
import { systemClock } from '../engine/clock.ts';
import { matchCaps } from '../graph/caps.ts';
import type { CheckedGraph } from '../graph/checked.ts';
import type { AccessUnit, AudioCaps, CameraId, VideoCaps } from '../model/index.ts';
import type {
  AnyPlugin,
  CameraStatus,
  FlowOutput,
  InputPad,
  Manifest,
  MediaTypeName,
  PipelineEvent,
  Plugin,
} from '../plugin/index.ts';
import { contractOf } from '../plugin/registry.ts';
import { capturingSink, type Capture } from './capture.ts';
import { settle, VirtualClock } from './clock.ts';
import { FakeAuthorizer } from './fakes/authorizer.ts';
import { FakeHttpServer } from './fakes/http-server.ts';
import { FakeMediaHosts } from './fakes/media-hosts.ts';
import { FakeObjectStore } from './fakes/object-store.ts';
import { FakeSegmentIndex, FakeTimeline } from './fakes/segments.ts';
import type { GraphSpec, LinkSpec } from './graph.ts';
import type { CameraFeed, CapturesOf, FakesOf, FrameWriter, ProvidedBy, ServicesFor } from './harness-types.ts';
import { LeakWatch } from './leaks.ts';
import { syntheticAudio, syntheticVideo } from './media.ts';
import { serviceOf } from './plugins.ts';
import { TestPipeline, type LogLine } from './run.ts';
import { scriptedSource, type PublishOptions, type ScriptedSource } from './source.ts';

/** The name of the plugin under test in its graph. */
const SUBJECT = 'subject';

/** Options of {@link harness}. */
export interface HarnessOptions<M> {
  /** As a pipeline file writes it: `{ window: '10s' }`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Instead of the default fakes; optional needs are met only from here. */
  readonly services?: ServicesFor<M>;
  /** `virtual` (default), or `real` for plugins that work with sockets, files or children. */
  readonly clock?: 'virtual' | 'real';
  readonly cameras?: Partial<CheckedGraph['cameras']>;
  /** Queue and policy of the links into inputs and from outputs, by pad. */
  readonly links?: Readonly<Record<string, Omit<Exclude<LinkSpec, string>, 'link'>>>;
  /** Outputs that nobody wants until the test says so by `h.out.x.want(true)`: the names, or true for all. */
  readonly unwanted?: readonly string[] | true;
  readonly supervise?: GraphSpec['supervise'];
  /** ms that a drain may take; default 5000. */
  readonly drain?: number;
  readonly baseDir?: string;
}

const FAKES: readonly (readonly [Contract<never>, (clock: VirtualClock | undefined) => object])[] = [
  [HttpServer as Contract<never>, () => new FakeHttpServer()],
  [ObjectStore as Contract<never>, (clock) => new FakeObjectStore(clock)],
  [SegmentIndex as Contract<never>, () => new FakeSegmentIndex()],
  [Timeline as Contract<never>, () => new FakeTimeline()],
  [MediaHosts as Contract<never>, () => new FakeMediaHosts()],
];

/** What remains of `h.close()` where something was left: each leak is one line. */
export class LeakError extends Error {
  override readonly name = 'LeakError';
  readonly leaks: readonly string[];

  constructor(plugin: string, leaks: readonly string[]) {
    super(`${plugin} left something behind:\n${leaks.map((leak) => `  - ${leak}`).join('\n')}`);
    this.leaks = leaks;
  }
}

/** See the file's head; made by {@link harness}. */
export class Harness<M> {
  readonly pipeline: TestPipeline;
  /** What the plugin wrote, by output. */
  readonly out: CapturesOf<M>;
  /** The fakes that meet its needs. */
  readonly fakes: FakesOf<M>;
  /** Who may publish, watch and administer. */
  readonly authorizer: FakeAuthorizer;
  readonly #plugin: AnyPlugin;
  readonly #options: HarnessOptions<M>;
  readonly #feed: ScriptedSource | undefined;
  /** The same as {@link Harness.out}, for code that does not know the manifest. */
  readonly captures: Readonly<Record<string, Capture>>;
  readonly #sink: AnyPlugin | undefined;
  readonly #leaks = new LeakWatch();

  constructor(plugin: AnyPlugin, options: HarnessOptions<M>) {
    this.#plugin = plugin;
    this.#options = options;
    this.pipeline = new TestPipeline({ clock: options.clock === 'real' ? systemClock : new VirtualClock() });
    const { inputs, outputs } = plugin.manifest;
    this.authorizer = new FakeAuthorizer();
    this.fakes = this.#makeFakes() as FakesOf<M>;
    const types = (pads: Manifest['inputs'] | Manifest['outputs']): Record<string, MediaTypeName> =>
      Object.fromEntries(Object.entries(pads).map(([name, { type }]) => [name, type]));
    if (Object.keys(inputs).length > 0) this.#feed = scriptedSource(types(inputs));
    const sink = Object.keys(outputs).length > 0 ? capturingSink(types(outputs)) : undefined;
    this.#sink = sink?.plugin;
    this.captures = sink?.pads ?? {};
    this.out = this.captures as CapturesOf<M>;
    const unwanted = options.unwanted === true ? Object.keys(outputs) : (options.unwanted ?? []);
    for (const name of unwanted) this.captures[name]?.want(false);
  }

  get clock(): VirtualClock {
    return this.pipeline.time;
  }

  get logs(): readonly LogLine[] {
    return this.pipeline.logs;
  }

  get events(): readonly PipelineEvent[] {
    return this.pipeline.events;
  }

  /** Findings that the plugin reported, each once a camera: `{ code, message }` with the camera where it is about one. */
  get reports(): readonly { readonly code: string; readonly message: string; readonly cameraId?: CameraId }[] {
    return this.events
      .filter(({ type, stage }) => type === 'report' && stage === SUBJECT)
      .map(({ data, cameraId }) => ({
        code: String(data?.code),
        message: String(data?.message),
        ...(cameraId === undefined ? {} : { cameraId }),
      }));
  }

  /** Live handles of the services that it provides. */
  get provides(): ProvidedBy<M> {
    const provided = Object.entries(this.#plugin.manifest.provides);
    const handles = provided.map(([name, contract]) => [name, this.pipeline.service(contract, SUBJECT)] as const);
    return Object.fromEntries(handles) as ProvidedBy<M>;
  }

  /** Starts the graph; {@link harness} has done it. Rejects with the plugin's own error where it does not start. */
  async start(): Promise<void> {
    // Its modules are read in real time, and must not count as time that the plugin takes.
    await this.#plugin.load();
    await this.#real(this.pipeline.apply(this.#graph(this.#options.config)));
  }

  /** Offers another configuration, in place or by a restart, as `apply` does. */
  async reconfigure(config: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#real(this.pipeline.apply(this.#graph(config)));
  }

  /** A camera that feeds the plugin's inputs. */
  camera(id: string): { publish(options?: PublishOptions): Promise<CameraFeed<M>> } {
    const feed = this.#feed;
    if (!feed) throw new TypeError(`${this.#plugin.manifest.name} has no inputs: it is a source itself`);
    return {
      publish: async (options) => {
        const publication = await feed.publish(id, options);
        const writer = (caps: VideoCaps | AudioCaps, track: string): FrameWriter =>
          this.#writer(publication.out as Readonly<Record<string, FlowOutput<'frames'>>>, caps, track);
        return Object.assign(publication, {
          video: (caps = syntheticVideo().caps, track = 'video') => writer(caps, track),
          audio: (caps = syntheticAudio().caps, track = 'audio') => writer(caps, track),
        }) as unknown as CameraFeed<M>;
      },
    };
  }

  /** A camera as the engine knows it: its state, publications, tracks with their routes, findings. */
  status(cameraId: string): CameraStatus | undefined {
    return this.pipeline.camera(cameraId);
  }

  /** Moves virtual time on. */
  advance(ms: number): Promise<void> {
    return this.pipeline.advance(ms);
  }

  /** Lets what is ready run. */
  settle(turns = 3): Promise<void> {
    return settle(turns);
  }

  /** A meter of the plugin or of its links; see {@link TestPipeline.metric}. */
  metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return this.pipeline.metric(name, labels);
  }

  /** Stops the pipeline; returns the stages that did not drain in time. */
  stop(): Promise<{ readonly blocked: readonly string[] }> {
    return this.pipeline.stop();
  }

  /**
   * Stops, and rejects with a {@link LeakError} that names each timer, handle, route, watcher, listener or track that is
   * left, and each stage that did not drain.
   */
  async close(): Promise<void> {
    const { blocked } = await this.stop();
    const leaks = blocked.map((stage) => `${stage} did not drain within ${this.#options.drain ?? 5000} ms`);
    const { clock } = this.pipeline;
    if (clock instanceof VirtualClock) {
      for (const timer of clock.timers()) leaks.push(`a timer due in ${timer.in} ms, made at ${timer.madeAt}`);
    }
    for (const line of this.logs) {
      if (line.stage !== SUBJECT || !Array.isArray(line.unended)) continue;
      leaks.push(`the tracks ${line.unended.join(', ')} of ${String(line.camera)} were not ended by their drain`);
    }
    for (const [pad, capture] of Object.entries(this.captures)) {
      for (const track of capture.tracks()) {
        if (track.ended === undefined && !track.cut) leaks.push(`the track "${track.id}" of "${pad}" never ended`);
      }
    }
    for (const [need, fake] of Object.entries(this.fakes as Readonly<Record<string, unknown>>)) {
      if (fake instanceof FakeHttpServer) leaks.push(...fake.mounted.map((route) => `the route ${route} on "${need}"`));
      if (fake instanceof FakeSegmentIndex && fake.watchers > 0) leaks.push(`${fake.watchers} watchers of "${need}"`);
      if (fake instanceof FakeMediaHosts) leaks.push(...fake.running.map((host) => `the host "${host.launch.label}"`));
    }
    leaks.push(...(await this.#leaks.left()));
    if (leaks.length > 0) throw new LeakError(this.#plugin.manifest.name, leaks);
  }

  #graph(config: Readonly<Record<string, unknown>> = {}): GraphSpec {
    const { inputs, outputs, needs } = this.#plugin.manifest;
    const { cameras, supervise, drain, baseDir, links = {} } = this.#options;
    const services: Record<string, AnyPlugin> = {};
    for (const [need, fake] of Object.entries(this.fakes as Readonly<Record<string, object>>)) {
      services[`fake-${need}`] = serviceOf(contractOf(needs[need]!).contract as Contract<object>, fake);
    }
    const authorizes = Object.values(this.#plugin.manifest.provides).some(({ token }) => token === Authorizer.token);
    if (!authorizes && !Object.values(needs).some((need) => contractOf(need).contract.token === Authorizer.token))
      services['fake-authorizer'] = serviceOf(Authorizer, this.authorizer);
    const use = Object.fromEntries(Object.keys(this.fakes).map((need) => [need, `fake-${need}`]));
    const pads = Object.keys(inputs).length + Object.keys(outputs).length;
    const subject = { plugin: this.#plugin, config, use };
    return {
      name: 'harness',
      services: { ...services, ...(pads === 0 && { [SUBJECT]: subject }) },
      stages: {
        ...(this.#feed && { feed: this.#feed.plugin }),
        ...(pads > 0 && { [SUBJECT]: subject }),
        ...(this.#sink && { capture: this.#sink }),
      },
      links: [
        ...Object.keys(inputs).map((pad) => ({ link: `feed.${pad} -> ${SUBJECT}.${pad}`, ...links[pad] })),
        ...Object.keys(outputs).map((pad) => ({ link: `${SUBJECT}.${pad} -> capture.${pad}`, ...links[pad] })),
      ],
      ...(cameras && { cameras }),
      ...(supervise && { supervise }),
      ...(drain !== undefined && { drain }),
      ...(baseDir !== undefined && { baseDir }),
    };
  }

  #makeFakes(): Record<string, object> {
    const fakes: Record<string, object> = {};
    const given = (this.#options.services ?? {}) as Readonly<Record<string, object | undefined>>;
    for (const [need, wanted] of Object.entries(this.#plugin.manifest.needs)) {
      const { contract, optional } = contractOf(wanted);
      const own = given[need];
      if (own) fakes[need] = own;
      else if (!optional) {
        const make = FAKES.find(([known]) => known.token === contract.token)?.[1];
        const { clock } = this.pipeline;
        if (contract.token === Authorizer.token) fakes[need] = this.authorizer;
        else if (make) fakes[need] = make(clock instanceof VirtualClock ? clock : undefined);
        else throw new TypeError(`there is no fake of ${contract.name}: give one in services.${need}`);
      }
    }
    return fakes;
  }

  #writer(
    ports: Readonly<Record<string, FlowOutput<'frames'>>>,
    caps: VideoCaps | AudioCaps,
    track: string,
  ): FrameWriter {
    const pads: Readonly<Record<string, InputPad>> = this.#plugin.manifest.inputs;
    const suits = ([, pad]: readonly [string, InputPad]): boolean => pad.type === 'frames' && matchCaps(pad, caps).fits;
    // A pad that takes anything still says by its name what it is for.
    const candidates = Object.entries(pads).filter(suits);
    const found = candidates.find(([name]) => name === caps.kind) ?? candidates[0];
    if (!found) throw new TypeError(`no input of ${this.#plugin.manifest.name} takes ${caps.codec} ${caps.kind}`);
    const writer = ports[found[0]]!.addTrack(track, caps);
    return Object.assign(writer, {
      writeAll: async (units: Iterable<AccessUnit>) => {
        for (const unit of units) if (!writer.write(unit)) await writer.ready();
        await settle(2);
      },
    });
  }

  /** Virtual time moves on where the plugin waits for it. */
  #real<T>(work: Promise<T>): Promise<T> {
    const { clock } = this.pipeline;
    return clock instanceof VirtualClock ? clock.run(work, { patience: 50 }) : work;
  }
}

/** A plugin, with its manifest's exact type where that is known. */
export type Testable<M> = Plugin<M> | AnyPlugin;

/** Runs a plugin; see {@link Harness}. Rejects with the plugin's own error where it does not start. */
export async function harness<const M>(plugin: Testable<M>, options: HarnessOptions<M> = {}): Promise<Harness<M>> {
  const made = new Harness<M>(plugin as AnyPlugin, options);
  await made.start();
  return made;
}

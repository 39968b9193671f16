/**
 * Misuse of the plugin API that must not compile. Nothing here runs: `tsc -p .` compiles it, and each line below an
 * `@ts-expect-error` fails the build if it ever becomes valid.
 */
import {
  Authorizer,
  contract,
  defineManifest,
  definePlugin,
  Duration,
  Group,
  input,
  Integer,
  ListOf,
  ObjectStore,
  OneOf,
  optional,
  output,
  SegmentIndex,
  several,
  Text,
  Timeline,
  type Chunk,
  type Context,
  type DataCaps,
  type Flow,
  type PluginConfig,
  type Running,
  type Segment,
} from 'eddy/plugin';

/** Fails to compile unless A and B are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => undefined;

const manifest = defineManifest({
  name: 'test.everything',
  version: '1.0.0',
  api: 1,
  summary: 'Has one of each.',
  config: {
    window: Duration({ doc: 'x', default: '2m' }),
    hold: Duration({ doc: 'x', optional: true }),
    mode: OneOf(['fast', 'slow'], { doc: 'x', default: 'fast' }),
    rungs: ListOf(Group({ name: Text({ doc: 'x' }), bitrate: Integer({ doc: 'x' }) }, { doc: 'x' }), {
      doc: 'x',
      default: [],
    }),
  },
  inputs: { chunks: input('chunks', { doc: 'x' }) },
  outputs: { segments: output('segments', { doc: 'x' }) },
  needs: { store: ObjectStore, index: optional(SegmentIndex), doors: several(Authorizer) },
  provides: { timeline: Timeline },
  events: {
    'everything.counted': {
      meaning: 'x',
      data: { count: { type: 'number', doc: 'x' }, why: { type: 'string', optional: true, doc: 'x' } },
    },
    'everything.done': { meaning: 'x' },
  },
});
type Everything = typeof manifest;

declare const context: Context<Everything>;
declare const flow: Flow<Everything>;
declare const chunk: Chunk;
declare const segment: Segment;
declare const timeline: Timeline;
declare const running: Running<Everything>;

export function configuration(): void {
  same<PluginConfig<Everything>['window'], number>(true);
  same<PluginConfig<Everything>['hold'], number | undefined>(true);
  same<PluginConfig<Everything>['mode'], 'fast' | 'slow'>(true);
  same<PluginConfig<Everything>['rungs'][number]['bitrate'], number>(true);
  // @ts-expect-error a misspelt option
  void context.config.windw;
  // @ts-expect-error the configuration is read, never written
  context.config.window = 1;
  // @ts-expect-error a word that the option does not take
  if (context.config.mode === 'quick') return;
  // @ts-expect-error an option that may be absent is not a number
  void (context.config.hold * 2);
}

export function events(word: 'everything.done' | 'everything.counted'): void {
  context.events.emit({ type: 'everything.done' });
  context.events.emit({ type: 'everything.counted', data: { count: 1 } });
  context.events.emit({ type: 'everything.counted', data: { count: 1, why: 'x' } });
  // @ts-expect-error a type that the manifest does not declare
  context.events.emit({ type: 'everything.dnoe' });
  // @ts-expect-error the engine's own events are not a plugin's to tell
  context.events.emit({ type: 'camera.live' });
  // @ts-expect-error what the type always says is missing
  context.events.emit({ type: 'everything.counted' });
  // @ts-expect-error a word where a number belongs
  context.events.emit({ type: 'everything.counted', data: { count: '1' } });
  // @ts-expect-error data that the type does not declare
  context.events.emit({ type: 'everything.counted', data: { count: 1, more: 2 } });
  // @ts-expect-error data of a type that has none
  context.events.emit({ type: 'everything.done', data: { count: 1 } });
  // @ts-expect-error one of two types, with data of neither
  context.events.emit({ type: word, data: { more: 2 } });
}

export function pads(): void {
  const writer = flow.out.segments.addTrack('video', { kind: 'video', chunk: {} as never });
  writer.write(segment);
  // @ts-expect-error the wrong item
  writer.write(chunk);
  // @ts-expect-error an input is read, never written
  flow.in.chunks.addTrack('video', {});
  // @ts-expect-error an output is written, never read
  flow.out.segments.onTrack(() => ({ item: () => undefined }));
  // @ts-expect-error an unknown output
  void flow.out.segmnts;
  // @ts-expect-error an unknown input
  void flow.in.segments;
  // @ts-expect-error caps of another media type
  flow.out.segments.addTrack('video', { kind: 'video', codec: 'h264' });
  flow.in.chunks.onTrack((track) => {
    const target: number = track.caps.partTarget;
    return { item: (item) => void (item.baseTime * target) };
  });
  // @ts-expect-error a reader of the wrong item
  flow.in.chunks.onTrack(() => ({ item: (item: Segment) => void item.url }));
  // @ts-expect-error a reader without `item`
  flow.in.chunks.onTrack(() => ({}));
}

export const ownData: DataCaps = { kind: 'data', codec: 'acme.faces', timescale: 1000 };
// @ts-expect-error a package's own data has a name with a dot
export const dotless: DataCaps = { kind: 'data', codec: 'faces', timescale: 1000 };

export function services(): void {
  void context.services.store.head('key');
  // @ts-expect-error a misspelt method
  void context.services.store.haed('key');
  // @ts-expect-error a service that the manifest does not need
  void context.services.timeline;
  // @ts-expect-error an optional service may be absent
  void context.services.index.cameras();
  void context.services.index?.cameras();
  void context.services.doors[0]?.open;
  // @ts-expect-error several services are a list
  void context.services.doors.open;
}

export const complete: Running<Everything> = { services: { timeline }, flow: () => undefined };

// @ts-expect-error a provider without its services
export const withoutServices: Running<Everything> = { flow: () => undefined };

// @ts-expect-error a provider with services of another name
export const wrongName: Running<Everything> = { services: { index: timeline }, flow: () => undefined };

// @ts-expect-error a stage with inputs without `flow`
export const withoutFlow: Running<Everything> = { services: { timeline } };

const hooks = { services: { timeline }, flow: () => undefined };
// @ts-expect-error a misspelt hook
export const wrongHook: Running<Everything> = { ...hooks, stoped: () => undefined };

export const source = defineManifest({
  name: 'test.source',
  version: '1.0.0',
  api: 1,
  summary: 'A source.',
  outputs: { video: output('frames', { doc: 'x' }) },
});

export const sound: Running<typeof source> = { start: () => undefined };

// @ts-expect-error a source has no inputs, so nothing would ever call its `flow`
export const sourceWithFlow: Running<typeof source> = { flow: () => undefined };

// @ts-expect-error a source provides nothing
export const sourceWithServices: Running<typeof source> = { services: { timeline } };

export async function publications(of: Context<typeof source>): Promise<void> {
  const publication = await of.cameras.publish({
    cameraId: 'x',
    credentials: {},
    peer: { address: '::1', protocol: 'x' },
  });
  publication.out.video.addTrack('video', {} as never);
  // @ts-expect-error an unknown output
  void publication.out.audio;
  // @ts-expect-error a publication without the peer that it came from
  void of.cameras.publish({ cameraId: 'x', credentials: {} });
}

// @ts-expect-error the loader's module does not do what the manifest says
export const badLoader = definePlugin(manifest, async () => ({ create: () => ({ flow: () => undefined }) }));

// @ts-expect-error the loader's module has no `create`
export const noCreate = definePlugin(manifest, async () => ({ start: () => running }));

export const good = definePlugin(manifest, async () => ({ create: () => running }));

// @ts-expect-error a media type that is none
export const badType = input('frame', { doc: 'x' });

// @ts-expect-error a pad says what it is
export const undocumented = input('frames', {});

// @ts-expect-error a default that is none of the words
export const badDefault = OneOf(['a', 'b'], { doc: 'x', default: 'c' });

// @ts-expect-error a duration is written with its unit
export const bareNumber = Duration({ doc: 'x', default: 2000 });

// @ts-expect-error a manifest says its API
export const noApi = defineManifest({ name: 'a.b', version: '1.0.0', summary: 'x' });

const start = Text({ doc: 'x' });
// @ts-expect-error an option by the name of one of the engine's
export const engineKey = defineManifest({ name: 'a.b', version: '1.0.0', api: 1, summary: 'x', config: { start } });

const Mine = contract<{ now(): number }>('mine', 1, 'A contract of a package.');
export const custom = defineManifest({ name: 'a.b', version: '1.0.0', api: 1, summary: 'x', provides: { mine: Mine } });

export const provides: Running<typeof custom> = { services: { mine: { now: () => 1 } } };

// @ts-expect-error a service that breaks its contract
export const breaks: Running<typeof custom> = { services: { mine: { now: () => 'today' } } };

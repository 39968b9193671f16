/** A source stage under the test's hand: publishes cameras and writes what the test says. */
import type { Credentials, Peer } from '../contracts/index.ts';
import type { AccessUnit, TrackId } from '../model/index.ts';
import {
  output,
  type AnyPlugin,
  type Context,
  type FlowOutput,
  type MediaTypeName,
  type OutputPad,
  type Publication,
  type PublishRequest,
  type TrackCapsOf,
  type TrackWriter,
} from '../plugin/index.ts';
import { testPlugin, type LooseManifest } from './plugins.ts';

/** Pads of a scripted source: their media types. */
export type SourcePads = Readonly<Record<string, MediaTypeName>>;

/** Output ports of these pads. */
export type PortsOf<P extends SourcePads> = { readonly [K in keyof P]: FlowOutput<P[K]> };

/** A publication of a scripted source. */
export interface ScriptedPublication<P extends SourcePads = SourcePads> extends Omit<Publication<unknown>, 'out'> {
  readonly out: PortsOf<P>;
}

/** What a scripted source publishes with; everything has a default. */
export type PublishOptions = Partial<Omit<PublishRequest, 'cameraId' | 'peer'>> & { readonly peer?: Partial<Peer> };

/** A scripted source. */
export interface ScriptedSource<P extends SourcePads = SourcePads> {
  readonly plugin: AnyPlugin;
  /** The newest context of the running stage. Throws where it has not started. */
  readonly context: Context;
  /** Asks the engine to let a publisher in; rejects as `ctx.cameras.publish` does. */
  publish(cameraId: string, options?: PublishOptions): Promise<ScriptedPublication<P>>;
}

/** Makes a source stage; `pads` names its outputs with their media types. */
export function scriptedSource<const P extends SourcePads>(
  pads: P,
  options: { readonly pad?: Omit<OutputPad, 'type' | 'doc'>; readonly manifest?: LooseManifest } = {},
): ScriptedSource<P> {
  let context: Context | undefined;
  const outputs = Object.fromEntries(
    Object.entries(pads).map(([name, type]) => [
      name,
      output(type, { doc: 'Written by the test.', optional: true, ...options.pad }),
    ]),
  );
  const plugin = testPlugin({ name: 'test.source', outputs, ...options.manifest }, (ctx: Context) => {
    context = ctx;
    return {};
  });
  const running = (): Context => {
    if (!context) throw new Error('the scripted source has not started');
    return context;
  };
  return {
    plugin,
    get context() {
      return running();
    },
    async publish(cameraId, { peer, credentials = {} as Credentials, ...rest } = {}) {
      const request: PublishRequest = {
        cameraId,
        credentials,
        peer: { address: '127.0.0.1', protocol: 'test', ...peer },
        ...rest,
      };
      return (await running().cameras.publish(request)) as unknown as ScriptedPublication<P>;
    },
  };
}

/** Writes to one track, with as little ceremony as a test wants. */
export interface TrackPen<T extends MediaTypeName> extends TrackWriter<T> {
  /** Writes all, waiting where a blocking link is full. */
  writeAll(items: Iterable<Parameters<TrackWriter<T>['write']>[0]>): Promise<void>;
}

/** Adds a track and gives its pen. */
export function pen<T extends MediaTypeName>(port: FlowOutput<T>, id: TrackId, caps: TrackCapsOf<T>): TrackPen<T> {
  const writer = port.addTrack(id, caps);
  return Object.assign(writer, {
    async writeAll(items: Iterable<Parameters<TrackWriter<T>['write']>[0]>) {
      for (const item of items) if (!writer.write(item)) await writer.ready();
    },
  });
}

/** Frames of a synthetic stream, moved to another time: for a second publication of the same camera. */
export function shifted(units: readonly AccessUnit[], ticks: number, arrivalMs = 0): AccessUnit[] {
  return units.map((unit) => ({
    ...unit,
    dts: unit.dts + ticks,
    pts: unit.pts + ticks,
    arrivedAt: unit.arrivedAt + arrivalMs,
  }));
}

/** Types of the harness: pads and needs of a manifest as the test sees them. */
import type {
  Authorizer,
  Contract,
  HttpServer,
  MediaHosts,
  ObjectStore,
  SegmentIndex,
  Timeline,
} from '../contracts/index.ts';
import type { AccessUnit, AudioCaps, VideoCaps } from '../model/index.ts';
import type { InputPad, OptionalContract, OutputPad, SeveralContracts, TrackWriter } from '../plugin/index.ts';
import type { Capture } from './capture.ts';
import type { FakeAuthorizer } from './fakes/authorizer.ts';
import type { FakeHttpServer } from './fakes/http-server.ts';
import type { FakeMediaHosts } from './fakes/media-hosts.ts';
import type { FakeObjectStore } from './fakes/object-store.ts';
import type { FakeSegmentIndex, FakeTimeline } from './fakes/segments.ts';
import type { ScriptedPublication } from './source.ts';

type Part<M, K extends string> = M extends { readonly [key in K]: infer P } ? P : Record<never, never>;

/** Media types of a manifest's inputs: what a scripted camera writes to. */
export type FeedsOf<M> = {
  readonly [K in keyof Part<M, 'inputs'> & string]: Part<M, 'inputs'>[K] extends InputPad<infer T> ? T : never;
};

/** Captures of a manifest's outputs. */
export type CapturesOf<M> = {
  readonly [K in keyof Part<M, 'outputs'> & string]: Part<M, 'outputs'>[K] extends OutputPad<infer T>
    ? Capture<T>
    : never;
};

type FakeOf<T> = T extends HttpServer
  ? FakeHttpServer
  : T extends ObjectStore
    ? FakeObjectStore
    : T extends SegmentIndex
      ? FakeSegmentIndex
      : T extends Timeline
        ? FakeTimeline
        : T extends MediaHosts
          ? FakeMediaHosts
          : T extends Authorizer
            ? FakeAuthorizer
            : T;

type Asked<N> =
  N extends OptionalContract<infer T>
    ? T
    : N extends SeveralContracts<infer T>
      ? T
      : N extends Contract<infer T>
        ? T
        : never;

/**
 * The fakes that meet a manifest's needs. Optional needs have one only where the test gave it; a need for several has one, which the
 * configuration names: `of: ['fake-of']`.
 */
export type FakesOf<M> = { readonly [K in keyof Part<M, 'needs'> & string]: FakeOf<Asked<Part<M, 'needs'>[K]>> };

/** Services that a test gives instead of the default fakes. */
export type ServicesFor<M> = { readonly [K in keyof Part<M, 'needs'> & string]?: Asked<Part<M, 'needs'>[K]> & object };

/** Live handles of what the plugin under test provides. */
export type ProvidedBy<M> = {
  readonly [K in keyof Part<M, 'provides'> & string]: Part<M, 'provides'>[K] extends Contract<infer T> ? T : never;
};

/** Writes frames of one track. */
export interface FrameWriter extends TrackWriter<'frames'> {
  /** Writes all, waiting where a blocking link is full, and lets the plugin work. */
  writeAll(units: Iterable<AccessUnit>): Promise<void>;
}

/** A publication of a camera that feeds the plugin under test. */
export interface CameraFeed<M> extends ScriptedPublication<FeedsOf<M>> {
  /** Adds a video track on the first `frames` input that takes it; default a synthetic stream's caps. */
  video(caps?: VideoCaps, id?: string): FrameWriter;
  /** Adds an audio track on the first `frames` input that takes it. */
  audio(caps?: AudioCaps, id?: string): FrameWriter;
}

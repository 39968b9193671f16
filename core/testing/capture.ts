/** A stage at the end of links that keeps all it is given, as fast or as slow as the test wants. */
import type { CameraId, DiscontinuityCause, EndCause, GapCause, TrackId } from '../model/index.ts';
import {
  input,
  type AnyPlugin,
  type Flow,
  type FlowInput,
  type InputPad,
  type InputTrack,
  type ItemOf,
  type MediaTypeName,
  type TrackCapsOf,
  type TrackReader,
} from '../plugin/index.ts';
import { testPlugin, type LooseManifest } from './plugins.ts';

/** What a reader was told, in order. */
export type CapturedEvent<T extends MediaTypeName> =
  | { readonly type: 'item'; readonly item: ItemOf<T> }
  | { readonly type: 'discontinuity'; readonly cause: DiscontinuityCause }
  | { readonly type: 'gap'; readonly from: number; readonly to: number; readonly cause: GapCause }
  | { readonly type: 'end'; readonly cause: EndCause };

/** One track as its reader saw it. */
export interface CapturedTrack<T extends MediaTypeName> {
  readonly cameraId: CameraId;
  readonly id: TrackId;
  readonly caps: TrackCapsOf<T>;
  /** The id of the track whose place it took. */
  readonly replaces: TrackId | undefined;
  readonly events: readonly CapturedEvent<T>[];
  readonly items: readonly ItemOf<T>[];
  readonly ended: EndCause | undefined;
  /** True once the flow part that read it was closed: then no end will come. */
  readonly cut: boolean;
  /** What the reader was given: its clock, and key frame requests. */
  readonly track: InputTrack<T>;
}

interface Recording<T extends MediaTypeName> {
  readonly cameraId: CameraId;
  readonly track: InputTrack<T>;
  readonly events: CapturedEvent<T>[];
  cut: boolean;
}

/** All that came into one pad. */
export class Capture<T extends MediaTypeName = MediaTypeName> {
  readonly #recordings: Recording<T>[] = [];
  readonly #inputs = new Map<CameraId, FlowInput<T>>();
  readonly #waiting = new Set<() => void>();
  readonly #released: (() => void)[] = [];
  readonly #failures = new Map<string | undefined, Error>();
  #held = false;
  #wanted = true;

  /** Every track so far, in the order in which readers saw them; of one camera where it is named. */
  tracks(camera?: string): CapturedTrack<T>[] {
    return this.#recordings.filter((each) => camera === undefined || each.cameraId === camera).map(view);
  }

  /** Every item so far, track by track; of one camera, or of one track of it. */
  items(camera?: string, track?: TrackId): ItemOf<T>[] {
    return this.#of(camera, track).flatMap((each) => view(each).items);
  }

  /** Lets go of all that was kept of a camera, for tests that run for long. */
  forget(camera: string): void {
    const others = this.#recordings.filter(({ cameraId }) => cameraId !== camera);
    this.#recordings.splice(0, this.#recordings.length, ...others);
  }

  /** Everything readers were told, track by track. */
  events(camera?: string, track?: TrackId): CapturedEvent<T>[] {
    return this.#of(camera, track).flatMap((each) => each.events);
  }

  /** The causes of all discontinuities. */
  discontinuities(camera?: string, track?: TrackId): DiscontinuityCause[] {
    return this.events(camera, track).flatMap((event) => (event.type === 'discontinuity' ? [event.cause] : []));
  }

  /** Makes readers slow: each keeps the item that it is given until {@link Capture.release}. */
  hold(): void {
    this.#held = true;
  }

  /** Lets `count` held items go on (default: all, and readers are quick again). */
  release(count?: number): void {
    if (count === undefined) this.#held = false;
    for (const finish of this.#released.splice(0, count ?? this.#released.length)) finish();
  }

  /** The next item (of this camera, or of any) makes its reader throw. */
  failNext(error: Error, camera?: string): void {
    this.#failures.set(camera, error);
  }

  /** Whether anyone wants what comes in here; true until it is said. For pads with `demand: 'manual'`. */
  want(wanted: boolean): void {
    this.#wanted = wanted;
    for (const port of this.#inputs.values()) port.want(wanted);
  }

  /** Settles when `enough` holds, looked at after each event; rejects with a plain Error after `timeout` real ms. */
  async until(enough: (capture: this) => boolean, timeout = 5000): Promise<void> {
    if (enough(this)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (enough(this)) resolve();
    };
    const timer = setTimeout(() => reject(new Error(`did not come within ${timeout} ms`)), timeout);
    this.#waiting.add(look);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }

  /** Called by the stage for each flow. */
  attach(cameraId: CameraId, port: FlowInput<T>, onClose: (undo: () => void) => void): void {
    this.#inputs.set(cameraId, port);
    onClose(() => {
      if (this.#inputs.get(cameraId) === port) this.#inputs.delete(cameraId);
      for (const each of this.#recordings) if (each.cameraId === cameraId) each.cut = true;
    });
    port.want(this.#wanted);
    port.onTrack((track) => this.#read(cameraId, track));
  }

  #of(camera: string | undefined, track: TrackId | undefined): Recording<T>[] {
    return this.#recordings.filter(
      (each) => (camera === undefined || each.cameraId === camera) && (track === undefined || each.track.id === track),
    );
  }

  #read(cameraId: CameraId, track: InputTrack<T>): TrackReader<T> {
    const recording: Recording<T> = { cameraId, track, events: [], cut: false };
    this.#recordings.push(recording);
    const note = (event: CapturedEvent<T>): void => {
      recording.events.push(event);
      for (const look of this.#waiting) look();
    };
    return {
      item: (item) => {
        this.#failIfTold(cameraId);
        note({ type: 'item', item });
        return this.#held ? new Promise<void>((finish) => this.#released.push(finish)) : undefined;
      },
      discontinuity: (cause) => note({ type: 'discontinuity', cause }),
      gap: (from, to, cause) => note({ type: 'gap', from, to, cause }),
      end: (cause) => note({ type: 'end', cause }),
    };
  }

  #failIfTold(cameraId: CameraId): void {
    for (const key of [cameraId, undefined]) {
      const error = this.#failures.get(key);
      if (!error) continue;
      this.#failures.delete(key);
      throw error;
    }
  }
}

function view<T extends MediaTypeName>(recording: Recording<T>): CapturedTrack<T> {
  const { cameraId, track, events } = recording;
  const end = events.at(-1);
  return {
    cameraId,
    id: track.id,
    caps: track.caps,
    replaces: track.replaces,
    events,
    items: events.flatMap((event) => (event.type === 'item' ? [event.item] : [])),
    ended: end?.type === 'end' ? end.cause : undefined,
    cut: recording.cut,
    track,
  };
}

/** A capturing stage: the plugin for a graph, and what came into each of its pads. */
export interface CapturingSink<P extends Readonly<Record<string, MediaTypeName>>> {
  readonly plugin: AnyPlugin;
  readonly pads: { readonly [K in keyof P]: Capture<P[K]> };
}

/**
 * Makes a stage that captures. `pads` names its inputs with their media types; `demand` is `manual` with everything
 * wanted unless the test says otherwise, so that {@link Capture.want} can take the demand away.
 */
export function capturingSink<const P extends Readonly<Record<string, MediaTypeName>>>(
  pads: P,
  options: { readonly pad?: Omit<InputPad, 'type' | 'doc'>; readonly manifest?: LooseManifest } = {},
): CapturingSink<P> {
  const captures = Object.fromEntries(Object.keys(pads).map((name) => [name, new Capture()]));
  const inputs = Object.fromEntries(
    Object.entries(pads).map(([name, type]) => [
      name,
      input(type, { doc: 'Kept for the test.', demand: 'manual', optional: true, ...options.pad }),
    ]),
  );
  const plugin = testPlugin({ name: 'test.capture', inputs, ...options.manifest }, () => ({
    flow(flow: Flow) {
      const ports = flow.in as Readonly<Record<string, FlowInput<MediaTypeName>>>;
      for (const [name, capture] of Object.entries(captures)) {
        capture.attach(flow.cameraId, ports[name]!, (undo) => void flow.scope.add(undo));
      }
    },
  }));
  return { plugin, pads: captures as never };
}

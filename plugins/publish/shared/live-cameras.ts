/** Every camera as its viewers see it live, kept from the chunks that come, and begun with what the timeline remembers. */
import type { CameraId, Chunk, ChunkCaps, Context, Flow, Segment, Timeline, TrackId, TrackReader } from 'eddy/plugin';
import { LiveCamera } from './live-camera.ts';
import type { LiveInit } from './live-segment.ts';
import type { LiveTrack } from './live-track.ts';

/** Media held in memory where there is a timeline to read older media from, seconds. */
const HOLD = 20;
/** How long segments that left the playlist stay known where the timeline has them, seconds. */
const GRACE = 60;
/** How often it is looked whether what is listed can still be read, ms. */
const CHECK_EVERY = 10_000;
/** What playlists list by default, ms. Without a timeline all of it is held in memory, by every publisher anew. */
const WINDOW = { withTimeline: 600_000, without: 30_000 } as const;

/** What is needed of the stage. */
export interface LiveCamerasOptions {
  /** ms; undefined: 10 minutes where there is a timeline, else 30 s. */
  readonly window: number | undefined;
  readonly timeline: Timeline | undefined;
}

type Ctx = Pick<Context, 'clock' | 'events' | 'cameras' | 'scope' | 'log'>;
/** What is needed of a flow. */
export type ChunkFlow = Pick<Flow, 'cameraId' | 'scope'> & {
  readonly in: {
    readonly chunks: {
      onTrack(listener: (track: { readonly id: TrackId; readonly caps: ChunkCaps }) => TrackReader<'chunks'>): void;
    };
  };
};

/** See the file's head. */
export class LiveCameras {
  readonly #ctx: Ctx;
  readonly #timeline: Timeline | undefined;
  readonly #window: number;
  readonly #cameras = new Map<CameraId, LiveCamera>();
  readonly #flows = new Map<CameraId, ChunkFlow>();

  constructor(ctx: Ctx, { window, timeline }: LiveCamerasOptions) {
    this.#ctx = ctx;
    this.#timeline = timeline;
    this.#window = window ?? (timeline ? WINDOW.withTimeline : WINDOW.without);
  }

  /** Watches for cameras that go, and for media that can no longer be read. */
  start(): void {
    const { events, clock, scope } = this.#ctx;
    scope.add(
      events.on(({ type, cameraId }) => {
        if (type === 'camera.away' && cameraId !== undefined) this.#endIfAway(cameraId);
      }),
    );
    if (this.#timeline) clock.every(CHECK_EVERY, () => void this.#forget());
  }

  get(cameraId: string): LiveCamera | undefined {
    return this.#cameras.get(cameraId as CameraId);
  }

  /** Whether more of a camera may come: somebody publishes it, or is awaited. */
  isLive(cameraId: string): boolean {
    const state = this.#ctx.cameras.get(cameraId as CameraId)?.state;
    return this.#flows.has(cameraId as CameraId) || state === 'live' || state === 'lingering';
  }

  /** A camera has a flow: its tracks are read from now on. */
  read(flow: ChunkFlow): LiveCamera {
    const { cameraId } = flow;
    let camera = this.#cameras.get(cameraId);
    if (!camera || camera.ended) {
      const seconds = this.#window / 1000;
      const options = this.#timeline
        ? { window: seconds, grace: GRACE, hold: HOLD }
        : { window: seconds, grace: seconds };
      this.#cameras.set(cameraId, (camera = new LiveCamera(cameraId, options, this.#ctx.clock)));
    }
    this.#flows.set(cameraId, flow);
    flow.scope.add(() => {
      // A flow that is restarted goes on with the same playlists; one that is gone for good ends them.
      if (this.#flows.get(cameraId) === flow) this.#flows.delete(cameraId);
      this.#endIfAway(cameraId);
    });
    const live = camera;
    flow.in.chunks.onTrack(({ id, caps }) => this.#reader(live, live.begin(id, caps)));
    return live;
  }

  #reader(camera: LiveCamera, track: LiveTrack): TrackReader<'chunks'> {
    // What comes waits until what was before is listed: a playlist cannot grow at its beginning.
    let remembering = this.#remember(camera, track)?.finally(() => (remembering = undefined));
    return {
      item: (chunk: Chunk) => {
        if (remembering) return remembering.then(() => void camera.append(track, chunk));
        camera.append(track, chunk);
        return undefined;
      },
      discontinuity: () => track.cut(),
      end: () => camera.pause(track),
    };
  }

  /** Lists what the camera had before this stage began, where the timeline knows; undefined where there is nothing to wait for. */
  #remember(camera: LiveCamera, track: LiveTrack): Promise<void> | undefined {
    if (!this.#timeline || track.segments.length > 0) return undefined;
    const range = { start: this.#ctx.clock.now() - this.#window, end: Infinity };
    return this.#past(this.#timeline, camera.cameraId, track, range)
      .then((past) => camera.remember(track, past))
      .catch((error: unknown) => {
        const { cameraId } = camera;
        this.#ctx.log.warn({ camera: cameraId, error }, 'the past could not be read: the live playlist begins anew');
      });
  }

  async #past(
    timeline: Timeline,
    cameraId: CameraId,
    track: LiveTrack,
    range: { start: number; end: number },
  ): Promise<{ segment: Segment; init: LiveInit }[]> {
    const segments = await timeline.segments(cameraId, range, track.id);
    const inits = new Map<string, LiveInit | undefined>();
    const past: { segment: Segment; init: LiveInit }[] = [];
    for (const segment of segments) {
      const name = segment.initUrl.slice(segment.initUrl.lastIndexOf('/') + 1);
      if (!inits.has(name)) {
        const generation = await timeline.generation(cameraId, track.id, name);
        inits.set(name, generation && { name, caps: generation.caps });
      }
      const init = inits.get(name);
      if (init) past.push({ segment, init });
    }
    return past;
  }

  /** Ends the playlists of a camera that has no flow and no hope of one; players see the end, then nothing. */
  #endIfAway(cameraId: CameraId): void {
    const camera = this.#cameras.get(cameraId);
    if (camera && !this.isLive(cameraId)) this.end(camera);
  }

  /** The camera's publication is over. */
  end(camera: LiveCamera): void {
    if (camera.ended) return;
    const { cameraId } = camera;
    camera.end();
    this.#ctx.clock.after(this.#window, () => {
      if (this.#cameras.get(cameraId) === camera) this.#cameras.delete(cameraId);
    });
  }

  /** A timeline may keep less than the window: by its own limits, or because its store lost something. */
  async #forget(): Promise<void> {
    for (const camera of this.#cameras.values()) {
      const oldest = camera.oldestReleased;
      if (oldest === undefined) continue;
      const spans = await this.#timeline!.spans(camera.cameraId, { start: oldest, end: this.#ctx.clock.now() }).catch(
        () => undefined,
      );
      const first = spans?.find(({ kind }) => kind === 'media');
      if (first && first.start > oldest) camera.dropBefore(first.start);
    }
  }
}

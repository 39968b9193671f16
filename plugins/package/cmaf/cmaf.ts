/** The stage: a segmenter for each camera, between its tracks and the chunks that leave. */
import { randomInt } from 'node:crypto';
import { MediaError } from 'eddy/media';
import type {
  AudioCaps,
  Clock,
  Context,
  Flow,
  InputTrack,
  Running,
  TrackId,
  TrackReader,
  TrackWriter,
  VideoCaps,
} from 'eddy/plugin';
import type { SegmenterInput, SegmenterSink } from './face.ts';
import { ForwardClock } from './forward-clock.ts';
import { SegmentNumbers } from './numbers.ts';
import type { manifest } from './plugin.ts';
import { Segmenter } from './segmenter.ts';

type Manifest = typeof manifest;

/** An output waits so long for the track that takes its place, ms: the GOP of another publisher and the start of an encoder. */
const TAKEN_WITHIN = 15_000;

export function create(ctx: Context<Manifest>): Running<Manifest> {
  const { segment } = ctx.config;
  // Another word after every start, so that a number given twice never means two contents.
  const writer = randomInt(36 ** 7, 36 ** 8).toString(36);
  const { index } = ctx.services;
  const numbers = new SegmentNumbers({ segment, clock: ctx.clock, index, log: ctx.log });
  return {
    async flow(flow) {
      await numbers.open(flow.cameraId);
      const time = new ForwardClock(await numbers.endOf(flow.cameraId));
      const packager = new CameraPackager(ctx, flow, writer, () => numbers.next(flow.cameraId), time);
      packager.open();
      return { drain: async () => packager.flush() };
    },
  };
}

/** One camera's tracks in and out. */
class CameraPackager {
  readonly #flow: Flow<Manifest>;
  readonly #time: ForwardClock;
  readonly #segmenter: Segmenter;
  /** Tracks coming in, by the name under which they leave. */
  readonly #inputs = new Map<TrackId, InputTrack<'frames'>>();
  readonly #writers = new Map<TrackId, TrackWriter<'chunks'>>();
  readonly #clock: Pick<Clock, 'after'>;
  /** Outputs that wait for the track that takes their place. */
  readonly #waiting = new Map<TrackId, { readonly writer: TrackWriter<'chunks'>; readonly cancel: () => void }>();
  readonly #full = new Set<TrackWriter<'chunks'>>();

  constructor(
    ctx: Context<Manifest>,
    flow: Flow<Manifest>,
    writer: string,
    nextNumber: () => number,
    time: ForwardClock,
  ) {
    this.#flow = flow;
    this.#clock = ctx.clock;
    this.#time = time;
    flow.scope.add(() => {
      for (const { cancel } of this.#waiting.values()) cancel();
    });
    this.#segmenter = new Segmenter({
      segment: ctx.config.segment,
      part: ctx.config.part,
      writer,
      nextNumber,
      sink: this.#sink(),
    });
  }

  open(): void {
    for (const pad of ['video', 'audio'] as const) {
      this.#flow.in[pad].onTrack((track) => this.#read(pad, track));
    }
  }

  /** Nothing more will come: what waits for a next frame goes out. */
  flush(): void {
    this.#segmenter.flush();
  }

  #read(pad: 'video' | 'audio', track: InputTrack<'frames'>): TrackReader<'frames'> {
    // Both pads may have a track of one name; what leaves needs two.
    const other = [...this.#inputs].some(([id, one]) => id === track.id && one.caps.kind !== track.caps.kind);
    const id = other ? `${pad}-${track.id}` : track.id;
    this.#inputs.set(id, track);
    const complain = this.#complainer(id);
    let input: SegmenterInput | undefined;
    try {
      // Data tracks are not accepted by either pad.
      input = this.#segmenter.addTrack(id, track.caps as VideoCaps | AudioCaps, this.#time.wrap(track.clock));
    } catch (error) {
      complain(error);
    }
    return {
      item: (unit) => {
        try {
          input?.unit(unit);
        } catch (error) {
          complain(error);
        }
        return this.#roomToGo();
      },
      discontinuity: (cause) => {
        input?.discontinuity(cause);
        return this.#roomToGo();
      },
      gap: (from, to, cause) => this.#writers.get(id)?.gap(from, to, cause),
      end: (cause) => {
        input?.end(cause);
        if (this.#inputs.get(id) === track) this.#inputs.delete(id);
        if (cause === 'replaced') return;
        this.#takeWaiting(id)?.end(cause);
      },
    };
  }

  /** The place of a track is to be taken, or nobody comes: a publisher with fewer tracks took over, and its players must not wait. */
  #wait(id: TrackId, writer: TrackWriter<'chunks'>): void {
    const cancel = this.#clock.after(TAKEN_WITHIN, () => this.#takeWaiting(id)?.end('stopped'));
    this.#waiting.set(id, { writer, cancel });
  }

  #takeWaiting(id: TrackId): TrackWriter<'chunks'> | undefined {
    const waiting = this.#waiting.get(id);
    waiting?.cancel();
    this.#waiting.delete(id);
    return waiting?.writer;
  }

  /** Bad bytes are dropped and told of once a track; anything else is our own mistake and fails the flow. */
  #complainer(track: TrackId): (error: unknown) => void {
    let told = false;
    return (error) => {
      if (!(error instanceof MediaError)) throw error;
      if (told) return;
      told = true;
      this.#flow.report({ code: 'package.cmaf/BAD_MEDIA', message: `${track}: ${error.message}` });
    };
  }

  /** A full link downstream holds the next frame back. */
  #roomToGo(): Promise<void> | undefined {
    if (this.#full.size === 0) return undefined;
    const full = [...this.#full];
    this.#full.clear();
    return Promise.all(full.map((writer) => writer.ready())).then(() => undefined);
  }

  #sink(): SegmenterSink {
    return {
      open: (id, caps) => {
        const from = this.#inputs.get(id);
        const replaces = this.#takeWaiting(id);
        const options = { ...(from && { from }), ...(replaces && { replaces }) };
        this.#writers.set(id, this.#flow.out.chunks.addTrack(id, caps, options));
      },
      chunk: (id, chunk) => {
        const writer = this.#writers.get(id)!;
        if (!writer.write(chunk)) this.#full.add(writer);
      },
      end: (id, cause) => {
        const writer = this.#writers.get(id)!;
        this.#writers.delete(id);
        if (cause === 'replaced') this.#wait(id, writer);
        else writer.end(cause);
      },
      gopTooLong: (id, seconds) => {
        const message = `${id}: no key frame for ${seconds.toFixed(1)} s, so a segment begins without one`;
        this.#flow.report({ code: 'package.cmaf/GOP_TOO_LONG', message });
      },
      requestKeyFrame: (id) => this.#inputs.get(id)?.requestKeyFrame(),
    };
  }
}

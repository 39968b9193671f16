/** The stage: each track of a camera goes through untouched or through a transcoder of its own. */
import type {
  AudioCaps,
  Context,
  EndCause,
  Flow,
  FlowHandlers,
  InputTrack,
  Running,
  TrackReader,
  TrackWriter,
} from 'eddy/plugin';
import { MediaError } from 'eddy/media';
import { sameCaps } from '../shared/same-caps.ts';
import { nameByCodec } from '../shared/track-name.ts';
import { createMeters, type Meters } from './meters.ts';
import { passes, planFor, type Plan } from './plan.ts';
import type { manifest } from './plugin.ts';
import { TrackTranscoder } from './track-transcoder.ts';

type Ctx = Context<typeof manifest>;
type Writer = TrackWriter<'frames'>;

/** A track whose caps change is followed by one that takes its place, at once; it is kept for so long, in ms. */
const SUCCESSOR_MS = 2000;

/** Makes the stage. */
export function create(ctx: Ctx): Running<typeof manifest> {
  const meters = createMeters(ctx.metrics, ctx.clock);
  return { flow: (flow) => new CameraAudio(ctx, flow, meters).open() };
}

/** A track that has ended for one that takes its place. */
interface Parked {
  readonly writer: Writer;
  readonly clock: unknown;
  cancel(): void;
}

/** One camera. */
class CameraAudio {
  readonly #ctx: Ctx;
  readonly #flow: Flow<typeof manifest>;
  readonly #meters: Meters;
  readonly #live = new Set<Writer>();
  /** By the id of the input track. */
  readonly #parked = new Map<string, Parked>();
  readonly #transcoders = new Set<TrackTranscoder>();

  constructor(ctx: Ctx, flow: Flow<typeof manifest>, meters: Meters) {
    this.#ctx = ctx;
    this.#flow = flow;
    this.#meters = meters;
  }

  open(): FlowHandlers {
    const { out } = this.#flow.out;
    this.#flow.scope.add(
      out.onWanted(() => {
        for (const transcoder of this.#transcoders) transcoder.look();
      }),
    );
    this.#flow.scope.add(async () => {
      for (const parked of this.#parked.values()) parked.cancel();
      await Promise.all([...this.#transcoders].map((transcoder) => transcoder.stop()));
    });
    this.#flow.in.in.onTrack((track) => this.#read(track));
    return {
      // Every track has ended by now, and given its last frame.
      drain: async () => {
        for (const id of [...this.#parked.keys()]) this.#close(this.#unpark(id)!.writer, 'stopped');
      },
    };
  }

  #read(track: InputTrack<'frames'>): TrackReader<'frames'> {
    // Only audio fits the pad.
    const caps = track.caps as AudioCaps;
    return passes(this.#ctx.config, caps) ? this.#pass(track, caps) : this.#transcode(track, caps);
  }

  #pass(track: InputTrack<'frames'>, caps: AudioCaps): TrackReader<'frames'> {
    const { writer, continues } = this.#open(track, track.id, caps);
    if (continues) writer.discontinuity('caps-changed');
    return {
      item: (unit) => (writer.write(unit) ? undefined : writer.ready()),
      discontinuity: (cause) => writer.discontinuity(cause),
      gap: (from, to, cause) => writer.gap(from, to, cause),
      end: (cause) => this.#ended(track, writer, cause),
    };
  }

  #transcode(track: InputTrack<'frames'>, caps: AudioCaps): TrackReader<'frames'> {
    const { config, services, clock, name } = this.#ctx;
    let plan: Plan;
    try {
      plan = planFor(config, caps);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      const message = `the configuration of the track "${track.id}" cannot be read: ${error.message}`;
      this.#flow.report({ code: 'transcode.audio/INPUT_UNDECODABLE', message });
      return { item: () => undefined };
    }
    const { writer, continues } = this.#open(track, undefined, plan.caps);
    const transcoder = new TrackTranscoder(caps, plan, writer, continues, {
      hosts: services.hosts,
      clock,
      log: this.#flow.log,
      meters: this.#meters,
      label: `${name} ${this.#flow.cameraId} ${track.id}`,
      wanted: () => this.#flow.out.out.wanted,
      report: (code, message) => this.#flow.report({ code, message }),
      onEnd: (ended, cause) => {
        this.#transcoders.delete(transcoder);
        this.#ended(track, ended, cause);
      },
    });
    this.#transcoders.add(transcoder);
    return transcoder;
  }

  /** The output track of an input track: that of the one before it where nothing has changed for those who read it. */
  #open(track: InputTrack<'frames'>, id: string | undefined, caps: AudioCaps): { writer: Writer; continues: boolean } {
    const before = track.replaces === undefined ? undefined : this.#unpark(track.replaces);
    const { clock } = track;
    const sameName = id === undefined || id === before?.writer.id;
    if (before && before.clock === clock && sameName && sameCaps(before.writer.caps as AudioCaps, caps)) {
      return { writer: before.writer, continues: true };
    }
    const taken = (candidate: string): boolean =>
      [...this.#live].some((writer) => writer.id === candidate && writer !== before?.writer);
    const name = id !== undefined && !taken(id) ? id : nameByCodec(track.id, caps.codec, taken);
    const options = before ? { from: track, replaces: before.writer } : { from: track };
    const writer = this.#flow.out.out.addTrack(name, caps, options);
    if (before) this.#live.delete(before.writer);
    this.#live.add(writer);
    return { writer, continues: false };
  }

  #ended(track: InputTrack<'frames'>, writer: Writer, cause: EndCause): void {
    if (cause !== 'replaced') return this.#close(writer, cause);
    const before = this.#unpark(track.id);
    if (before) this.#close(before.writer, cause);
    const cancel = this.#ctx.clock.after(SUCCESSOR_MS, () => {
      this.#parked.delete(track.id);
      this.#close(writer, cause);
    });
    this.#parked.set(track.id, { writer, clock: track.clock, cancel });
  }

  #unpark(id: string): Parked | undefined {
    const parked = this.#parked.get(id);
    parked?.cancel();
    this.#parked.delete(id);
    return parked;
  }

  #close(writer: Writer, cause: EndCause): void {
    this.#live.delete(writer);
    writer.end(cause);
  }
}

/**
 * The source as a ladder's top rung, passed through. It can be that only while its key frames come at one distance: the encoders then count
 * as many frames and begin at one of its key frames, and all rungs can be switched at the same moments.
 */
import type {
  AccessUnit,
  DiscontinuityCause,
  EndCause,
  FlowOutput,
  GapCause,
  InputTrack,
  TrackId,
  TrackWriter,
  VideoCaps,
} from 'eddy/plugin';
import { GopMeter } from './gop-meter.ts';
import type { PlannedRung } from './rungs.ts';

/** Frames a second of a source that does not say. */
const USUAL_FPS = 30;
/** GOPs of the source up to so many times what is asked for are as good. */
const GOP_TOLERANCE = 2;

/** Frames a second, as far as they are known. */
export const fpsOf = ({ frameRate }: VideoCaps): number => (frameRate ? frameRate.num / frameRate.den : USUAL_FPS);

/** True where a source has the size and the codec of this rung, of which nothing else was asked. */
export const canPass = ({ codec, width, height }: VideoCaps, top: PlannedRung | undefined): boolean =>
  top !== undefined &&
  top.codec === codec &&
  top.every === 1 &&
  top.gops === 1 &&
  top.profile === undefined &&
  top.height >= height - 1 &&
  top.width >= width - 1;

/** See the file's head. */
export class SourceRung {
  readonly #writer: TrackWriter<'frames'>;
  readonly #gops = new GopMeter();
  /** The longest GOP that is good enough, in frames. */
  readonly #longest: number;
  readonly #step: number;

  /**
   * `id`: under which it goes out; `gop`: what the other rungs would have by themselves, ms; `step`: of how many frames a GOP must be a
   * multiple for them to keep step.
   */
  constructor(track: InputTrack<'frames'>, out: FlowOutput<'frames'>, id: TrackId, gop: number, step: number) {
    this.#step = step;
    this.#longest = (gop / 1000) * GOP_TOLERANCE * fpsOf(track.caps as VideoCaps);
    this.#writer = out.addTrack(id, track.caps, { from: track });
    this.#writer.onKeyFrameRequest(() => track.requestKeyFrame());
  }

  /** Frames of a GOP, once that is known. */
  get gop(): number | undefined {
    return this.#gops.constant;
  }

  /** Counts a frame: false where it cannot be a rung any more, and this frame is no longer its. */
  count({ key }: AccessUnit): boolean {
    this.#gops.count(key);
    const { broken, constant = 0 } = this.#gops;
    return !broken && constant <= this.#longest && constant % this.#step === 0;
  }

  pass(unit: AccessUnit): void | Promise<void> {
    if (!this.#writer.write(unit)) return this.#writer.ready();
  }

  discontinuity(cause: DiscontinuityCause): void {
    this.#gops.interrupted();
    this.#writer.discontinuity(cause);
  }

  gap(from: number, to: number, cause: GapCause): void {
    this.#writer.gap(from, to, cause);
  }

  end(cause: EndCause): void {
    this.#writer.end(cause);
  }
}

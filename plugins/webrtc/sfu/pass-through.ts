/**
 * Frames that came in as frames, for those who want them here: a camera by RTMP where only `sfu.video` is linked. In
 * `rtmp.video | sfu.video -> cmaf.video` the first route is taken, nobody wants them here, and there is no such track.
 */
import type {
  AccessUnit,
  DiscontinuityCause,
  EndCause,
  FlowOutput,
  GapCause,
  InputTrack,
  TrackWriter,
} from 'eddy/plugin';

export class PassThrough {
  readonly kind: 'video' | 'audio';
  readonly #track: InputTrack<'frames'>;
  readonly #port: FlowOutput<'frames'>;
  #writer: TrackWriter<'frames'> | undefined;

  constructor(kind: 'video' | 'audio', track: InputTrack<'frames'>, port: FlowOutput<'frames'>) {
    this.kind = kind;
    this.#track = track;
    this.#port = port;
  }

  want(wanted: boolean): void {
    if (!wanted) return this.end('unwanted');
    if (this.#writer) return;
    this.#writer = this.#port.addTrack(this.#track.id, this.#track.caps, { from: this.#track });
    this.#writer.onKeyFrameRequest(() => this.#track.requestKeyFrame());
  }

  /** Does not wait where a link is full: viewers by WebRTC get the same frames, and a recorder must not slow them down. */
  item(unit: AccessUnit): void {
    this.#writer?.write(unit);
  }

  discontinuity(cause: DiscontinuityCause): void {
    this.#writer?.discontinuity(cause);
  }

  gap(from: number, to: number, cause: GapCause): void {
    this.#writer?.gap(from, to, cause);
  }

  end(cause: EndCause): void {
    this.#writer?.end(cause);
    this.#writer = undefined;
  }
}

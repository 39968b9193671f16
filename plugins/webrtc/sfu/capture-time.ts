/** When what is shown was captured, as RTP carries it and as frames tell it. */
import type { AccessUnit } from 'eddy/plugin';

/** The header extension (http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time): 64 bits of NTP time. */
export const ABS_CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
/** A capture time that is further off than this is none, ms. */
export const CAPTURE_OFF_MS = 10_000;
/** How much of a new reading counts: single frames tell their moment to some ms only. */
const WEIGHT = 0.1;

/** How long the frames of a camera take from its lens to this server: what all of them have in common. */
export class CaptureDelay {
  /** Undefined where no frame has told. */
  ms: number | undefined;

  /** `wall`: the frame's moment in server time, epoch ms. */
  note({ capturedAt }: Pick<AccessUnit, 'capturedAt'>, wall: number): void {
    if (capturedAt === undefined) return;
    const delay = wall - capturedAt;
    if (Math.abs(delay) > CAPTURE_OFF_MS) return;
    this.ms = this.ms === undefined ? delay : this.ms + (delay - this.ms) * WEIGHT;
  }
}

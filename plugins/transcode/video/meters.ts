/** Meters of the stage, over all its cameras; links count frames and bytes by camera. */
import type { Clock, Metrics } from 'eddy/plugin';

/** One picture in so many is timed. */
const SAMPLED = 30;

/** See the file's head. */
export interface Meters {
  started(): void;
  /** A picture came out; `arrivedAt` is when the frame that it was made of came to the process, epoch ms. */
  made(arrivedAt: number): void;
  lost(reason: 'restarting' | 'waiting-for-key-frame'): void;
}

/** Registers them. */
export function createMeters(metrics: Metrics, clock: Clock): Meters {
  const starts = metrics.counter('transcode_video_starts_total', 'Ladders started, restarts included.');
  const lost = metrics.counter('transcode_video_lost_total', 'Frames of video that were left out, by reason.');
  const delay = metrics.histogram(
    'transcode_video_delay_seconds',
    'From the arrival of a frame to the picture that was made of it.',
    [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
  );
  let pictures = 0;
  return {
    started: () => starts.add(),
    made: (arrivedAt) => {
      if (pictures++ % SAMPLED === 0) delay.observe((clock.now() - arrivedAt) / 1000);
    },
    lost: (reason) => lost.add(1, { reason }),
  };
}

/** Meters of the stage, over all its cameras; links count frames and bytes by camera. */
import type { Clock, Metrics } from 'eddy/plugin';

/** One frame in so many is timed. */
const SAMPLED = 50;

/** See the file's head. */
export interface Meters {
  started(): void;
  /** A frame came out; `arrivedAt` is when the input that it was made of came to the process, epoch ms. */
  made(arrivedAt: number): void;
  lost(reason: 'restarting' | 'malformed'): void;
  silence(seconds: number): void;
}

/** Registers them. */
export function createMeters(metrics: Metrics, clock: Clock): Meters {
  const starts = metrics.counter('transcode_audio_starts_total', 'Audio transcoders started, restarts included.');
  const lost = metrics.counter('transcode_audio_lost_total', 'Frames of audio that were left out, by reason.');
  const silence = metrics.counter('transcode_audio_silence_seconds_total', 'Silence put in where audio was missing.');
  const delay = metrics.histogram(
    'transcode_audio_delay_seconds',
    'From the arrival of audio to what was made of it.',
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
  );
  let frames = 0;
  return {
    started: () => starts.add(),
    made: (arrivedAt) => {
      if (frames++ % SAMPLED === 0) delay.observe((clock.now() - arrivedAt) / 1000);
    },
    lost: (reason) => lost.add(1, { reason }),
    silence: (seconds) => silence.add(seconds),
  };
}

/** Whether those who read a track would notice that it became another. */
import type { AudioCaps, VideoCaps } from 'eddy/plugin';

/** True where nothing of what a decoder or a playlist goes by has changed. */
export function sameCaps<T extends AudioCaps | VideoCaps>(a: T, b: T): boolean {
  return (
    a.codecString === b.codecString &&
    a.timescale === b.timescale &&
    a.bitrate === b.bitrate &&
    languageOf(a) === languageOf(b) &&
    Buffer.compare(a.config, b.config) === 0
  );
}

const languageOf = (caps: AudioCaps | VideoCaps): string | undefined =>
  caps.kind === 'audio' ? caps.language : undefined;

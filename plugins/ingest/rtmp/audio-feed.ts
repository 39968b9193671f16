/** Audio messages as one track: AAC by its configuration, Opus by its head or its packets, MP3 by its first frame. */
import { audioCapsFromConfig, buildDops, type FlvAudio } from 'eddy/media';
import type { AudioCodec, FlowOutput, TrackWriter } from 'eddy/plugin';
import { parsing, RTMP_TIMESCALE, TrackSlot, type FeedHooks, type FrameSink } from './track-feed.ts';

type AudioMessage = Exclude<FlvAudio, { type: 'refused' }>;

/** See the file's head. */
export class AudioFeed implements FrameSink<AudioMessage> {
  readonly #slot: TrackSlot;
  readonly #hooks: FeedHooks;

  constructor(output: FlowOutput<'frames'>, hooks: FeedHooks) {
    this.#slot = new TrackSlot(output, 'audio', hooks);
    this.#hooks = hooks;
  }

  get writer(): TrackWriter<'frames'> | undefined {
    return this.#slot.writer;
  }

  take(message: AudioMessage, ms: number, arrivedAt: number): void {
    switch (message.type) {
      case 'config':
        return this.#configure(message.codec, Uint8Array.from(message.config));
      case 'frame':
        return this.#frame(message.codec, message.data, ms, arrivedAt);
      case 'end':
      case 'ignored':
        return;
    }
  }

  #configure(codec: AudioCodec, config: Uint8Array): void {
    if (this.#slot.has(codec, config)) return;
    const caps = parsing(() => audioCapsFromConfig(codec, config, RTMP_TIMESCALE));
    const bitrate = this.#hooks.metadata.audioBitrate;
    this.#slot.open(codec, config, bitrate ? { ...caps, bitrate: Math.round(bitrate) } : caps);
  }

  #frame(codec: AudioCodec, data: Uint8Array, ms: number, arrivedAt: number): void {
    if (this.#slot.codec !== codec) {
      const config = configInFrame(codec, data);
      if (!config) {
        this.#hooks.drop('config-missing');
        return this.#hooks.report('CONFIG_MISSING', `audio frames of ${codec} without a sequence header`);
      }
      this.#configure(codec, config);
    }
    this.#slot.write(ms, 0, true, data, arrivedAt);
  }
}

/** What stands for the configuration where the codec allows to leave it out. */
function configInFrame(codec: AudioCodec, data: Uint8Array): Uint8Array | undefined {
  switch (codec) {
    case 'mp3':
      return data.subarray(0, 4);
    case 'opus': {
      // E-RTMP makes the head optional; the packet's TOC byte tells mono from stereo (RFC 6716 3.1).
      const channels = data[0]! & 4 ? 2 : 1;
      return buildDops({
        channels,
        preSkip: 0,
        inputRate: 48_000,
        gain: 0,
        mappingFamily: 0,
        mapping: new Uint8Array(0),
      });
    }
    case 'aac':
      return undefined;
  }
}

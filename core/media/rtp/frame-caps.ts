/** What a frame that came by RTP says of its stream. */
import type { VideoCaps, VideoCodec } from '../../model/index.ts';
import { videoCapsFromConfig, videoCapsFromKeyFrame } from '../track-caps.ts';
import type { RtpFrame } from './depacketizer.ts';

/** Caps of a video track from one of its key frames; undefined where it has no parameter sets. Throws a MediaError. */
export function videoCapsFromRtp(
  codec: VideoCodec,
  { config, data }: RtpFrame,
  clockRate: number,
): VideoCaps | undefined {
  return config ? videoCapsFromConfig(codec, config, clockRate) : videoCapsFromKeyFrame(codec, data, clockRate);
}

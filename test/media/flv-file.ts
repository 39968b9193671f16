/** An FLV file as two tracks of access units. */
import { audioCapsFromConfig, parseFlvAudio, parseFlvVideo, videoCapsFromConfig } from '../../core/media/index.ts';
import type { AccessUnit, AudioCaps, VideoCaps } from '../../core/model/index.ts';
import { EPOCH } from '../unit/package/harness.ts';

export interface Stream {
  caps: VideoCaps | AudioCaps;
  units: AccessUnit[];
}

/** The tracks of an FLV file, as our RTMP ingest would hand them over. */
export function fromFlv(flv: Buffer): { video?: Stream; audio?: Stream } {
  const streams: { video?: Stream; audio?: Stream } = {};
  for (let at = 13; at + 11 < flv.length;) {
    const [type, size] = [flv[at]!, flv.readUIntBE(at + 1, 3)];
    const dts = flv.readUIntBE(at + 4, 3) + flv[at + 7]! * 2 ** 24;
    const body = flv.subarray(at + 11, at + 11 + size);
    at += 15 + size;
    if (type === 9) {
      const tag = parseFlvVideo(body);
      if (tag.type === 'config') streams.video = { caps: videoCapsFromConfig(tag.codec, tag.config, 1000), units: [] };
      if (tag.type === 'frame') {
        const { key, data } = tag;
        streams.video!.units.push({ dts, pts: dts + tag.compositionOffset, key, data, arrivedAt: EPOCH + dts });
      }
    } else if (type === 8) {
      const tag = parseFlvAudio(body);
      if (tag.type === 'config') streams.audio = { caps: audioCapsFromConfig(tag.codec, tag.config, 1000), units: [] };
      if (tag.type === 'frame')
        streams.audio!.units.push({ dts, pts: dts, key: true, data: tag.data, arrivedAt: EPOCH + dts });
    }
  }
  return streams;
}

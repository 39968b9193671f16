/** Key frames of the past: which segment holds the one for a moment, and what it is. */
import {
  segmentName,
  ticksToMs,
  type AccessUnit,
  type CameraId,
  type Segment,
  type Timeline,
  type VideoCaps,
  type VideoCodec,
} from 'eddy/plugin';
import { readChunks, readInitSegment, videoConfigOf, type ReadSample } from 'eddy/media';
import { initNameOf } from '../shared/past-media.ts';

/** How far before a moment its key frame is looked for, ms: more than the longest GOP. */
const WITHIN = 30_000;
/** A rendition whose last media is so much older than another's had stopped, ms. */
const STOPPED = 1000;

/** A key frame with the track's caps, and what tells it from every other one. */
export interface PastKeyFrame {
  readonly name: string;
  /** Server time of its presentation, epoch ms. */
  readonly at: number;
  readonly caps: VideoCaps;
  readonly unit: AccessUnit;
}

/** See the file's head. */
export class PastFrames {
  readonly #timeline: Timeline;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** Segments that overlap a stretch, of one track where that is given. */
  segments(cameraId: CameraId, start: number, end: number, track?: string): Promise<Segment[]> {
    return this.#timeline.segments(cameraId, { start, end }, track);
  }

  /** The key frame at or before a moment, of the rendition that comes nearest to a width from above, else of the widest. */
  async at(cameraId: CameraId, moment: number, width: number): Promise<PastKeyFrame | undefined> {
    const found = await this.segments(cameraId, moment - WITHIN, moment + 1);
    const candidates: { readonly caps: VideoCaps; readonly segment: Segment; readonly track: Segment[] }[] = [];
    for (const track of Map.groupBy(found, (one) => one.track).values()) {
      const segment = track.at(-1)!;
      const caps = await this.caps(cameraId, segment);
      if (caps) candidates.push({ caps, segment, track });
    }
    const newest = Math.max(...candidates.map(({ segment }) => endOf(segment)));
    const there = candidates.filter(({ segment }) => newest - endOf(segment) < STOPPED);
    there.sort((a, b) => a.caps.width - b.caps.width);
    const chosen = there.find(({ caps }) => caps.width >= width) ?? there.at(-1);
    for (const segment of chosen?.track.toReversed() ?? []) {
      const keyFrame = await this.#last(cameraId, segment, moment);
      if (keyFrame) return keyFrame;
    }
    return undefined;
  }

  /** The key frame with which a segment begins; undefined where it has gone, or begins with none. */
  async first(cameraId: CameraId, segment: Segment): Promise<AccessUnit | undefined> {
    const [first] = await this.#samples(cameraId, segment);
    return first?.key ? unitOf(first) : undefined;
  }

  /** The caps of a segment's track; undefined where it is sound, or where nobody knows any more. */
  async caps(cameraId: CameraId, segment: Segment): Promise<VideoCaps | undefined> {
    const generation = await this.#timeline.generation(cameraId, segment.track, initNameOf(segment));
    const { kind, codec, codecString, timescale, init, width, height } = generation?.caps ?? {};
    if (kind !== 'video' || !init || !width || !height || !timescale || !codecString) return undefined;
    const config = videoConfigOf(readInitSegment(init));
    return { kind, codec: codec as VideoCodec, codecString, timescale, width, height, config };
  }

  /** The last key frame of a segment at or before a moment. */
  async #last(cameraId: CameraId, segment: Segment, moment: number): Promise<PastKeyFrame | undefined> {
    const samples = await this.#samples(cameraId, segment);
    const timeOf = ({ pts }: ReadSample): number =>
      segment.startTs + ticksToMs(pts - samples[0]!.pts, segment.timescale);
    // A segment's own time is in ms, and the moment may be that.
    const index = samples.findLastIndex((sample) => sample.key && timeOf(sample) < moment + 1);
    const caps = index < 0 ? undefined : await this.caps(cameraId, segment);
    const sample = samples[index];
    return sample && caps && { name: `${segment.id} ${index}`, at: timeOf(sample), caps, unit: unitOf(sample) };
  }

  async #samples(cameraId: CameraId, segment: Segment): Promise<ReadSample[]> {
    const data = await this.#timeline.read(cameraId, segment.track, segmentName(segment));
    return data ? readChunks(data).flatMap(({ samples }) => samples) : [];
  }
}

const endOf = ({ startTs, duration }: Segment): number => startTs + duration;

/** A copy, so that it does not hold its whole segment. */
const unitOf = ({ dts, pts, data }: ReadSample): AccessUnit => ({
  dts,
  pts,
  key: true,
  data: data.slice(),
  arrivedAt: 0,
});

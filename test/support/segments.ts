/** Segments without media behind them, for whoever only indexes them. */
import { segmentName, type Segment } from 'eddy/plugin';
import { START } from './chunks.ts';

export { START };

/** Segment `number` of two seconds, which begins `number * 2` seconds after {@link START}. */
export function indexedSegment(number: number, changes: Partial<Segment> = {}): Segment {
  const base = { cameraId: 'cam1', track: 'video', number, startTs: START + number * 2000, writer: 'w1', ...changes };
  const id = `${base.cameraId}/${base.track}/${segmentName(base)}`;
  return {
    id,
    url: id,
    duration: 2000,
    initUrl: `${base.cameraId}/${base.track}/init-0.${base.writer}.mp4`,
    bytes: 500_000 + number,
    timescale: 90_000,
    baseTime: number * 180_000,
    durationTicks: 180_000,
    discontinuity: false,
    independent: true,
    codecString: 'avc1.64001f',
    ...base,
  };
}

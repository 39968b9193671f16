/** What viewers of a camera go without since a track of it does not fit: told as a state, with what mends it. */
import { Timeline } from '../contracts/index.ts';
import type { CheckedLink, CheckedNode } from '../graph/checked.ts';
import type { CameraStatus } from '../plugin/index.ts';
import { providedBy } from '../plugin/registry.ts';

type Tracks = CameraStatus['tracks'];
type Limits = CameraStatus['limits'];

/** Where recordings are made: the stages that keep a past, those that feed them, and all that lead there. */
export interface RecordingPath {
  /** A track that is carried into one of these is recorded. */
  readonly last: ReadonlySet<string>;
  /** A track that is refused by one of these may not be. */
  readonly all: ReadonlySet<string>;
}

/** The stages of a graph that recordings pass through; none in a pipeline without a timeline. */
export function recordingPath(nodes: readonly CheckedNode[], links: readonly CheckedLink[]): RecordingPath {
  const keepers = nodes.filter(({ plugin }) => providedBy(plugin, Timeline) !== undefined).map(({ name }) => name);
  const feeding = (stages: ReadonlySet<string>): Set<string> =>
    new Set([...stages, ...links.filter(({ to }) => stages.has(to.stage)).flatMap(sources)]);
  const last = feeding(new Set(keepers));
  let all = last;
  for (let before = 0; before !== all.size;) {
    before = all.size;
    all = feeding(all);
  }
  return { last, all };
}

const sources = ({ from }: CheckedLink): string[] => from.map(({ stage }) => stage);
const kindOf = ({ caps }: Tracks[number]): unknown => caps.kind;

/**
 * `no-dvr`: of a kind of media nothing is recorded, since the recording path refuses its codec. A pipeline that records
 * nothing has no such cameras, and a track that another stage transcodes for the recording is none.
 */
export function limitsOf(tracks: Tracks, path: RecordingPath): Limits {
  const stageOf = (to: string): string => to.slice(0, to.indexOf('.'));
  const limits = new Map<unknown, Limits[number]>();
  for (const track of tracks) {
    const kind = kindOf(track);
    if ((kind !== 'video' && kind !== 'audio') || limits.has(kind)) continue;
    const refused = track.links.find(({ to, code }) => code === 'LINK_INACTIVE' && path.all.has(stageOf(to)));
    if (!refused) continue;
    const isRecorded = tracks.some(
      (other) => kindOf(other) === kind && other.links.some(({ to, active }) => active && path.last.has(stageOf(to))),
    );
    if (isRecorded) continue;
    const { stage, pad, track: id } = track;
    const { to, reason = '', mend = '' } = refused;
    limits.set(kind, { limit: 'no-dvr', kind, code: 'CAMERA_NO_DVR', stage, pad, track: id, to, reason, mend });
  }
  return [...limits.values()];
}

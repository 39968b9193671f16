/** Which ladders lose rungs last: priorities by camera. */
import { isCameraPattern, matchesCamera, type CameraId, type ConfigProblem } from 'eddy/plugin';

/** Priorities by a camera or a prefix with `*`. */
export type Priorities = Readonly<Record<string, number>>;

/** The highest of those that name this camera; 0 where none does. */
export function priorityOf(priorities: Priorities, cameraId: CameraId): number {
  const named = Object.entries(priorities).filter(([pattern]) => matchesCamera(pattern, cameraId));
  return Math.max(0, ...named.map(([, value]) => value));
}

/** What is wrong with their keys: one that can name no camera would be ignored without a word. */
export function checkPriorities(priorities: Priorities): readonly ConfigProblem[] {
  return Object.keys(priorities)
    .filter((pattern) => !isCameraPattern(pattern))
    .map((pattern) => {
      const meant = nearestPattern(pattern);
      const question = meant === undefined ? '' : `; did you mean ${JSON.stringify(meant)}?`;
      const message = `"priority" names ${JSON.stringify(pattern)}, which can be no camera${question}`;
      return {
        ...{ code: 'PRIORITY_NAMES_NO_CAMERA', key: 'priority', message },
        ...(meant !== undefined && { mend: `Write ${JSON.stringify(meant)} instead of ${JSON.stringify(pattern)}` }),
      };
    });
}

/** As paths, globs and other alphabets are turned into what a pattern can be; undefined where nothing sensible is left. */
function nearestPattern(written: string): string | undefined {
  const star = written.indexOf('*');
  const name = (star < 0 ? written : written.slice(0, star)).normalize('NFD').replace(/\p{Mark}/gu, '');
  const plain = name
    .trim()
    .replace(/[/:\\]+/g, '.')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[._-]+|(?<=[A-Za-z0-9])-+$/g, '');
  // A star that was not at the end said less than one that now is.
  const meant = star >= 0 && (plain !== '' || /^\**$/.test(written)) ? `${plain}*` : plain;
  return isCameraPattern(meant) ? meant : undefined;
}

/** Whether a change of the configuration takes anything away. */
import type { TimedRights } from '../shared/fields.ts';

/** Limits that are less where the number is; absent is no limit. */
const CEILINGS = ['rewind', 'max-bitrate', 'max-lines', 'sessions', 'until'] as const;
/** Lists outside of which nothing is let in; absent is no limit. */
const WHITE_LISTS = ['origins', 'addresses'] as const;

/** True where the rights were more before. */
export function isLess(after: TimedRights, before: TimedRights): boolean {
  return (
    !before.cameras.every((camera) => after.cameras.includes(camera)) ||
    !before.actions.every((action) => after.actions.includes(action)) ||
    CEILINGS.some((key) => (after[key] ?? Infinity) < (before[key] ?? Infinity)) ||
    WHITE_LISTS.some((key) => narrows(after[key], before[key])) ||
    (after.role === 'read-only' && before.role !== 'read-only') ||
    (after.from ?? 0) > (before.from ?? 0)
  );
}

function narrows(after: readonly string[] | undefined, before: readonly string[] | undefined): boolean {
  if (after === undefined) return false;
  return before === undefined || !before.every((entry) => after.includes(entry));
}

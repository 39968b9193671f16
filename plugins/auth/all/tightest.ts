/** What several grants have in common. */
import type { Action, Grant } from 'eddy/plugin';
import { commonRanges } from './common-ranges.ts';

/** Limits of which the least holds. */
const CEILINGS = ['expiresAt', 'rewind', 'maxBitrate', 'maxLines', 'sessions', 'recheck'] as const;

/**
 * The grant that keeps to each of these; undefined where no address keeps to all of them. An `asked` action is what a grant without
 * `actions` is for.
 */
export function tightest(grants: readonly Grant[], asked: Action): Grant | undefined {
  const subject = grants.find((grant) => grant.subject !== 'anonymous')?.subject ?? 'anonymous';
  const listed = grants.map(({ actions }) => actions ?? [asked]);
  const actions = listed.reduce((common, list) => common.filter((action) => list.includes(action)));
  const ceilings = CEILINGS.flatMap((key) => {
    const values = grants.flatMap((grant) => grant[key] ?? []);
    return values.length > 0 ? [[key, Math.min(...values)] as const] : [];
  });
  const addresses = common(grants, 'addresses', commonRanges);
  if (addresses?.length === 0) return undefined;
  const origins = common(grants, 'origins', (a, b) => a.filter((origin) => b.includes(origin)));
  return {
    allowed: true,
    subject,
    actions,
    ...Object.fromEntries(ceilings),
    ...(origins && { origins }),
    ...(addresses && { addresses }),
    ...(grants.some(({ role }) => role === 'read-only') && { role: 'read-only' as const }),
    ...(grants.some(({ onOutage }) => onOutage === 'end') && { onOutage: 'end' as const }),
  };
}

type Lists = (a: readonly string[], b: readonly string[]) => readonly string[];

function common(grants: readonly Grant[], key: 'origins' | 'addresses', join: Lists): readonly string[] | undefined {
  const lists = grants.flatMap((grant) => (grant[key] === undefined ? [] : [grant[key]]));
  return lists.length > 0 ? lists.reduce(join) : undefined;
}

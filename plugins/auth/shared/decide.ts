/** From rights to the engine's answer. Whoever grants may differ, what a grant says does not. */
import { matchesCamera, type AccessRequest, type Action, type Decision, type Grant } from 'eddy/plugin';
import type { Limits, Rights } from './fields.ts';

/** When something is good, epoch ms. */
interface Timed {
  readonly from: number | undefined;
  readonly until: number | undefined;
}

/** What the holder brought, for messages: `This key ...`. */
export type Brought = 'key' | 'token' | 'account';

type Refusal = Extract<Decision, { allowed: false }>;

/** A refusal to somebody who must bring other credentials (401). */
export const unauthenticated = (message: string): Refusal => ({ allowed: false, reason: 'unauthenticated', message });

/** A refusal to somebody whose credentials are good, but not for this (403). */
export const forbidden = (message: string): Refusal => ({ allowed: false, reason: 'forbidden', message });

/** True where the rights reach as far as the question. */
export function permits(to: Pick<Rights, 'actions' | 'cameras'>, { action, cameraId }: AccessRequest): boolean {
  return to.actions.includes(action) && reaches(to.cameras, cameraId);
}

/** The whole pipeline is more than the cameras of one tenant. */
function reaches(cameras: readonly string[], cameraId: AccessRequest['cameraId']): boolean {
  return cameraId === undefined ? cameras.includes('*') : cameras.some((pattern) => matchesCamera(pattern, cameraId));
}

/** Grants or refuses; the message says of these rights alone what they lack, and nothing of what exists. */
export function decideBy(
  rights: Rights & Partial<Timed>,
  subject: string,
  request: AccessRequest,
  brought: Brought,
): Decision {
  if (permits(rights, request)) return grantOf(rights, subject);
  if (!rights.actions.includes(request.action)) {
    const may = rights.actions.length > 0 ? rights.actions.join(', ') : 'nothing';
    return forbidden(`This ${brought} does not let you ${DOING[request.action]}; it is good for: ${may}.`);
  }
  return request.cameraId === undefined
    ? forbidden(`This ${brought} is good for some cameras; administering the pipeline needs cameras "*".`)
    : forbidden(`This ${brought} is not good for this camera.`);
}

/** The grant of rights that reach as far as the question: with everything else that they are good for there. */
export function grantOf(rights: Rights & Partial<Timed>, subject: string): Grant {
  const expiry = rights.until === undefined ? {} : { expiresAt: rights.until };
  return { allowed: true, subject, actions: rights.actions, ...expiry, ...limitsOf(rights) };
}

/** The limits that are set, as the contract names them. */
export function limitsOf(limits: Limits): Partial<Grant> {
  const grant: Partial<Grant> = {
    rewind: limits.rewind,
    maxBitrate: limits['max-bitrate'],
    maxLines: limits['max-lines'],
    sessions: limits.sessions,
    origins: limits.origins,
    addresses: limits.addresses,
    role: limits.role,
  } as Partial<Grant>;
  return Object.fromEntries(Object.entries(grant).filter(([, value]) => value !== undefined));
}

const DOING: Readonly<Record<Action, string>> = {
  publish: 'publish',
  watch: 'watch',
  rewind: 'rewind',
  export: 'export',
  admin: 'administer this pipeline',
};

/** How long that is, as people say it: `40 s`, `3 min`, `2 h`, `5 d`. */
export function howLong(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 172_800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

/** Refuses outside of the time for which something is good. */
export function outsideOf({ from, until }: Timed, now: number, brought: Brought): Refusal | undefined {
  if (until !== undefined && until <= now) {
    return unauthenticated(`This ${brought} expired ${howLong(now - until)} ago.`);
  }
  if (from !== undefined && from > now) {
    return unauthenticated(`This ${brought} is not good yet; it will be in ${howLong(from - now)}.`);
  }
  return undefined;
}

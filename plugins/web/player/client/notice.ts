/** Why a camera plays by LL-HLS although WebRTC is there. */
import type { Refusal } from '../../shared/client/refusal.ts';
import type { Failure } from './playback.ts';

/** See the file's head. */
export interface Notice {
  readonly title: string;
  readonly detail: string;
  readonly mend?: string | undefined;
  readonly code?: string | undefined;
  readonly refusal?: Refusal | undefined;
  readonly blocked?: boolean | undefined;
}

/** This server has no such route: no stage webrtc.whep. */
export function isNoEndpoint({ status, code }: Refusal): boolean {
  return status === 405 || status === 501 || (status === 404 && (code === undefined || code === 'HTTP_NOT_FOUND'));
}

/** What to say after this failure of WebRTC. */
export function noticeOf({ refusal, blocked, text }: Failure): Notice {
  const title = 'Playing by LL-HLS.';
  if (refusal) {
    const { message, mend, code, status } = refusal;
    return { title, detail: message ?? `WebRTC was answered ${status}.`, mend, code, refusal };
  }
  if (blocked) {
    return {
      title,
      blocked,
      detail: 'WebRTC is blocked on the way: neither UDP nor TCP gets through.',
      mend: 'Open the port of webrtc.workers, or give it a TURN server.',
    };
  }
  return { title, detail: `WebRTC does not hold: ${text}.` };
}

/** The server's API, with the token of the page's own address. */
import type { CameraView, Refusal } from './why.ts';

const own = new URLSearchParams(location.search);

/** The token that this page was opened with. */
export const token: string | null = own.get('token');

/** The address with the token passed on. */
export function withToken(address: string): string {
  if (token === null) return address;
  return `${address}${address.includes('?') ? '&' : '?'}token=${encodeURIComponent(token)}`;
}

/** Opens this page again with another token. */
export function reopenWith(given: string): void {
  own.set('token', given);
  location.search = own.toString();
}

/** A JSON answer, a refusal, or undefined where the server did not answer. */
async function ask<T extends object>(address: string): Promise<T | Refusal | undefined> {
  try {
    const answer = await fetch(withToken(address), { signal: AbortSignal.timeout(8000), cache: 'no-store' });
    if (answer.ok) return (await answer.json()) as T;
    return await refusalOf(answer);
  } catch {
    return undefined;
  }
}

async function refusalOf(answer: Response): Promise<Refusal> {
  const said = (await answer.json().catch(() => ({}))) as Omit<Refusal, 'status'>;
  return { ...said, status: answer.status };
}

/** All cameras that may be watched. */
export const listCameras = (): Promise<{ cameras: CameraView[] } | Refusal | undefined> => ask('/api/v1/cameras');

/** One camera. */
export const getCamera = (cameraId: string): Promise<CameraView | Refusal | undefined> =>
  ask(`/api/v1/cameras/${encodeURIComponent(cameraId)}`);

/** How a playlist is refused; undefined where it is served, or the server does not answer. */
export async function playlistRefusal(address: string): Promise<Refusal | undefined> {
  try {
    const answer = await fetch(withToken(address), { signal: AbortSignal.timeout(8000), cache: 'no-store' });
    if (!answer.ok) return await refusalOf(answer);
    void answer.body?.cancel();
    return undefined;
  } catch {
    return undefined;
  }
}

/**
 * How far the server's clock is ahead of this machine's, ms: of several questions the one with the quickest answer
 * counts, since its error is at most half its round trip.
 */
export async function serverClockOffset(): Promise<number | undefined> {
  let best: { roundTrip: number; offset: number } | undefined;
  for (let attempt = 0; attempt < 4; attempt++) {
    const sent = Date.now();
    const answer = await ask<{ now: number }>('/api/v1/time');
    const got = Date.now();
    if (answer === undefined || 'status' in answer) continue;
    const roundTrip = got - sent;
    if (!best || roundTrip < best.roundTrip) best = { roundTrip, offset: answer.now - (sent + got) / 2 };
  }
  return best?.offset;
}

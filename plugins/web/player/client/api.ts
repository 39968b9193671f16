/** What the player asks the server. */
import type { Refusal } from '../../shared/client/refusal.ts';
import { ask, refusalOf, withToken } from '../../shared/client/server.ts';
import type { Span } from './spans.ts';
import type { CameraView } from './why.ts';

/** All cameras that may be watched. */
export const listCameras = (): Promise<{ cameras: CameraView[] } | Refusal | undefined> => ask('/api/v1/cameras');

/** One camera. */
export const getCamera = (cameraId: string): Promise<CameraView | Refusal | undefined> =>
  ask(`/api/v1/cameras/${encodeURIComponent(cameraId)}`);

/** The camera's latest key frame as a picture. */
export const posterOf = (cameraId: string): string =>
  withToken(`/api/v1/cameras/${encodeURIComponent(cameraId)}/poster.jpg`);

/** The picture of a moment of the past, epoch ms. */
export const pictureAt = (cameraId: string, moment: number): string =>
  withToken(`/api/v1/cameras/${encodeURIComponent(cameraId)}/thumbnail.jpg?at=${Math.round(moment)}`);

/** What was recorded of the camera, from this moment (epoch ms) on or from the oldest. */
export const getTimeline = (cameraId: string, from?: number): Promise<{ spans: Span[] } | Refusal | undefined> =>
  ask(
    `/api/v1/cameras/${encodeURIComponent(cameraId)}/timeline${from === undefined ? '' : `?start=${Math.round(from)}`}`,
  );

/** Tells the server how far this player is behind, seconds; by WebRTC its session is told instead. */
export function reportLatency(cameraId: string, seconds: number): void {
  const address = withToken(`/api/v1/cameras/${encodeURIComponent(cameraId)}/latency`);
  const body = JSON.stringify({ latency: seconds * 1000, path: 'hls' });
  fetch(address, { method: 'POST', body, headers: { 'content-type': 'application/json' } }).catch(() => undefined);
}

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

/** Where pictures and sound come from. */
import { startTestCard, type TestCardOptions } from './test-card.ts';

export type SourceName = 'camera' | 'screen' | 'card';

/** True for the name of one. */
export const isSource = (name: string | null | undefined): name is SourceName =>
  name === 'camera' || name === 'screen' || name === 'card';

/** Opens one; `device` is a camera's id. Rejects as the browser does: refused, not there, or in use. */
export async function openSource(source: SourceName, device: string, card: TestCardOptions): Promise<MediaStream> {
  if (source === 'card') return startTestCard(card);
  // Only over HTTPS, and on localhost, browsers let a page ask at all.
  if (!navigator.mediaDevices) throw new DOMException('needs HTTPS', 'InsecureError');
  if (source === 'screen') {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 30 }, audio: true });
    // Letters are worth more than motion here.
    for (const track of stream.getVideoTracks()) track.contentHint = 'detail';
    return stream;
  }
  const video = {
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30 },
    ...(device ? { deviceId: { exact: device } } : {}),
  };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio: true });
  } catch (error) {
    // A machine without a microphone still has a picture.
    if (!(error instanceof DOMException) || error.name !== 'NotFoundError') throw error;
    return navigator.mediaDevices.getUserMedia({ video });
  }
}

/** Cameras of this machine; their names are known once one was allowed. */
export async function listDevices(): Promise<readonly MediaDeviceInfo[]> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return all.filter(({ kind, label }) => kind === 'videoinput' && label !== '');
}

/** What went wrong with a source, and what helps. */
export function explainSource(source: SourceName, error: unknown): { title: string; detail: string; mend?: string } {
  const name = error instanceof DOMException ? error.name : '';
  const what = source === 'screen' ? 'screen' : 'camera';
  if (name === 'InsecureError')
    return {
      title: 'This page may not ask for it',
      detail: 'Browsers give camera and screen only to pages that came by HTTPS, or from this machine itself.',
      mend: 'Open it by HTTPS, or as http://localhost.',
    };
  if (name === 'NotAllowedError')
    return {
      title: `The ${what} was not allowed`,
      detail: 'The browser, or the system below it, said no.',
      mend: 'Allow it in the address bar, then choose it again.',
    };
  if (name === 'NotFoundError' || name === 'OverconstrainedError')
    return {
      title: `There is no ${what}`,
      detail: 'This machine has none that fits.',
      mend: 'The test card needs none.',
    };
  if (name === 'NotReadableError')
    return {
      title: `The ${what} is in use`,
      detail: 'Another program holds it.',
      mend: 'Close that program, or take another device.',
    };
  return { title: `The ${what} does not open`, detail: String(error) };
}

/** Consumers for what a viewer is to be shown next, made before anything that it sees is changed. */
import { asEddyError, type RtpHandle } from 'eddy/plugin';
import type { Refusals } from '../shared/gateway/refusal.ts';
import type { LiveCamera } from './live-camera.ts';
import type { Limits } from './quality.ts';
import type { Prepared, Slot } from './slot.ts';

/** What each slot is to show; undefined where the camera has nothing for it. */
export type PreparedSlots = ReadonlyMap<Slot, Prepared | undefined>;

/**
 * Consumers for all of these slots, or none: a camera is shown whole. Rejects with CODEC_UNFIT where the viewer cannot
 * decode one of its streams, and as the routers do.
 */
export async function prepareSlots(
  camera: LiveCamera,
  slots: readonly Slot[],
  limits: Limits,
  refusals: Refusals,
): Promise<PreparedSlots> {
  const prepared = new Map<Slot, Prepared | undefined>();
  try {
    for (const slot of slots) {
      const handle = camera.handle(slot.kind);
      prepared.set(slot, handle && (await consume(camera, slot, handle, limits)));
    }
    return prepared;
  } catch (error) {
    for (const each of prepared.values()) each?.consumer.close();
    const { code, message } = asEddyError(error);
    if (code !== 'WEBRTC_CODEC_UNFIT') throw error;
    throw refusals.own('CODEC_UNFIT', 409, `"${camera.cameraId}" cannot be shown here: ${message}.`);
  }
}

async function consume(camera: LiveCamera, slot: Slot, handle: RtpHandle, limits: Limits): Promise<Prepared> {
  try {
    return await slot.prepare(handle, limits);
  } catch (error) {
    if (asEddyError(error).code === 'WEBRTC_HANDLE_GONE') camera.forget(handle);
    throw error;
  }
}

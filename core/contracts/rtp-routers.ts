/** RtpRouters: the SFU's routers, where `rtp` handles live. Filled by the WebRTC plugins. */
import type { CameraId } from '../model/index.ts';
import { contract } from './contract.ts';

/** The contract. */
export interface RtpRouters {
  /** The router that carries this camera, made at the first call. */
  routerOf(cameraId: CameraId): Promise<{ readonly routerId: string }>;
}

/** The token. */
export const RtpRouters = contract<RtpRouters>('rtp-routers', 1, "Holds the SFU's routers and resolves rtp handles.");

import { startSfu } from '../support/sfu.ts';
import { rtpRoutersContract } from './rtp-routers.ts';

rtpRoutersContract('webrtc.workers', () => startSfu());

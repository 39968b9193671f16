/** mediasoup's figures of one RTP stream as the contract has them. */
import type { types } from 'mediasoup';
import type { StreamStats } from 'eddy/plugin';

/** From a producer's or a consumer's `getStats()`. */
export function streamStats(stat: types.ProducerStat | types.ConsumerStat): StreamStats {
  return {
    ssrc: stat.ssrc,
    ...(stat.rid === undefined ? {} : { rid: stat.rid }),
    packets: stat.packetCount,
    bytes: stat.byteCount,
    bitrate: stat.bitrate,
    packetsLost: stat.packetsLost,
    keyFrameRequests: stat.pliCount + stat.firCount,
    ...(stat.roundTripTime === undefined ? {} : { roundTrip: stat.roundTripTime }),
    score: stat.score,
  };
}

/** RTCP's fraction lost (RFC 3550, 6.4.1) as a share, 0 to 1. */
export const lossOf = (stat: types.ProducerStat | types.ConsumerStat): number => stat.fractionLost / 256;

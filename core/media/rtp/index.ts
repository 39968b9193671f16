/** RTP: packets, reports, and the payload formats of the codecs that WebRTC carries. */
export * from './av1-depacketizer.ts';
export * from './depacketizer.ts';
export * from './frame-caps.ts';
export * from './frame-reader.ts';
export * from './h264-payload.ts';
export * from './nal-depacketizer.ts';
export * from './ntp.ts';
export * from './opus-depacketizer.ts';
export {
  parseRtp,
  rtpExtension,
  rtpSsrc,
  writeRtp,
  RTP_HEADER_BYTES,
  type RtpHeader,
  type RtpPacket,
} from './packet.ts';
export * from './reorder.ts';
export * from './rtcp.ts';
export * from './stream-writer.ts';
export * from './sync.ts';
export * from './vp8-depacketizer.ts';
export * from './vp9-depacketizer.ts';

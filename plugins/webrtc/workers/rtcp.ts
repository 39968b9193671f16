/** The little RTCP that the SFU's ends in this process need (RFC 3550, RFC 4585, RFC 5104). */

const PAYLOAD_SPECIFIC_FEEDBACK = 206;
const PLI = 1;
const FIR = 4;

/** A picture loss indication (RFC 4585, 6.3.1): asks for a key frame of the stream with this SSRC. */
export function pictureLossIndication(ssrc: number): Buffer {
  const packet = Buffer.alloc(12);
  packet[0] = 0x80 | PLI;
  packet[1] = PAYLOAD_SPECIFIC_FEEDBACK;
  packet.writeUInt16BE(packet.length / 4 - 1, 2);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

/** Whether a compound packet holds a PLI or a full intra request (RFC 5104, 4.3.1). */
export function asksForKeyFrame(compound: Uint8Array): boolean {
  const view = new DataView(compound.buffer, compound.byteOffset, compound.byteLength);
  for (let at = 0; at + 4 <= compound.length; at += 4 * (view.getUint16(at + 2) + 1)) {
    const format = compound[at]! & 0x1f;
    if (compound[at + 1] === PAYLOAD_SPECIFIC_FEEDBACK && (format === PLI || format === FIR)) return true;
  }
  return false;
}

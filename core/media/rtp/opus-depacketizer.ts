/** Opus from RTP (RFC 7587 4.2): a payload is a packet. */
import type { Depacketizer, RtpFrame } from './depacketizer.ts';

/** See the file's head. */
export class OpusDepacketizer implements Depacketizer {
  #packet: Uint8Array | undefined;

  push(payload: Uint8Array): void {
    if (payload.length > 0) this.#packet = payload.slice();
  }

  finish(): RtpFrame | undefined {
    const data = this.#packet;
    this.#packet = undefined;
    return data && { data, key: true };
  }

  reset(): void {
    this.#packet = undefined;
  }
}

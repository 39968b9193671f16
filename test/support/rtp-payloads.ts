/** Payloads of VP8, VP9 and AV1 as senders write them, for depacketizers: the formats' other side, in its simplest form. */

const pieces = (data: Uint8Array, limit: number): Uint8Array[] => {
  const found: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += limit) found.push(data.subarray(at, at + limit));
  return found;
};

const join = (...parts: readonly (readonly number[] | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

/** RFC 7741 4.2, with a 15-bit picture id, TL0PICIDX and temporal layer, as libwebrtc writes it. */
export function vp8Payloads(frame: Uint8Array, limit: number, pictureId = 300): Uint8Array[] {
  return pieces(frame, limit).map((piece, i) =>
    join([0x80 | (i === 0 ? 0x10 : 0), 0xe0, 0x80 | (pictureId >> 8), pictureId & 0xff, 7, 0x40], piece),
  );
}

/** RFC 9628 4.2, non-flexible mode, one entry for each spatial layer; key frames carry a scalability structure. */
export function vp9Payloads(layers: readonly Uint8Array[], limit: number, key: boolean): Uint8Array[] {
  return layers.flatMap((layer, spatial) =>
    pieces(layer, limit).map((piece, i, all) => {
      const begins = i === 0;
      const structure = key && spatial === 0 && begins;
      const flags =
        0x80 |
        (key ? 0 : 0x40) |
        0x20 |
        (begins ? 0x08 : 0) |
        (i === all.length - 1 ? 0x04 : 0) |
        (structure ? 0x02 : 0);
      // Two layers with their sizes, and a group of one picture that refers to the one before.
      const ss = structure ? [0x38, 1, 64, 0, 180, 2, 128, 1, 104, 1, 0x04, 1] : [];
      return join([flags, 0x85, 0x39, spatial << 1, 9], ss, piece);
    }),
  );
}

/** AV1 RTP 4.4: OBUs without sizes; every element has its length (W = 0), so that fragments fall where they may. */
export function av1Payloads(obus: readonly Uint8Array[], limit: number): Uint8Array[] {
  const packets: { bytes: number[]; continued: boolean; goesOn: boolean }[] = [];
  let packet = { bytes: [] as number[], continued: false, goesOn: false };
  for (const obu of obus) {
    for (let at = 0; at < obu.length;) {
      const room = limit - packet.bytes.length - 3;
      if (room <= 0) {
        packet.goesOn = at > 0;
        packets.push(packet);
        packet = { bytes: [], continued: at > 0, goesOn: false };
        continue;
      }
      const part = obu.subarray(at, at + room);
      at += part.length;
      packet.bytes.push(...leb128(part.length), ...part);
    }
  }
  packets.push(packet);
  return packets.map(({ bytes, continued, goesOn }) =>
    Uint8Array.from([(continued ? 0x80 : 0) | (goesOn ? 0x40 : 0), ...bytes]),
  );
}

/** AV1 4.10.5. */
export function leb128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb128(value >> 7)];
}

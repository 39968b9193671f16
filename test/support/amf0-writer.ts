/** Writes AMF0 for test clients: independent of the server's own writer, so that neither hides the other's mistakes. */
export function amf0(...values: unknown[]): Buffer {
  return Buffer.concat(values.map(value));
}

function value(v: unknown): Buffer {
  if (v === null) return Buffer.of(5);
  if (v === undefined) return Buffer.of(6);
  if (typeof v === 'boolean') return Buffer.of(1, v ? 1 : 0);
  if (typeof v === 'string') return Buffer.concat([Buffer.of(2), text(v)]);
  if (typeof v === 'number') {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(v, 1);
    return bytes;
  }
  if (v instanceof Map) {
    // An ECMA array.
    const count = Buffer.alloc(5, 8);
    count.writeUInt32BE(v.size, 1);
    return Buffer.concat([count, properties([...(v as Map<string, unknown>)])]);
  }
  if (Array.isArray(v)) {
    const count = Buffer.alloc(5, 10);
    count.writeUInt32BE(v.length, 1);
    return Buffer.concat([count, ...v.map(value)]);
  }
  return Buffer.concat([Buffer.of(3), properties(Object.entries(v))]);
}

function properties(entries: [string, unknown][]): Buffer {
  return Buffer.concat([
    ...entries.map(([key, entry]) => Buffer.concat([text(key), value(entry)])),
    Buffer.of(0, 0, 9),
  ]);
}

function text(s: string): Buffer {
  const bytes = Buffer.from(s, 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

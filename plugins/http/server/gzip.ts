/** gzip for text, done once for a body that is served many times. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const pack = promisify(gzip);

/** By the body's identity: a playlist that a thousand viewers ask for is packed once, and leaves with its bytes. */
const packed = new WeakMap<Uint8Array, Promise<Buffer>>();

const TEXT =
  /^(?:text\/(?!event-stream)|application\/(?:json|javascript|xml|dash\+xml|vnd\.apple\.mpegurl|x-mpegurl|manifest\+json|yaml|wasm)|image\/svg\+xml)/i;

/** True for content types worth packing. */
export function isText(contentType: string | undefined): boolean {
  return contentType !== undefined && TEXT.test(contentType);
}

/** The body's gzip form. */
export function gzipped(body: string | Uint8Array): Promise<Buffer> {
  if (typeof body === 'string') return pack(body);
  let result = packed.get(body);
  if (result === undefined) packed.set(body, (result = pack(body)));
  return result;
}

/** The media behind a live playlist: fetched, taken apart, and ready to be decoded by another decoder than the player's. */
import { findBox, readChunks, type ReadSample } from 'eddy/media';
import type { AccessUnit } from 'eddy/plugin';

/** A run of segments between two discontinuities. */
export interface Epoch {
  /** The init segment that its first segment names. */
  readonly init: Uint8Array;
  readonly samples: ReadSample[];
  /** Server time of its first segment, epoch ms. */
  readonly startsAt: number;
}

async function fetchBytes(url: URL): Promise<Uint8Array> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${url.href} answers ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Fetches every whole segment that a media playlist lists, split where it says DISCONTINUITY. */
export async function fetchEpochs(playlist: string): Promise<Epoch[]> {
  const text = await (await fetch(playlist)).text();
  const epochs: Epoch[] = [];
  let init: Uint8Array | undefined;
  let startsAt = 0;
  let broken = true;
  for (const line of text.split('\n')) {
    if (line.startsWith('#EXT-X-MAP')) init = await fetchBytes(new URL(/URI="([^"]+)"/.exec(line)![1]!, playlist));
    if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) startsAt = Date.parse(line.slice(25));
    if (line === '#EXT-X-DISCONTINUITY') broken = true;
    if (line === '' || line.startsWith('#')) continue;
    if (broken) epochs.push({ init: init!, samples: [], startsAt });
    broken = false;
    const segment = await fetchBytes(new URL(line, playlist));
    epochs.at(-1)!.samples.push(...readChunks(segment).flatMap((chunk) => chunk.samples));
  }
  return epochs;
}

/** The body of a box of the sample entry (`avcC`, `hvcC`, ...), wherever it stands in the init segment. */
export function configOf(init: Uint8Array, type: string): Uint8Array {
  const at = Buffer.from(init).indexOf(type, 0, 'latin1');
  if (at < 4) throw new Error(`the init segment has no ${type}`);
  return init.subarray(at + 4, at - 4 + Buffer.from(init).readUInt32BE(at - 4));
}

/** Ticks a second of the init segment's only track (mdhd). */
export function timescaleOf(init: Uint8Array): number {
  const mdhd = findBox(init, ['moov', 'trak', 'mdia', 'mdhd'])!.body;
  const view = new DataView(mdhd.buffer, mdhd.byteOffset);
  return view.getUint32(mdhd[0] === 1 ? 20 : 12);
}

/** Samples as access units, for the decoders of test/media/support. */
export function toUnits(samples: readonly ReadSample[]): AccessUnit[] {
  return samples.map(({ dts, pts, key, data }) => ({ dts, pts, key, data, arrivedAt: 0 }));
}

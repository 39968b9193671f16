/** Range of HTTP (RFC 9110 14.2), for one range of bytes. */

/** Bytes of a file, the second not included. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** What the header asks for; undefined where there is none, or one that is to be ignored: the whole file is the answer. */
export function readRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < from) return undefined;
  return from < to ? { from, to } : 'unsatisfiable';
}

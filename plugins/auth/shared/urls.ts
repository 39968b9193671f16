/** URLs of the operator's servers. */

/** True for `http:` to another machine: everyone on the way reads it, and may change it. */
export function isPlainAndFar(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && hostname !== 'localhost' && hostname !== '[::1]' && !/^127\./.test(hostname);
}

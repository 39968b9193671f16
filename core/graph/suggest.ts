/** Did you mean: the nearest known name by edit distance, or none where nothing is near. */

/** Edit distance that counts a swap of neighbours as one (optimal string alignment), in characters. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/**
 * The known name that the reader probably meant. A third of the letters may differ; a name that is another's last part
 * (`rtmp` for `ingest.rtmp`) counts as near too.
 */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  const lower = word.toLowerCase();
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const candidate = name.toLowerCase();
    const distance = editDistance(lower, candidate);
    const near = distance <= limit && distance < Math.max(lower.length, candidate.length);
    const tail = lower.length > 2 && (candidate.endsWith(`.${lower}`) || candidate.startsWith(`${lower}-`));
    const score = near ? distance : tail ? limit + 1 : undefined;
    if (score !== undefined && (best === undefined || score < best.distance)) best = { name, distance: score };
  }
  return best?.name;
}

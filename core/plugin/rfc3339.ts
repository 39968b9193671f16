/** Moments as people and players write them in requests. */

/** A date and a time with its offset, so that nobody's local time is guessed. */
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/**
 * The moment of a time in RFC 3339 (section 5.6), epoch ms; undefined where it is none, or has no offset. Seconds may be left out, and a
 * `+` that was not escaped in a query, and so arrives as a blank, is understood.
 */
export function parseRfc3339(text: string): number | undefined {
  const repaired = text.replace(/ (\d{2}:\d{2})$/, '+$1');
  const parsed = RFC3339.test(repaired) ? Date.parse(repaired.replace(' ', 'T')) : NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}

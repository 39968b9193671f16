/** Links to a moment: `/watch/{camera}?at=2026-05-04T12:00:00.000Z`. */

/** A time with its offset (RFC 3339 5.6), so that nobody's local time is guessed. */
const DATED = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})$/;

/** The moment that a link names, by RFC 3339 or as epoch ms; undefined where it names none. */
export function parseMoment(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  // A plus that was not escaped comes as a blank.
  const repaired = text.replace(/ (\d{2}:\d{2})$/, '+$1');
  const parsed = DATED.test(repaired) ? Date.parse(repaired.replace(' ', 'T')) : NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** The link to a moment of a camera, or to its page, from another page; the key of that one is nobody else's business. */
export function linkTo(page: string, cameraId: string, moment: number | undefined): string {
  const address = new URL(`/watch/${encodeURIComponent(cameraId)}`, page);
  if (moment !== undefined) address.searchParams.set('at', new Date(moment).toISOString());
  return address.href;
}

/** Options that pages share. */
import { ListOf, Text } from 'eddy/plugin';

/** A prefix of this server, or the base URL of another one. */
export const PLACE_PATTERN = '^(https?://[^\\s"<>]+|(/[A-Za-z0-9._-]+)+)$';

/** Sites that may show a page in a frame. */
export const EMBED_ORIGINS = ListOf(
  Text({ doc: 'An origin, such as "https://example.org".', pattern: '^(\\*|https?://[A-Za-z0-9.*:-]+)$' }),
  { doc: 'Other sites that may show the page in a frame.', default: [] },
);

/** What the pages are called. */
export const TITLE = Text({ doc: 'What the pages are called.', default: 'Eddy' });

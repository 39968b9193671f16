/** Object stores. */
import { defineCodes } from '../define.ts';

export const storeCodes = defineCodes({
  STORE_KEY_INVALID: {
    severity: 'error',
    kind: 'internal',
    meaning: 'A plugin used a key that no object may have: parts of letters, digits, ".", "_" and "-", joined by "/".',
    mend: "Report it to the plugin's author with the line of the log.",
    example: 'a key with ".." or a space in it',
  },
  STORE_NOT_FOUND: {
    severity: 'error',
    kind: 'resource',
    meaning: 'The object is not in the store: it was deleted, or never written.',
    mend: 'See whether "retain" has passed, or whether somebody else deletes from the same folder or bucket.',
    example: 'rewinding to a segment whose file was removed by hand',
  },
  STORE_EXISTS: {
    severity: 'error',
    kind: 'resource',
    meaning: 'An object of this key is stored already, and media is never overwritten.',
    mend: 'Give each pipeline its own folder, bucket or prefix.',
    example: 'two engines that write to the same folder',
  },
});

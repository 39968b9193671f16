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
  STORE_FULL: {
    severity: 'error',
    kind: 'resource',
    meaning: 'There is no room left in the store: the disk is full, or a quota is used up.',
    mend: 'Free some space or raise the quota; writing goes on by itself. A shorter "retain" keeps it free.',
    example: 'store: { plugin: store.filesystem, dir: ./data } on a full disk',
  },
  STORE_DENIED: {
    severity: 'error',
    kind: 'config',
    meaning: 'The store refuses: wrong credentials, or no right to read or write there.',
    mend: 'Give the user that Eddy runs as the right to write the folder, or check the keys and the policy of the bucket.',
    example: 'store: { plugin: store.filesystem, dir: /root/data } while Eddy runs as another user',
  },
  STORE_BUCKET_UNKNOWN: {
    severity: 'error',
    kind: 'config',
    meaning: 'There is no bucket of this name at the store.',
    mend: 'Create the bucket, or correct "bucket", "region" and "endpoint".',
    example: 'store: { plugin: store.s3, bucket: no-such-bucket }',
  },
  STORE_UNREACHABLE: {
    severity: 'error',
    kind: 'resource',
    meaning: 'The store does not answer, or fails, and went on doing so when asked again.',
    mend: 'See the cause in the log: the network, the server, or the disk. Eddy goes on trying.',
    example: 'store: { plugin: store.s3, bucket: media, endpoint: "http://127.0.0.1:9" }',
  },
});

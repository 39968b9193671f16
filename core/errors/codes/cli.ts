/** The command line. */
import { defineCodes } from '../define.ts';

export const cliCodes = defineCodes({
  CODE_UNKNOWN: {
    severity: 'error',
    kind: 'config',
    meaning: 'There is no error code of this name.',
    mend: 'Copy the code as it was printed; a plugin\'s own code carries its name: "publish.hls/NOT_READY".',
    example: 'eddy explain LINK_UNKNOWN_PADS',
  },
  ENGINE_UNREACHABLE: {
    severity: 'error',
    kind: 'resource',
    meaning: 'No running engine answers where the command looked for one.',
    mend: 'Start one with "eddy run FILE", or say where it is: --engine URL or $EDDY_URL (default: data/eddy.sock here).',
    example: 'eddy apply pipeline.yaml, while nothing runs',
  },
  ENGINE_RUNNING: {
    severity: 'error',
    kind: 'config',
    meaning: 'Another engine already runs on this data folder.',
    mend: 'Stop it, change it with "eddy apply FILE", or give this one a folder of its own with --data.',
    example: 'eddy run pipeline.yaml, twice in one folder',
  },
  FILE_EXISTS: {
    severity: 'error',
    kind: 'config',
    meaning: 'A file or folder that would be written is already there.',
    mend: 'Choose another name, or remove what is there.',
    example: 'eddy new plugin acme.blur, twice',
  },
  SIGNING_KEY_UNUSABLE: {
    severity: 'error',
    kind: 'config',
    meaning: 'The file with the key to sign tokens with is missing, or holds no private key that can sign them.',
    mend: 'Make one with "openssl genpkey -algorithm ed25519 -out key.pem"; "openssl pkey -in key.pem -pubout" gives what auth.jwt verifies with.',
    example: 'eddy token --key public.pem --camera cam1',
  },
  SETUP_FAILED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'A set-up step did not end well.',
    mend: 'The lines above say which step and why; without root it prints the command for an administrator to run.',
    example: 'eddy setup, without network',
  },
});

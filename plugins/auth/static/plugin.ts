/** auth.static: keys written in the pipeline file. */
import { Authorizer, defineManifest, definePlugin, Duration, Group, ListOf, OneOf, Secret, Text } from 'eddy/plugin';

const action = OneOf(['publish', 'watch', 'rewind', 'export', 'admin'], { doc: 'Something to be done.' });
const camera = Text({ doc: 'A camera, "acme.*" for all that begin so, or "*" for all.' });

export const manifest = defineManifest({
  name: 'auth.static',
  version: '1.0.0',
  api: 1,
  summary: 'Lets in who brings one of the keys in the pipeline file, each for its cameras and actions.',
  config: {
    keys: ListOf(
      Group(
        {
          token: Secret({
            doc: 'The key itself: 16 random characters or more, written as ${secret:name} or ${env:NAME}.',
          }),
          subject: Text({ doc: 'Who holds it, for logs and sessions; keys of one holder may share it.' }),
          cameras: ListOf(camera, { doc: 'Cameras that it is good for.', default: ['*'] }),
          actions: ListOf(action, { doc: 'What it is good for; "admin" needs cameras "*".' }),
          rewind: Duration({ doc: 'How far back its holder may rewind; absent: as far as there is.', optional: true }),
        },
        { doc: 'One key.' },
      ),
      { doc: 'The keys. They travel as "Authorization: Bearer", "?token=" or the password of Basic authentication.' },
    ),
    anonymous: Group(
      {
        cameras: ListOf(camera, { doc: 'Cameras open to anyone.', default: ['*'] }),
        actions: ListOf(action, { doc: 'What anyone may do there, such as [watch].' }),
      },
      { doc: 'What is open to anyone without a key.', optional: true },
    ),
  },
  provides: { auth: Authorizer },
  errors: {
    KEY_INVALID: {
      severity: 'error',
      kind: 'config',
      meaning: 'A key is empty, given twice, or names a camera pattern that is none.',
      mend: 'Give each key a token of its own, and cameras such as "door1", "acme.*" or "*".',
      example: 'keys: [{ token: "${secret:gate}", subject: gate, cameras: ["acme/*"], actions: [publish] }]',
    },
    KEY_WEAK: {
      severity: 'warning',
      kind: 'config',
      meaning: 'A key is so short that it can be guessed.',
      mend: 'Use at least 16 random characters, such as the output of "openssl rand -hex 16".',
      example: 'keys: [{ token: "1234", subject: gate, actions: [publish] }]',
    },
  },
});

export default definePlugin(manifest, () => import('./static.ts'));

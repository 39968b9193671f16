/** auth.static: keys, and users with passwords, written in the pipeline file. */
import { Authorizer, defineManifest, definePlugin, Duration, Group, ListOf, Secret, Text } from 'eddy/plugin';
import { timedRightsFields } from '../shared/fields.ts';
import { problemOfHash, weaknessOfHash } from './argon2-hash.ts';

const key = {
  token: Secret({ doc: 'The key itself: 16 random characters or more, written as ${secret:name} or ${env:NAME}.' }),
  subject: Text({ doc: 'Who holds it, for logs and sessions; keys of one holder may share it.' }),
  ...timedRightsFields,
};

const user = {
  user: Text({ doc: 'The name to log in with, which is also the subject in logs and sessions.' }),
  password: Secret({ doc: 'The argon2 hash of the password, as "eddy token hash" prints it: $argon2id$v=19$...' }),
  ...timedRightsFields,
};

export const manifest = defineManifest({
  name: 'auth.static',
  version: '1.1.0',
  api: 1,
  summary: 'Lets in who brings a key or a password of the pipeline file, each for its cameras and actions.',
  config: {
    keys: ListOf(Group(key, { doc: 'One key.' }), {
      doc: 'The keys. They travel as "Authorization: Bearer", "?token=" or the password of Basic authentication.',
      default: [],
    }),
    users: ListOf(Group(user, { doc: 'One user.' }), {
      doc: 'Users, who log in by name and password (Basic authentication).',
      default: [],
    }),
    anonymous: Group(timedRightsFields, { doc: 'What is open to anyone without a key.', optional: true }),
    remember: Duration({
      doc: 'How long a password that was verified is not verified again.',
      default: '5m',
      max: '1h',
    }),
  },
  provides: { auth: Authorizer },
  check: (config) => {
    const { keys, users, anonymous } = config as { keys: unknown[]; users: User[]; anonymous: unknown };
    const problems = users.flatMap(({ user, password }) => {
      // A reference that is not resolved, offline.
      if (password === undefined) return [];
      const wrong = problemOfHash(password);
      if (wrong !== undefined) return [{ code: 'PASSWORD_NOT_HASHED', key: 'users', message: `"${user}": ${wrong}` }];
      const weak = weaknessOfHash(password);
      return weak === undefined ? [] : [{ code: 'PASSWORD_HASH_WEAK', key: 'users', message: `"${user}": ${weak}` }];
    });
    const twice = users.find(({ user }, index) => users.findIndex((other) => other.user === user) < index);
    if (twice) problems.push({ code: 'USER_TWICE', key: 'users', message: `there are two users "${twice.user}"` });
    if (keys.length + users.length === 0 && anonymous === undefined) {
      problems.push({ code: 'NOBODY', key: 'keys', message: 'it has no key, no user and nothing open to anyone' });
    }
    return problems;
  },
  errors: {
    KEY_INVALID: {
      severity: 'error',
      kind: 'config',
      meaning: 'A key is empty or given twice.',
      mend: 'Give each key a token of its own.',
      example: 'keys: [{ token: "${secret:gate}", subject: gate, cameras: ["acme.*"], actions: [publish] }]',
    },
    KEY_WEAK: {
      severity: 'warning',
      kind: 'config',
      meaning: 'A key is so short that it can be guessed.',
      mend: 'Use at least 16 random characters, such as the output of "openssl rand -hex 16".',
      example: 'keys: [{ token: "1234", subject: gate, actions: [publish] }]',
    },
    USER_TWICE: {
      severity: 'error',
      kind: 'config',
      meaning: 'Two users have one name.',
      mend: 'Give each user a name of its own.',
      example: 'users: [{ user: ada, ... }, { user: ada, ... }]',
    },
    PASSWORD_NOT_HASHED: {
      severity: 'error',
      kind: 'config',
      meaning: 'The password of a user is no argon2 hash that Eddy verifies: perhaps the password itself.',
      mend: 'Make a hash with "eddy token hash", and write that as ${secret:name}.',
      example: 'users: [{ user: ada, password: "$argon2id$v=19$m=19456,t=2,p=1$...", actions: [watch] }]',
    },
    PASSWORD_HASH_WEAK: {
      severity: 'warning',
      kind: 'config',
      meaning: 'The hash of a password is so cheap that passwords can be tried by the million.',
      mend: 'Make a new one with "eddy token hash": 19 MiB and two passes, as OWASP asks for.',
      example: 'users: [{ user: ada, password: "$argon2id$v=19$m=1024,t=1,p=1$...", actions: [watch] }]',
    },
    NOBODY: {
      severity: 'warning',
      kind: 'config',
      meaning: 'The service lets nobody in: it has neither keys nor users, and nothing is open to anyone.',
      mend: 'Add keys, users or anonymous.',
      example: 'auth: { plugin: auth.static }',
    },
    PASSWORDS_BUSY: {
      severity: 'error',
      kind: 'peer',
      meaning: 'More passwords wait to be verified than can be verified in time: a flood, or somebody who guesses.',
      mend: 'Look for the address that it comes from, and keep it out before it reaches Eddy; keys cost nothing to verify.',
      example: 'hundreds of log-ins a second with wrong passwords',
    },
  },
});

interface User {
  readonly user: string;
  readonly password: string | undefined;
}

export default definePlugin(manifest, () => import('./static.ts'));

/** auth.static at work. */
import type { AccessRequest, Authorizer, Context, Decision, PluginConfig, Running } from 'eddy/plugin';
import { decideBy, grantOf, outsideOf, permits, unauthenticated, type Brought } from '../shared/decide.ts';
import type { TimedRights } from '../shared/fields.ts';
import { Keyring } from './keyring.ts';
import { PasswordThread } from './password-thread.ts';
import type { manifest } from './plugin.ts';
import { Users } from './users.ts';

type Config = PluginConfig<typeof manifest>;

/** Shorter tokens are warned about. */
const STRONG_LENGTH = 16;

/** Whoever was recognised, and what they brought. */
interface Holder {
  readonly subject: string;
  readonly rights: TimedRights;
  readonly brought: Brought;
}

/** Makes the authorizer. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const passwords = new PasswordThread();
  const now = (): number => ctx.clock.now();
  const usersOf = (config: Config): Users =>
    new Users(config.users, (password, hash) => passwords.verify(password, hash), config.remember);
  let { anonymous } = ctx.config;
  let keyring = new Keyring(ctx.config.keys);
  let users = usersOf(ctx.config);
  const listeners = new Set<(revoked: { subject: string }) => void>();

  const holderOf = async ({ credentials }: AccessRequest): Promise<Holder | undefined> => {
    const { token, user, password } = credentials;
    // A password counts as a token: ffmpeg and browsers send Basic for rtmp://user:key@host and the like.
    const key = keyring.find(token ?? password ?? '');
    if (key) return { subject: key.subject, rights: key, brought: 'key' };
    const found = user && password ? await users.find(user, password, now) : undefined;
    return found && { subject: found.user, rights: found, brought: 'account' };
  };

  const decide = async (request: AccessRequest): Promise<Decision> => {
    const holder = await holderOf(request);
    const outside = holder && outsideOf(holder.rights, now(), holder.brought);
    const own = holder && (outside ?? decideBy(holder.rights, holder.subject, request, holder.brought));
    if (own?.allowed) return own;
    if (anonymous && permits(anonymous, request) && !outsideOf(anonymous, now(), 'key')) {
      return grantOf(anonymous, holder?.subject ?? 'anonymous');
    }
    return own ?? unauthenticated(unknown(request));
  };

  const authorizer: Authorizer = {
    open: false,
    authorize: decide,
    onRevoked: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };

  const warnOfWeakKeys = (config: Config): void => {
    for (const { token, subject } of config.keys) {
      if (token.length >= STRONG_LENGTH) continue;
      ctx.report({
        code: 'auth.static/KEY_WEAK',
        message: `The key of "${subject}" has ${token.length} characters; ${STRONG_LENGTH} random ones are hard to guess.`,
      });
    }
  };

  return {
    services: { auth: authorizer },
    start: () => warnOfWeakKeys(ctx.config),
    stop: async () => {
      listeners.clear();
      await passwords.stop();
    },
    reconfigure: (changed: Config) => {
      const before = { keyring, users };
      keyring = new Keyring(changed.keys);
      users = usersOf(changed);
      anonymous = changed.anonymous;
      warnOfWeakKeys(changed);
      // Whoever lost a key or a right begins anew; what they still may do, they get again at once.
      const lost = [...before.keyring.subjectsThatLostIn(keyring), ...before.users.subjectsThatLostIn(users)];
      for (const subject of new Set(lost)) for (const listener of [...listeners]) listener({ subject });
      return true;
    },
  };
}

function unknown({ credentials: { token, user, password } }: AccessRequest): string {
  if (token !== undefined) return 'This key is not known.';
  if (user !== undefined && password !== undefined) return 'This user or password is not known.';
  return password === undefined ? 'A key or a password is needed here.' : 'This key is not known.';
}

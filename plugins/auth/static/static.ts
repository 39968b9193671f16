/** auth.static at work. */
import {
  matchesCamera,
  type AccessRequest,
  type Authorizer,
  type Context,
  type Decision,
  type PluginConfig,
  type Running,
} from 'eddy/plugin';
import { Keyring, type Key } from './keyring.ts';
import type { manifest } from './plugin.ts';

type Config = PluginConfig<typeof manifest>;

/** Shorter tokens are warned about. */
const STRONG_LENGTH = 16;

/** Makes the authorizer. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  let keyring = new Keyring(ctx.config.keys);
  let anonymous = ctx.config.anonymous;
  const listeners = new Set<(revoked: { subject: string }) => void>();

  const authorizer: Authorizer = {
    open: false,
    authorize: async (request) => decide(request, keyring, anonymous),
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
    stop: () => listeners.clear(),
    reconfigure: (changed: Config) => {
      const before = keyring;
      keyring = new Keyring(changed.keys);
      anonymous = changed.anonymous;
      warnOfWeakKeys(changed);
      // Whoever lost a key or a right begins anew; what they still may do, they get again at once.
      for (const subject of before.subjectsThatLostIn(keyring)) {
        for (const listener of [...listeners]) listener({ subject });
      }
      return true;
    },
  };
}

function decide(request: AccessRequest, keyring: Keyring, anonymous: Config['anonymous']): Decision {
  const { credentials } = request;
  // A password counts as a token: ffmpeg and browsers send Basic for rtmp://user:key@host and the like.
  const token = credentials.token ?? credentials.password;
  const key = token === undefined ? undefined : keyring.find(token);
  if (key && grants(key, request)) {
    return { allowed: true, subject: key.subject, ...(key.rewind === undefined ? {} : { rewind: key.rewind }) };
  }
  if (anonymous && grants(anonymous, request)) return { allowed: true, subject: key?.subject ?? 'anonymous' };
  if (key)
    return { allowed: false, reason: 'forbidden', message: `This key does not let you ${DOING[request.action]}.` };
  const message = token === undefined ? 'A key is needed here.' : 'This key is not known.';
  return { allowed: false, reason: 'unauthenticated', message };
}

function grants(to: Pick<Key, 'actions' | 'cameras'>, { action, cameraId }: AccessRequest): boolean {
  if (!to.actions.includes(action)) return false;
  // The whole pipeline is more than the cameras of one tenant.
  return cameraId === undefined
    ? to.cameras.includes('*')
    : to.cameras.some((pattern) => matchesCamera(pattern, cameraId));
}

const DOING: Readonly<Record<AccessRequest['action'], string>> = {
  publish: 'publish to this camera',
  watch: 'watch this camera',
  rewind: 'rewind this camera',
  export: 'export from this camera',
  admin: 'administer this pipeline',
};

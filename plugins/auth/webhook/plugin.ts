/** auth.webhook: your own server decides, question by question. */
import {
  Authorizer,
  defineManifest,
  definePlugin,
  Duration,
  FilePath,
  Integer,
  isPlainAndFar,
  OneOf,
  parseWebhookSecret,
  Secret,
  serversOf,
  Text,
} from 'eddy/plugin';
import { CA_UNREADABLE } from '../shared/ca.ts';

interface Checked {
  /** Undefined where it is a reference that is not resolved, offline. */
  readonly url: string | undefined;
  readonly secret: string | undefined;
}

export const manifest = defineManifest({
  name: 'auth.webhook',
  version: '1.0.0',
  api: 1,
  summary: 'Asks your own server who may publish, watch, rewind and administer; lets nobody in while it cannot tell.',
  config: {
    url: Text({ doc: 'Where questions are POSTed to.', pattern: '^https?://' }),
    secret: Secret({
      doc: 'Signs questions, as Standard Webhooks do: whsec_ and the base64 of 24 to 64 random bytes.',
      optional: true,
    }),
    timeout: Duration({
      doc: 'How long an answer may take, with all attempts.',
      default: '3s',
      min: '50ms',
      max: '30s',
    }),
    retries: Integer({
      doc: 'How many more attempts follow one that failed at once (no connection, status 5xx or 429).',
      default: 2,
      min: 0,
      max: 10,
    }),
    ttl: Duration({
      doc: 'How long an answer holds that does not say so itself ("ttl", Cache-Control): it is not asked for again before, and sessions are checked anew after it.',
      default: '1m',
    }),
    'max-ttl': Duration({ doc: 'No answer holds longer, whatever it says.', default: '1h' }),
    'refused-ttl': Duration({ doc: 'No refusal holds longer.', default: '10s' }),
    'on-outage': OneOf(['keep', 'end'], {
      doc: 'What becomes of those who are in when their answer has run out and the server does not tell.',
      default: 'keep',
    }),
    concurrency: Integer({ doc: 'How many questions may be under way at once.', default: 32, min: 1, max: 1000 }),
    pause: Duration({
      doc: 'After five failures in a row the server is left alone for so long, and everyone is refused at once.',
      default: '5s',
      max: '5m',
    }),
    ca: FilePath({ doc: "PEM certificates to trust for the URL, instead of the system's.", optional: true }),
  },
  provides: { auth: Authorizer },
  check: (config) => {
    const { url, secret } = config as Checked;
    const problems: { code: string; key: string; message: string }[] = [];
    const parsed = secret === undefined ? undefined : parseWebhookSecret(secret);
    if (parsed && 'error' in parsed) {
      problems.push({ code: 'SECRET_INVALID', key: 'secret', message: `the secret ${parsed.error}` });
    }
    if (url === undefined) return problems;
    if (!URL.canParse(url)) problems.push({ code: 'URL_INVALID', key: 'url', message: '"url" is no address' });
    else if (isPlainAndFar(url)) {
      problems.push({ code: 'UNPROTECTED', key: 'url', message: 'credentials go to another machine over plain HTTP' });
    }
    return problems;
  },
  reaches: (config) => serversOf((config as Checked).url),
  errors: {
    URL_INVALID: {
      severity: 'error',
      kind: 'config',
      meaning: 'What stands for "url" is no address of a server.',
      mend: 'Write an address such as https://example.org/eddy/access.',
      example: 'auth: { plugin: auth.webhook, url: "https://" }',
    },
    SECRET_INVALID: {
      severity: 'error',
      kind: 'config',
      meaning: 'The secret is not "whsec_" and the base64 of 24 to 64 random bytes, as the Standard Webhooks want it.',
      mend: 'Make one, and give it to your server too: echo "whsec_$(openssl rand -base64 32)"',
      example:
        'auth: { plugin: auth.webhook, url: "https://example.org/access", secret: "${env:HOOK}" } with HOOK=test',
    },
    UNPROTECTED: {
      severity: 'warning',
      kind: 'config',
      meaning: 'Tokens and passwords go to another machine without TLS: anyone on the way may read them.',
      mend: 'Write https:// where the server has TLS; "ca" names its certificate where it is one of your own.',
      example: 'auth: { plugin: auth.webhook, url: "http://auth.example.org/access" }',
    },
    CA_UNREADABLE,
    UNAVAILABLE: {
      severity: 'error',
      kind: 'resource',
      meaning:
        'The server gave no answer that can be used. Nobody new is let in; who is in goes on, or not, as "on-outage" says.',
      mend: 'See the reason in the message; the guide docs/guides/access.md says what an answer looks like.',
      example: 'a server that is restarted, answers 500, or answers with a member that is none',
    },
  },
});

export default definePlugin(manifest, () => import('./webhook.ts'));

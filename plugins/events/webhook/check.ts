/** What is wrong with a configuration of `events.webhook`, and what is read from it. */
import { parseWebhookSecret, type ConfigProblem, type ServerAddress } from 'eddy/plugin';

/** Options that need a look beyond their form; absent where a variable that they name is not set. */
interface Checked {
  readonly url: string | undefined;
  readonly secret: string | undefined;
  readonly 'old-secrets': readonly (string | undefined)[];
}

const isLocal = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127\./.test(host);

/** The address of a receiver; undefined where it is none. */
export function parseUrl(url: string): URL | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed && /^https?:$/.test(parsed.protocol) ? parsed : undefined;
}

/** Findings before the start. No message holds a value: addresses of receivers may be secret too. */
export function problemsOf({ url, secret, 'old-secrets': old }: Checked): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (url !== undefined) {
    const parsed = parseUrl(url);
    if (!parsed) problems.push({ code: 'URL_INVALID', key: 'url', message: 'the address cannot be read' });
    else if (parsed.protocol === 'http:' && !isLocal(parsed.hostname))
      problems.push({ code: 'INSECURE', key: 'url', message: 'events go to another machine without TLS' });
  }
  const secrets = [['secret', secret] as const, ...old.map((each) => ['old-secrets', each] as const)];
  for (const [key, value] of secrets) {
    const parsed = value === undefined ? undefined : parseWebhookSecret(value);
    if (parsed && 'error' in parsed)
      problems.push({ code: 'SECRET_INVALID', key, message: `a secret ${parsed.error}` });
  }
  return problems;
}

/** The server behind an address. */
export function serverOf(url: string): ServerAddress[] {
  const parsed = parseUrl(url);
  if (!parsed) return [];
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  return [{ host, port: Number(parsed.port) || (parsed.protocol === 'https:' ? 443 : 80) }];
}

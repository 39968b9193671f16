/** What is wrong with a configuration of `events.webhook`, and what is read from it. */
import { isPlainAndFar, parseWebhookSecret, type ConfigProblem } from 'eddy/plugin';

/** Options that need a look beyond their form; absent where a variable that they name is not set. */
interface Checked {
  readonly url: string | undefined;
  readonly secret: string | undefined;
  readonly 'old-secrets': readonly (string | undefined)[];
}

/** The address of a receiver; undefined where it is none. */
export function parseUrl(url: string): URL | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed && /^https?:$/.test(parsed.protocol) ? parsed : undefined;
}

/** Findings before the start. No message holds a value: addresses of receivers may be secret too. */
export function problemsOf({ url, secret, 'old-secrets': old }: Checked): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (url !== undefined) {
    if (!parseUrl(url)) problems.push({ code: 'URL_INVALID', key: 'url', message: 'the address cannot be read' });
    else if (isPlainAndFar(url))
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

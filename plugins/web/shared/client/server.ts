/** The server's API, with the token of the page's own address. */

import { isRefusal, type Refusal } from './refusal.ts';

const own = new URLSearchParams(location.search);

/** The token that this page was opened with. */
export const token: string | null = own.get('token');

/** The sealed session that a link to this page carries before its path; empty where there is none. */
const session = /^\/~[^/]+(?=\/)/.exec(location.pathname)?.[0] ?? '';

/** The address, of this server, with the session of the page's own address before its path. */
export function withSession(address: string): string {
  const { origin, pathname, search, hash } = new URL(address, location.href);
  if (session === '' || origin !== location.origin || pathname.startsWith('/~')) return address;
  return `${session}${pathname}${search}${hash}`;
}

/** The address with what the page was opened with passed on: its session or its token. */
export function withToken(own: string): string {
  const address = withSession(own);
  if (token === null) return address;
  return `${address}${address.includes('?') ? '&' : '?'}token=${encodeURIComponent(token)}`;
}

/** Opens this page again with another token. */
export function reopenWith(given: string): void {
  const wanted = new URLSearchParams(location.search);
  wanted.set('token', given);
  location.search = wanted.toString();
}

/** A JSON answer, a refusal, or undefined where the server did not answer. */
export async function ask<T extends object>(address: string): Promise<T | Refusal | undefined> {
  try {
    const answer = await fetch(withToken(address), { signal: AbortSignal.timeout(8000), cache: 'no-store' });
    if (answer.ok) return (await answer.json()) as T;
    return await refusalOf(answer);
  } catch {
    return undefined;
  }
}

/** What an answer that is not 2xx says. */
export async function refusalOf(answer: Response): Promise<Refusal> {
  const said = (await answer.json().catch(() => ({}))) as Omit<Refusal, 'status'>;
  return { ...said, status: answer.status };
}

/**
 * How far the server's clock is ahead of this machine's, ms: of several questions the one with the quickest answer
 * counts, since its error is at most half its round trip. An offset within that error is no offset.
 */
export async function serverClockOffset(): Promise<number | undefined> {
  let best: { roundTrip: number; offset: number } | undefined;
  for (let attempt = 0; attempt < 4; attempt++) {
    const sent = Date.now();
    const answer = await ask<{ now: number }>('/api/v1/time');
    const got = Date.now();
    if (answer === undefined || isRefusal(answer)) continue;
    const roundTrip = got - sent;
    if (!best || roundTrip < best.roundTrip) best = { roundTrip, offset: answer.now - (sent + got) / 2 };
  }
  if (!best) return undefined;
  return Math.abs(best.offset) <= best.roundTrip / 2 + 1 ? 0 : best.offset;
}

/** Links that keep the token of this page. */
export function keepTokens(): void {
  for (const link of document.querySelectorAll<HTMLAnchorElement>('a[data-keep-token]'))
    link.href = withToken(link.getAttribute('href')!);
}

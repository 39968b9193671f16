/** Sessions over HTTP: who watches, the end of it, revocations, and links that let somebody in. */
import {
  ACTIONS,
  administer,
  Duration,
  EddyError,
  type Context,
  type HttpMethod,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
  type SessionStatus,
} from 'eddy/plugin';
import { json } from '../shared/json.ts';
import type { manifest } from './plugin.ts';

type Ctx = Context<typeof manifest>;

/** What sessions can be chosen by, and the field that it is compared with. */
const FILTERS = { user: 'userId', camera: 'cameraId', mode: 'mode', protocol: 'protocol', stage: 'stage' } as const;
/** A revocation without a duration holds for so long: longer than tokens usually live. */
const REVOKED_FOR = 24 * 3_600_000;
const duration = Duration({ doc: 'How long.', min: '1s', max: '366d' });
/** What a link may let do. */
const LINK_ACTIONS = ACTIONS.filter((action) => action === 'watch' || action === 'rewind' || action === 'export');

/** The routes; all need the right to administer. */
export function sessionRoutes(ctx: Ctx): HttpRoute[] {
  const { sessions } = ctx;
  const route = (
    method: HttpMethod,
    path: string,
    answer: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>,
  ): HttpRoute => ({
    method,
    path: `/api/v1/${path}`,
    cors: false,
    handler: async (request) => {
      await administer(ctx, request);
      return answer(request);
    },
  });
  return [
    route('GET', 'sessions', ({ query }) => json({ sessions: chosen(sessions.list(), query) })),
    route('DELETE', 'sessions', ({ query }) => {
      if (!Object.keys(FILTERS).some((name) => query.has(name)))
        throw bad(`Say which: ${Object.keys(FILTERS).join(', ')}. Nobody ends all by leaving something out.`);
      const ended = chosen(sessions.list(), query).filter(({ id }) => sessions.end(id));
      return json({ ended: ended.map(({ id }) => id) });
    }),
    route('DELETE', 'sessions/:id', ({ params: { id = '' } }) => {
      if (!sessions.end(id)) throw new EddyError('SESSION_UNKNOWN', `There is no session "${id.slice(0, 80)}".`);
      return json({ ended: id });
    }),
    route('GET', 'revocations', () => json({ revocations: sessions.revocations() })),
    route('POST', 'revocations', async (request) => {
      const { user, for: ms = REVOKED_FOR } = await said(request, ['user', 'for']);
      return json(await sessions.revoke(nameOf(user), ms as number), 201);
    }),
    route('DELETE', 'revocations/:user', async ({ params: { user = '' } }) => {
      if (!(await sessions.unrevoke(user)))
        throw new EddyError('REVOCATION_UNKNOWN', `"${user.slice(0, 80)}" is not revoked.`);
      return json({ restored: user });
    }),
    route('POST', 'cameras/:camera/links', async (request) => {
      const { camera } = request.params;
      const asked = await said(request, ['user', 'for', 'actions', 'rewind', 'sessions']);
      const { for: ms, actions = ['watch'], rewind, sessions: most } = asked;
      if (ms === undefined) throw bad('"for" is missing: how long the link is good, such as "1h".');
      const expiresAt = ctx.clock.now() + (ms as number);
      const session = sessions.invite(camera, {
        allowed: true,
        subject: nameOf(asked.user),
        actions: actionsOf(actions),
        expiresAt,
        ...(rewind === undefined ? {} : { rewind: rewind as number }),
        ...(most === undefined ? {} : { sessions: countOf(most) }),
      });
      // What goes before the path of any route: HLS, DASH, WHEP, the page of the player, pictures and exports.
      return json({ prefix: `/~${session}`, expiresAt }, 201);
    }),
  ];
}

function chosen(all: readonly SessionStatus[], query: URLSearchParams): readonly SessionStatus[] {
  const wanted = Object.entries(FILTERS).filter(([name]) => query.has(name));
  return all.filter((session) => wanted.every(([name, field]) => query.getAll(name).includes(session[field])));
}

const DURATIONS = new Set(['for', 'rewind']);

/** The body's fields; durations in ms. Throws HTTP_BAD_REQUEST. */
async function said(request: HttpRequest, known: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  let body: unknown;
  try {
    body = JSON.parse(Buffer.from(await request.body(10_000)).toString('utf8'));
  } catch (error) {
    if (error instanceof EddyError) throw error;
    body = undefined;
  }
  if (typeof body !== 'object' || body === null) throw bad(`Expected a JSON object with ${known.join(', ')}.`);
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (!known.includes(name)) throw bad(`"${name.slice(0, 40)}" is not known here; there are ${known.join(', ')}.`);
    fields[name] = DURATIONS.has(name) ? durationOf(name, value) : value;
  }
  return fields;
}

function durationOf(name: string, value: unknown): number {
  const parsed = duration.parse(String(value));
  if ('error' in parsed) throw bad(`"${name}": ${parsed.error}.`);
  return parsed.value;
}

function nameOf(user: unknown): string {
  if (typeof user === 'string' && /^[^\p{Cc}]{1,200}$/u.test(user)) return user;
  throw bad('"user" is missing: the name under which sessions are listed.');
}

function actionsOf(actions: unknown): (typeof LINK_ACTIONS)[number][] {
  const list = Array.isArray(actions) ? actions : [];
  const known = LINK_ACTIONS.filter((action) => list.includes(action));
  if (known.length === 0 || known.length < list.length) throw bad(`"actions" is a list of ${LINK_ACTIONS.join(', ')}.`);
  return known;
}

function countOf(count: unknown): number {
  if (Number.isInteger(count) && (count as number) >= 1) return count as number;
  throw bad('"sessions" is a whole number of at least 1.');
}

const bad = (message: string): EddyError => new EddyError('HTTP_BAD_REQUEST', message);

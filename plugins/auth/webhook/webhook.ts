/** auth.webhook at work. */
import {
  parseWebhookSecret,
  type EddyError,
  type AccessRequest,
  type Authorizer,
  type Context,
  type Decision,
  type Running,
} from 'eddy/plugin';
import { readCa } from '../shared/ca.ts';
import { unauthenticated } from '../shared/decide.ts';
import { digestOf } from '../shared/digest.ts';
import { LruCache } from '../shared/lru.ts';
import { questionOf, readAnswer, type Answer } from './answer.ts';
import type { manifest } from './plugin.ts';
import { Server } from './server.ts';

/** Answers that are remembered; refusals apart, so that a flood of them pushes nobody out. */
const REMEMBERED = 20_000;
/** An answer that holds for no time is asked for again after so many ms for as long as somebody is in. */
const LEAST_RECHECK = 5000;

/** What is longer is sent to nobody; HTTP servers take headers of some 16 KiB. */
const LONGEST_CREDENTIAL = 16_384;

/** Makes the authorizer. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const { config, clock } = ctx;
  const grants = new LruCache<Decision>(REMEMBERED);
  const refusals = new LruCache<Decision>(REMEMBERED);
  const asking = new Map<string, Promise<Decision>>();
  const answers = ctx.metrics.counter('auth_webhook_answers_total', 'Questions to the webhook, by what came of them.');
  const up = ctx.metrics.gauge('auth_webhook_up', '1 where the last question to the webhook was answered, else 0.');
  let server: Server | undefined;

  const ask = async (question: string, digest: string, request: AccessRequest): Promise<Decision> => {
    let answer: Answer;
    try {
      answer = await server!.ask(question, ({ body, headers }) => readAnswer(body, headers, request));
    } catch (error) {
      answers.add(1, { result: 'failed' });
      throw error;
    }
    const { decision } = answer;
    answers.add(1, { result: decision.allowed ? 'allowed' : 'refused' });
    const longest = decision.allowed ? config['max-ttl'] : config['refused-ttl'];
    const ttl = Math.min(answer.ttl ?? config.ttl, longest);
    const held: Decision = decision.allowed
      ? { ...decision, recheck: Math.max(ttl, LEAST_RECHECK), onOutage: config['on-outage'] }
      : decision;
    const expiresAt = (decision.allowed && decision.expiresAt) || Infinity;
    if (ttl > 0) (held.allowed ? grants : refusals).set(digest, held, Math.min(clock.now() + ttl, expiresAt));
    return held;
  };

  const authorize = async (request: AccessRequest): Promise<Decision> => {
    const { token, user, password } = request.credentials;
    if ([token, user, password].some((text = '') => text.length > LONGEST_CREDENTIAL)) {
      return unauthenticated('These credentials are too large.');
    }
    const question = questionOf(request);
    const digest = digestOf(question).toString('base64');
    const known = grants.get(digest, clock.now()) ?? refusals.get(digest, clock.now());
    if (known) return known;
    // Equal questions at one time are one question.
    let asked = asking.get(digest);
    if (!asked) {
      asked = ask(question, digest, request).finally(() => asking.delete(digest));
      asking.set(digest, asked);
    }
    return asked;
  };

  const authorizer: Authorizer = { open: false, authorize };
  return {
    services: { auth: authorizer },
    start: async () => {
      const parsed = config.secret === undefined ? undefined : parseWebhookSecret(config.secret);
      const key = parsed && 'key' in parsed ? parsed.key : undefined;
      const changed = (failure: EddyError | undefined): void => {
        up.set(failure ? 0 : 1);
        if (failure) ctx.report({ code: 'auth.webhook/UNAVAILABLE', message: failure.message });
        else ctx.log.info({}, 'the webhook answers again');
      };
      const ca = await readCa(config.ca, 'auth.webhook/CA_UNREADABLE');
      server = new Server({ ...config, key, ca }, { clock, signal: ctx.scope.signal, changed });
      up.set(1);
    },
    stop: () => server?.close(),
  };
}

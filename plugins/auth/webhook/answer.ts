/** Questions and answers of the webhook, as JSON: docs/guides/access.md describes both. */
import type { IncomingHttpHeaders } from 'node:http';
import { Duration, Flag, ListOf, OneOf, Text, type AccessRequest, type Decision, type Grant } from 'eddy/plugin';
import { parseJson } from '../shared/ask-http.ts';
import { limitsOf } from '../shared/decide.ts';
import { action, limitFields, LONGEST_SUBJECT, Moment } from '../shared/fields.ts';
import { readJsonFields } from '../shared/read-rights.ts';

/** For the API that answers may be written against. */
const VERSION = 1;

const LONGEST_MESSAGE = 300;

/** The body of a question. Equal questions have equal bodies. */
export function questionOf({ action, cameraId, credentials, peer }: AccessRequest): string {
  const { token, user, password } = credentials;
  const { address, protocol, origin, userAgent } = peer;
  return JSON.stringify({
    version: VERSION,
    action,
    camera: cameraId,
    credentials: { token, user, password },
    peer: { address, protocol, origin, userAgent },
  });
}

const fields = {
  allowed: Flag({ doc: 'Whether they may.' }),
  subject: Text({ doc: 'Who it is; required where they may.', optional: true }),
  reason: OneOf(['unauthenticated', 'forbidden'], { doc: 'Where they may not.', optional: true }),
  message: Text({ doc: 'Where they may not: for the refused.', optional: true }),
  ttl: Duration({ doc: 'How long the answer holds.', optional: true }),
  'expires-at': Moment('When the right ends, RFC 3339.'),
  actions: ListOf(action, {
    doc: 'What else they may at this camera, so that nobody is asked again.',
    optional: true,
  }),
  ...limitFields,
};

/** An answer, and for how long it holds, ms; undefined where it does not say. */
export interface Answer {
  readonly decision: Decision;
  readonly ttl: number | undefined;
}

/** Reads an answer. Throws a plain message for whatever is not one: nobody is let in by what is not understood. */
export function readAnswer(body: string, headers: IncomingHttpHeaders, asked: AccessRequest): Answer {
  const read = readJsonFields(fields, parseJson(body));
  if ('error' in read) throw new Error(`the answer cannot be read: ${read.error}`);
  const { allowed, subject, reason, message, actions, ...rest } = read.value;
  const ttl = rest.ttl ?? maxAgeOf(headers['cache-control']);
  if (allowed === undefined) throw new Error('the answer does not say whether they are "allowed"');
  if (!allowed) {
    const said = message?.slice(0, LONGEST_MESSAGE) || 'You may not do this here.';
    return { decision: { allowed, reason: reason ?? likelyReason(asked), message: said }, ttl };
  }
  if (!subject || subject.length > LONGEST_SUBJECT)
    throw new Error('the answer lets somebody in and names no "subject"');
  const expiresAt = rest['expires-at'];
  const grant: Grant = {
    allowed,
    subject,
    actions: [...new Set([asked.action, ...(actions ?? [])])],
    ...(expiresAt !== undefined && { expiresAt }),
    ...limitsOf(rest),
  };
  return { decision: grant, ttl };
}

function likelyReason({ credentials: { token, user, password } }: AccessRequest): 'unauthenticated' | 'forbidden' {
  return (token ?? user ?? password) === undefined ? 'unauthenticated' : 'forbidden';
}

/** RFC 9111 5.2.2: `no-store` and `no-cache` hold for no time. */
function maxAgeOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])/i.test(header)) return 0;
  const age = /(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])/i.exec(header)?.[1];
  return age === undefined ? undefined : Number(age) * 1000;
}

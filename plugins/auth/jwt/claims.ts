/** From the claims of a verified token to rights. */
import type { JWTPayload } from 'jose';
import { LONGEST_SUBJECT, rightsFields, type Rights } from '../shared/fields.ts';
import { readJsonFields } from '../shared/read-rights.ts';
import { TokenRefused } from './refusal.ts';

/** A verified token, as far as it matters here. */
export interface Verified {
  readonly subject: string;
  readonly rights: Rights;
  /** Epoch ms. */
  readonly expiresAt: number;
}

/** Where to look in the claims. */
export interface ClaimNames {
  readonly claim: string;
  readonly subject: string;
}

/** Reads the rights. Throws TokenRefused where there are none, or they cannot be read: a limit that is not understood lets nobody in. */
export function readClaims(payload: JWTPayload, names: ClaimNames): Verified {
  const written = memberAt(payload, names.claim);
  if (written === undefined) {
    throw new TokenRefused(`This token has no claim "${names.claim}", which says what it is good for.`, 'rights');
  }
  const read = readJsonFields(rightsFields, written);
  if ('error' in read)
    throw new TokenRefused(`The claim "${names.claim}" of this token cannot be read: ${read.error}.`, 'rights');
  const { cameras, actions, ...limits } = read.value;
  // In a pipeline file no cameras are all cameras; in a token that leaves the house they are a mistake.
  for (const [name, list] of Object.entries({ cameras, actions })) {
    if (list === undefined) {
      throw new TokenRefused(`The claim "${names.claim}" of this token has no list "${name}".`, 'rights');
    }
  }
  return {
    subject: subjectOf(payload, names.subject),
    rights: { cameras: cameras!, actions: actions!, ...limits },
    expiresAt: payload.exp! * 1000,
  };
}

function subjectOf(payload: JWTPayload, name: string): string {
  const subject = memberAt(payload, name) ?? payload.jti ?? 'anonymous';
  if (typeof subject === 'string' && subject !== '' && subject.length <= LONGEST_SUBJECT) return subject;
  throw new TokenRefused(`The claim "${name}" of this token is no name.`);
}

/** The claim of exactly this name (`https://example.org/eddy`), else the member at the end of the path (`resource_access.eddy`). */
function memberAt(claims: object, name: string): unknown {
  if (Object.hasOwn(claims, name)) return (claims as Record<string, unknown>)[name];
  return name.split('.').reduce<unknown>((within, part) => {
    const isMap = typeof within === 'object' && within !== null && Object.hasOwn(within, part);
    return isMap ? (within as Record<string, unknown>)[part] : undefined;
  }, claims);
}

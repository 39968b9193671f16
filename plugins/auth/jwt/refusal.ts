/** Why a token is refused, in words for who brings it. Nothing of the token is repeated. */
import { errors } from 'jose';
import { howLong } from '../shared/decide.ts';

/** A token that is not good: an answer, not a failure. */
export class TokenRefused extends Error {
  /** `unknown-key`: another set of keys might verify it. `rights`: it is a good token, but not for this. */
  override readonly cause: 'token' | 'unknown-key' | 'rights';

  constructor(message: string, cause: TokenRefused['cause'] = 'token') {
    super(message);
    this.cause = cause;
  }
}

/** What jose says, in our words. `now` is epoch ms. Whatever is not understood refuses. */
export function refusalOf(error: unknown, now = Date.now()): TokenRefused {
  if (error instanceof errors.JWTExpired) {
    const exp = error.payload.exp! * 1000;
    return new TokenRefused(`This token expired ${howLong(now - exp)} ago.`);
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new TokenRefused(ofClaim(error.claim, error.reason, error.payload.nbf, now));
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return new TokenRefused('The signature of this token does not match.');
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return new TokenRefused('This token is signed with an algorithm that is not taken here.');
  }
  if (error instanceof errors.JOSENotSupported) {
    return new TokenRefused('The header of this token asks for something that is not done here ("crit").');
  }
  return new TokenRefused('This is no signed token (JWT) that can be read.');
}

function ofClaim(claim: string, reason: string, nbf: unknown, now: number): string {
  if (claim === 'nbf' && reason === 'check_failed' && typeof nbf === 'number') {
    return `This token is not good yet; it will be in ${howLong(nbf * 1000 - now)}.`;
  }
  if (claim === 'iss') return 'This token is of another issuer.';
  if (claim === 'aud') return 'This token is for another audience.';
  if (claim === 'exp' && reason === 'missing')
    return 'This token never expires ("exp" is missing); such are not taken.';
  return `The claim "${claim.slice(0, 20)}" of this token is not as it must be.`;
}

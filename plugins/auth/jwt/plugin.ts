/** auth.jwt: signed tokens of an identity provider, of your own server, or of "eddy token". */
import {
  Authorizer,
  Bytes,
  defineManifest,
  definePlugin,
  Duration,
  FilePath,
  isPlainAndFar,
  ListOf,
  OneOf,
  Secret,
  serversOf,
  Text,
} from 'eddy/plugin';
import { CA_UNREADABLE } from '../shared/ca.ts';
import { ALGORITHMS, isSecretAlgorithm, type Algorithm } from './algorithms.ts';

/** A secret with less than the 256 bits of its hash can be found by trying (RFC 7518 3.2). */
const LEAST_SECRET_BYTES = 32;

interface Checked {
  readonly jwks: string | undefined;
  readonly 'jwks-file': string | undefined;
  readonly 'public-keys': readonly string[];
  readonly secrets: readonly (string | undefined)[];
  readonly algorithms: readonly Algorithm[] | undefined;
}

export const manifest = defineManifest({
  name: 'auth.jwt',
  version: '1.0.0',
  api: 1,
  summary: 'Lets in who brings a signed token (JWT) whose claim says for which cameras and actions it is good.',
  config: {
    jwks: Text({
      doc: 'URL of a JSON Web Key Set, as identity providers publish it.',
      optional: true,
      pattern: '^https?://',
    }),
    'jwks-file': FilePath({ doc: 'A file with a JSON Web Key Set; read again when it changes.', optional: true }),
    'public-keys': ListOf(FilePath({ doc: 'A PEM file.' }), {
      doc: 'PEM files with a public key or certificate each; read again when they change.',
      default: [],
    }),
    secrets: ListOf(Secret({ doc: 'At least 32 characters, the same as the signer has.' }), {
      doc: 'Secrets shared with who signs (HS256); several while one takes the place of another.',
      default: [],
    }),
    algorithms: ListOf(OneOf(ALGORITHMS, { doc: 'As in the header of tokens.' }), {
      doc: 'The only algorithms that are taken; absent: those that fit the keys. Secrets verify HS..., public keys the others, always.',
      optional: true,
    }),
    issuer: Text({ doc: 'What "iss" must be; absent: not looked at.', optional: true }),
    audience: Text({ doc: 'What "aud" must be or contain; absent: not looked at.', optional: true }),
    claim: Text({
      doc: 'The claim with the rights: its name, or a path with dots ("resource_access.eddy").',
      default: 'eddy',
    }),
    subject: Text({ doc: 'The claim that says who it is; without it "jti", else "anonymous".', default: 'sub' }),
    tolerance: Duration({
      doc: "How far the signer's clock may be off, for nbf and exp.",
      default: '30s',
      max: '5m',
    }),
    'max-lifetime': Duration({
      doc: 'Tokens that are good for longer from now on are refused; absent: any that expire.',
      optional: true,
    }),
    'max-token': Bytes({ doc: 'Larger tokens are refused unread.', default: '8KiB', min: '256B', max: '64KiB' }),
    recheck: Duration({
      doc: 'How often viewers are checked again, so that a key that was withdrawn ends them; publishers stay.',
      default: '1m',
      min: '1s',
    }),
    refresh: Duration({
      doc: 'How old a key set by URL may become before it is fetched again.',
      default: '10m',
      min: '1s',
    }),
    cooldown: Duration({
      doc: 'A key that is not in the set by URL leads to a new fetch, at most so often.',
      default: '30s',
      min: '1s',
    }),
    keep: Duration({
      doc: 'How long the last key set goes on being used while its URL does not answer; after that nobody can be verified.',
      default: '24h',
    }),
    timeout: Duration({ doc: 'How long a fetch of the key set may take.', default: '5s', min: '100ms', max: '30s' }),
    ca: FilePath({ doc: "PEM certificates to trust for the URL, instead of the system's.", optional: true }),
  },
  provides: { auth: Authorizer },
  reaches: (config) => serversOf((config as Checked).jwks),
  check: (config) => {
    const { jwks, 'jwks-file': file, 'public-keys': pems, secrets, algorithms = [] } = config as Checked;
    const hasPublic = jwks !== undefined || file !== undefined || pems.length > 0;
    const problems: { code: string; key: string; message: string; mend?: string }[] = [];
    const add = (code: string, key: string, message: string, mend?: string): void =>
      void problems.push({ code, key, message, ...(mend !== undefined && { mend }) });
    if (!hasPublic && secrets.length === 0) add('NO_KEYS', 'jwks', 'it has no key to verify tokens with');
    // One that is undefined is a reference that is not resolved, offline.
    const isShort = (secret: string | undefined): boolean =>
      secret !== undefined && new TextEncoder().encode(secret).length < LEAST_SECRET_BYTES;
    if (secrets.some(isShort)) {
      add(
        'SECRET_SHORT',
        'secrets',
        `a secret has less than ${LEAST_SECRET_BYTES} bytes, so that it can be found by trying`,
      );
    }
    for (const name of algorithms) {
      if (isSecretAlgorithm(name) ? secrets.length > 0 : hasPublic) continue;
      const missing = isSecretAlgorithm(name) ? '"secrets"' : '"jwks", "jwks-file" or "public-keys"';
      add('ALGORITHM_WITHOUT_KEY', 'algorithms', `${name} needs ${missing}`, `Take ${name} out, or add ${missing}.`);
    }
    if (jwks !== undefined && !URL.canParse(jwks)) add('URL_INVALID', 'jwks', '"jwks" is no address');
    else if (jwks !== undefined && isPlainAndFar(jwks)) {
      add(
        'KEYS_UNPROTECTED',
        'jwks',
        'the key set is fetched over plain HTTP, so that anyone on the way can put in a key',
      );
    }
    return problems;
  },
  errors: {
    NO_KEYS: {
      severity: 'error',
      kind: 'config',
      meaning: 'There is nothing to verify the signature of a token with.',
      mend: 'Add one of jwks: https://..., jwks-file: ./jwks.json, public-keys: [./key.pem], secrets: ["${secret:jwt}"].',
      example: 'auth: { plugin: auth.jwt, issuer: https://id.example.org }',
    },
    SECRET_SHORT: {
      severity: 'error',
      kind: 'config',
      meaning: 'A shared secret is shorter than the hash that it keys (RFC 7518 3.2).',
      mend: 'Make one with "openssl rand -hex 32", and give it to the signer too.',
      example: 'auth: { plugin: auth.jwt, secrets: [secret] }',
    },
    ALGORITHM_WITHOUT_KEY: {
      severity: 'error',
      kind: 'config',
      meaning: 'An algorithm is to be taken for which there is no kind of key.',
      mend: 'Take it out of "algorithms", or add the keys.',
      example: 'auth: { plugin: auth.jwt, jwks: https://id.example.org/jwks, algorithms: [HS256] }',
    },
    URL_INVALID: {
      severity: 'error',
      kind: 'config',
      meaning: 'What stands for "jwks" is no address of a key set.',
      mend: 'Write an address such as https://id.example.org/.well-known/jwks.json; a file is named by "jwks-file".',
      example: 'auth: { plugin: auth.jwt, jwks: "https://" }',
    },
    KEYS_UNPROTECTED: {
      severity: 'warning',
      kind: 'config',
      meaning:
        'The key set comes over plain HTTP from another machine: whoever is on the way can put in a key of their own.',
      mend: 'Use https://; "ca" names a file where the certificate is one of your own.',
      example: 'auth: { plugin: auth.jwt, jwks: http://id.example.org/jwks }',
    },
    KEYS_UNREACHABLE: {
      severity: 'warning',
      kind: 'resource',
      meaning:
        'The key set could not be fetched. The last one goes on being used for as long as "keep" says; without one nobody can be verified.',
      mend: 'See whether the URL answers with 200 and JSON from this machine: curl -v URL.',
      example: 'auth.jwt while the identity provider is down',
    },
    KEYS_INVALID: {
      severity: 'error',
      kind: 'config',
      meaning: 'A file with keys is missing, or holds no public key.',
      mend: 'Give a JSON Web Key Set ({"keys": [...]}) or a PEM file that begins with "-----BEGIN PUBLIC KEY-----" or "-----BEGIN CERTIFICATE-----".',
      example: 'public-keys: [./private.pem]',
    },
    CA_UNREADABLE,
    KEY_IGNORED: {
      severity: 'warning',
      kind: 'config',
      meaning: 'A key of a set is not used: it is a secret or private one, or too short, or of an unknown kind.',
      mend: 'Take it out of the set; a shared secret belongs into "secrets".',
      example: '{"keys": [{"kty": "oct", "k": "..."}]}',
    },
  },
});

export default definePlugin(manifest, () => import('./jwt.ts'));

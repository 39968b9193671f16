/** `eddy token`: signs tokens for auth.jwt, and links with one; `eddy token hash`: argon2 hashes for auth.static. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SignJWT } from 'jose';
import { ACTIONS, type Action } from '../contracts/index.ts';
import { CAMERA_ID_PATTERN, isCameraPattern, matchesCamera, parseCameraId } from '../model/index.ts';
import { isAddressBlock, isOrigin } from '../plugin/addresses.ts';
import { parseBitrate, parseDuration, type Parsed as Unit } from '../plugin/units.ts';
import { EXIT, UsageError, type Cli, type Parsed, type Verb } from './cli.ts';
import { hashPassword } from './password-hash.ts';
import { readSigningKey, secretKey, type SigningKey } from './signing-key.ts';

const text = { type: 'string' } as const;
const list = { type: 'string', multiple: true } as const;

export const verb: Verb = {
  summary: 'Signs a token for auth.jwt, or a link with one; "eddy token hash" makes a password hash for auth.static.',
  usage:
    '(--key FILE | --secret-env NAME | --secret-file FILE) --camera PATTERN... [--action ACTION]... [--url URL] | hash',
  options: {
    key: text,
    'secret-env': text,
    'secret-file': text,
    kid: text,
    alg: text,
    camera: list,
    action: list,
    for: text,
    'not-before': text,
    subject: text,
    issuer: text,
    audience: text,
    rewind: text,
    'max-bitrate': text,
    'max-lines': text,
    sessions: text,
    origin: list,
    address: list,
    role: text,
    claim: text,
    url: text,
    'password-env': text,
  },
  help: {
    key: 'a private key to sign with: PEM or JWK',
    'secret-env': 'or the variable that holds a secret shared with auth.jwt ("secrets")',
    'secret-file': 'or the file that holds it',
    kid: 'id of the key, where a key set has several (default: that of the JWK)',
    alg: 'algorithm (default: that of the key)',
    camera: 'a camera, "acme.*" or "*"; again for more (default: that of --url)',
    action: `${ACTIONS.join(', ')}; again for more (default: watch; publish for a URL to publish at)`,
    for: 'how long it is good (default 1h)',
    'not-before': 'in how long it begins to be good',
    subject: 'who it is for, in logs and limits',
    issuer: 'as auth.jwt has it',
    audience: 'as auth.jwt has it',
    rewind: 'how far back, such as 30m; lets rewind, too',
    'max-bitrate': 'the highest bit rate, such as 4Mbps',
    'max-lines': 'the largest picture, such as 720p',
    sessions: 'how many sessions at once',
    origin: 'pages of this origin alone; again for more',
    address: 'this address or CIDR block alone; again for more',
    role: 'what admin may do: read-only or full',
    claim: 'where auth.jwt looks for the rights (default eddy)',
    url: 'prints this URL with the token: https://host/watch/cam1, rtmp://host/live/cam1',
    'password-env': 'for hash: the variable with the password (default: a line of stdin)',
  },
  async run(args, cli) {
    const [what, ...more] = args.positionals;
    if (more.length > 0 || (what !== undefined && what !== 'hash')) {
      throw new UsageError(`"${args.positionals.join(' ')}" is not understood; options begin with "--"`);
    }
    if (what === 'hash') {
      cli.out(`${await hashPassword(args, cli)}\n`);
      return EXIT.ok;
    }
    const target = targetOf(args);
    const token = await sign(args, cli, target);
    target?.url.searchParams.set('token', token);
    cli.out(`${target?.url.href ?? token}\n`);
    return EXIT.ok;
  },
};

async function sign(args: Parsed, cli: Cli, target: Target | undefined): Promise<string> {
  const rights = rightsOf(args, target);
  const lifetime = unit(args, 'for', parseDuration) ?? 3_600_000;
  const delay = unit(args, 'not-before', parseDuration);
  const signing = await signingKeyOf(args, cli);
  const alg = one(args, 'alg') ?? signing.alg;
  const kid = one(args, 'kid') ?? signing.kid;
  const now = Math.floor(Date.now() / 1000);
  const begin = now + Math.floor((delay ?? 0) / 1000);
  const jwt = new SignJWT({ [one(args, 'claim') ?? 'eddy']: rights })
    .setProtectedHeader({ alg, typ: 'JWT', ...(kid !== undefined && { kid }) })
    .setIssuedAt(now)
    .setExpirationTime(begin + Math.max(1, Math.floor(lifetime / 1000)))
    .setJti(randomUUID());
  if (delay !== undefined) jwt.setNotBefore(begin);
  const [subject, issuer, audience] = [one(args, 'subject'), one(args, 'issuer'), one(args, 'audience')];
  if (subject !== undefined) jwt.setSubject(subject);
  if (issuer !== undefined) jwt.setIssuer(issuer);
  if (audience !== undefined) jwt.setAudience(audience);
  try {
    return await jwt.sign(signing.key);
  } catch (error) {
    throw new UsageError(`this key cannot sign with ${alg}: ${(error as Error).message}`);
  }
}

async function signingKeyOf(args: Parsed, cli: Cli): Promise<SigningKey> {
  const ways = ['key', 'secret-env', 'secret-file'].filter((name) => args.values[name] !== undefined);
  if (ways.length !== 1) throw new UsageError('sign with one of --key FILE, --secret-env NAME or --secret-file FILE');
  const value = one(args, ways[0]!)!;
  if (ways[0] === 'key') return readSigningKey(resolve(cli.cwd, value));
  if (ways[0] === 'secret-file') {
    const secret = await readFile(resolve(cli.cwd, value), 'utf8').catch((error: Error) => {
      throw new UsageError(`--secret-file: ${error.message}`);
    });
    // As "${file:...}" and "${secret:...}" read it.
    return secretKey(secret.replace(/\r?\n$/, ''));
  }
  const secret = cli.env[value];
  if (!secret) throw new UsageError(`the variable ${value} is not set`);
  return secretKey(secret);
}

/** The claim of auth.jwt, as docs/guides/access.md describes it. */
function rightsOf(args: Parsed, target: Target | undefined): Record<string, unknown> {
  const cameras = many(args, 'camera') ?? (target?.camera === undefined ? undefined : [target.camera]);
  if (!cameras) throw new UsageError('say for which cameras: --camera cam1, --camera "acme.*", --camera "*"');
  const wrong = cameras.find((pattern): boolean => !isCameraPattern(pattern));
  if (wrong !== undefined)
    throw new UsageError(`"${wrong}" is no camera (${CAMERA_ID_PATTERN}), nor "acme.*", nor "*"`);
  const { camera } = target ?? {};
  const elsewhere = camera !== undefined && !cameras.some((pattern) => matchesCamera(pattern, camera));
  if (elsewhere) throw new UsageError(`the URL is of "${camera}", which --camera ${cameras.join(', ')} does not name`);
  unit(args, 'rewind', parseDuration);
  unit(args, 'max-bitrate', parseBitrate);
  const rewind = one(args, 'rewind');
  const actions = (many(args, 'action') ?? [target?.action ?? 'watch']).map((action) => {
    if ((ACTIONS as readonly string[]).includes(action)) return action as Action;
    throw new UsageError(`"${action}" is no action; there are ${ACTIONS.join(', ')}`);
  });
  const withRewind: Action[] = rewind === undefined || actions.includes('rewind') ? actions : [...actions, 'rewind'];
  const limits = {
    rewind,
    maxBitrate: one(args, 'max-bitrate'),
    maxLines: matching(args, 'max-lines', /^[1-9]\d{0,4}p$/, '720p'),
    sessions: Number(matching(args, 'sessions', /^[1-9]\d*$/, '2')) || undefined,
    origins: allMatching(args, 'origin', isOrigin, 'https://example.org'),
    addresses: allMatching(args, 'address', isAddressBlock, '10.0.0.0/8'),
    role: matching(args, 'role', /^(read-only|full)$/, 'read-only'),
  };
  return { cameras, actions: withRewind, ...limits };
}

const one = (args: Parsed, name: string): string | undefined => args.values[name] as string | undefined;
const many = (args: Parsed, name: string): string[] | undefined => args.values[name] as string[] | undefined;

/** An option with a unit, checked; UsageError says what is wrong with it. */
function unit(args: Parsed, name: string, parse: (text: string) => Unit<number>): number | undefined {
  const written = one(args, name);
  if (written === undefined) return undefined;
  const parsed = parse(written);
  if ('error' in parsed) throw new UsageError(`--${name}: ${parsed.error}`);
  return parsed.value;
}

function matching(args: Parsed, name: string, pattern: RegExp, example: string): string | undefined {
  const written = one(args, name);
  if (written === undefined || pattern.test(written)) return written;
  throw notUnderstood(name, written, example);
}

function allMatching(args: Parsed, name: string, fits: (text: string) => boolean, example: string) {
  const written = many(args, name);
  const wrong = written?.find((text) => !fits(text));
  if (wrong === undefined) return written;
  throw notUnderstood(name, wrong, example);
}

const notUnderstood = (name: string, written: string, example: string): UsageError =>
  new UsageError(`--${name}: "${written}" is not understood; write it like ${example}`);

/** A URL to put the token into, and what it is for. */
interface Target {
  readonly url: URL;
  readonly camera: ReturnType<typeof parseCameraId>;
  readonly action: Action;
}

/** `/watch/cam1`, `/hls/cam1/index.m3u8`, `rtmp://host/live/cam1`. */
function targetOf(args: Parsed): Target | undefined {
  const written = one(args, 'url');
  if (written === undefined) return undefined;
  if (!URL.canParse(written)) throw new UsageError(`--url: "${written}" is no URL, such as https://host/watch/cam1`);
  const url = new URL(written);
  const steps = url.pathname.split('/').filter(Boolean);
  const isRtmp = /^rtmps?:$/.test(url.protocol);
  const at = isRtmp
    ? steps.length - 2
    : steps.findIndex((step) => ['watch', 'hls', 'dash', 'whep', 'whip'].includes(step));
  const camera = at < 0 ? undefined : parseCameraId(steps[at + 1]);
  const action = isRtmp || steps[at] === 'whip' ? 'publish' : 'watch';
  return { url, camera, action };
}

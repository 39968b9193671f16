import { describe, expect, it } from 'vitest';
import { EddyError } from '../../../core/errors/index.ts';
import { createLogger, isSecretName, Redactor, type LoggerOptions } from '../../../core/observe/index.ts';

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({ format: 'json', output: { write: (line) => lines.push(line) }, ...options });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? 'null') as Record<string, unknown> };
}

describe('createLogger', () => {
  it('carries the fields of its parents and says the level by name', () => {
    const { log, last } = capture({ fields: { pipeline: 'demo' } });
    log.child({ stage: 'rtmp' }).child({ camera: 'cam1' }).warn({ gop: 8300 }, 'GOP too long');
    expect(last()).toMatchObject({
      level: 'warn',
      pipeline: 'demo',
      stage: 'rtmp',
      camera: 'cam1',
      gop: 8300,
      msg: 'GOP too long',
    });
  });

  it('lets one stage log more than the others', () => {
    const { log, lines } = capture();
    log.child({ stage: 'a' }).debug({}, 'hidden');
    log.child({ stage: 'b' }, 'debug').child({ camera: 'c' }).debug({}, 'shown');
    expect(lines).toHaveLength(1);
  });

  it('keeps registered secrets, tokens in URLs and fields named like secrets out of lines', () => {
    const redactor = new Redactor();
    redactor.add('hunter2-hunter2');
    const { log, lines } = capture({ redactor });
    log.child({ streamKey: 'abc' }).error(
      {
        url: 'rtmp://user:pa55@host/live/cam1?token=s3cr3t&x=1',
        headers: { authorization: 'Bearer abcdefgh', 'x-api-key': 'k', accept: '*/*' },
        nested: [{ password: 'p' }],
        path: ['/~c2VhbGVkLXNlc3Npb24/hls/cam1/index.m3u8', 'https://host/%7Ec2VhbGVkLXNlc3Npb24/x?y=1'],
        err: new Error('refused hunter2-hunter2', { cause: new Error('token eyJhbGciOi.eyJzdWIi.c2ln') }),
      },
      'GET /hls/cam1/index.m3u8?token=s3cr3t by hunter2-hunter2',
    );
    const text = lines.join('');
    for (const secret of ['hunter2', 's3cr3t', 'pa55', 'abcdefgh', 'eyJzdWIi', 'c2Vhb', '"abc"', '"p"', '"k"']) {
      expect(text).not.toContain(secret);
    }
    expect(text).toContain('x=1');
    expect(text).toContain('/~[redacted]/hls/cam1/index.m3u8');
    expect(text).toContain('*/*');
  });

  it('logs errors with code, message, stack and cause, whatever the field is called', () => {
    const { log, last } = capture();
    log.error({ error: new EddyError('CAMERA_AWAY', 'cam1 is away', { cause: new Error('gone') }) }, 'failed');
    expect(last().error).toMatchObject({ code: 'CAMERA_AWAY', message: 'cam1 is away', cause: { message: 'gone' } });
  });

  it('takes anything as a field without throwing', () => {
    const { log, last } = capture();
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    log.info({ circle, big: 2n ** 70n, bytes: new Uint8Array(5), map: new Map([['a', 1]]), f: () => 1 }, 'odd');
    expect(last()).toMatchObject({ big: '1180591620717411303424', bytes: '[5 bytes]', map: { a: 1 }, f: '[function]' });
  });

  it('takes a line without fields from a plugin in plain JavaScript', () => {
    const { log, last } = capture();
    const untyped = log as unknown as { warn(...args: unknown[]): void };
    untyped.warn('no signal');
    expect(last()).toMatchObject({ level: 'warn', msg: 'no signal' });
    untyped.warn({ port: 1 });
    expect(last()).toMatchObject({ port: 1, msg: '' });
  });

  it('writes readable lines without letting a peer drive the terminal', () => {
    const { log, lines } = capture({ format: 'pretty', colour: false });
    log.child({ stage: 'rtmp', camera: 'cam1' }).info({ app: 'li\x1b[2Jve', n: 3 }, 'publisher \x1b[31mcame');
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}INFO {3}rtmp cam1 {2}publisher \\x1b\[31mcame {2}app=li\\x1b\[2Jve n=3\n$/,
    );
    log.error({ err: new EddyError('CAMERA_AWAY', 'cam1 is away') }, 'failed');
    expect(lines[1]).toContain('CAMERA_AWAY: cam1 is away');
    expect(lines[1]).toContain('log.test.ts');
  });
});

describe('Redactor', () => {
  it('judges names by their last word', () => {
    const secret = ['token', 'accessToken', 'stream_key', 'streamKey', 'X-Api-Key', 'db-password', 'Authorization'];
    const plain = ['tokenCount', 'keyFrame', 'key', 'camera', 'passed', 'authorizer'];
    expect(secret.filter((name) => !isSecretName(name))).toEqual([]);
    expect(plain.filter(isSecretName)).toEqual([]);
  });

  it('redacts a secret within a longer one, its URL form, and a short one only where it stands alone', () => {
    const redactor = new Redactor();
    redactor.add('abcdef');
    redactor.add('abcdef/ghi jkl');
    redactor.add('on');
    expect(redactor.text('x abcdef/ghi jkl abcdef%2Fghi%20jkl abcdef')).not.toContain('abcdef');
    expect(redactor.text('once on')).toBe('once on');
    expect(redactor.text('on')).toBe('[redacted]');
  });
});

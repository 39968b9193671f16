import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Cli } from '../../../core/cli/cli.ts';
import { main } from '../../../core/cli/main.ts';
import builtins from '../../../plugins/index.ts';

const root = join(import.meta.dirname, '../../..');
let cwd: string;
let out: string;
let err: string;
let cli: Cli;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eddy-cli-'));
  out = '';
  err = '';
  cli = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
    cwd,
    env: {},
    root,
    builtins: () => Promise.resolve(builtins),
  };
});

afterEach(() => rm(cwd, { recursive: true, force: true }));

const VALID = `version: 1
name: small
services: { http: { plugin: http.server } }
stages:
  rtmp: { plugin: ingest.rtmp }
  cmaf: { plugin: package.cmaf }
  hls: { plugin: publish.hls }
links:
  - rtmp.video -> cmaf.video
  - cmaf.chunks -> hls.chunks
`;

async function file(text: string, name = 'p.yaml'): Promise<string> {
  await writeFile(join(cwd, name), text);
  return name;
}

describe('the command line', () => {
  test('without a verb prints the overview and exits 2', async () => {
    expect(await main([], cli)).toBe(2);
    expect(out).toContain('usage: eddy <verb>');
    expect(out).toContain('validate');
  });

  test('proposes the verb that was meant', async () => {
    expect(await main(['valdiate'], cli)).toBe(2);
    expect(err).toContain('did you mean "validate"?');
  });

  test('tells an unknown option with the usage, exit 2', async () => {
    expect(await main(['validate', '--jsno', 'x.yaml'], cli)).toBe(2);
    expect(err).toContain("Unknown option '--jsno'");
    expect(err).toContain('usage: eddy validate FILE...');
  });

  test('run without a file is a usage error', async () => {
    expect(await main(['run'], cli)).toBe(2);
    expect(err).toContain('one FILE is needed');
  });

  test('every verb has a help page that names its options', async () => {
    for (const verb of [
      'run',
      'validate',
      'graph',
      'apply',
      'list',
      'inspect',
      'schema',
      'explain',
      'doctor',
      'setup',
      'new',
    ]) {
      out = '';
      expect(await main([verb, '--help'], cli)).toBe(0);
      expect(out).toMatch(new RegExp(`^eddy ${verb}`));
    }
  });
});

describe('validate', () => {
  test('a good file exits 0 and says what it holds', async () => {
    expect(await main(['validate', await file(VALID)], cli)).toBe(0);
    expect(out).toContain('p.yaml: ok (3 stages, 2 services, 2 links)');
  });

  test('a mistake exits 78 with its line and the name that was meant', async () => {
    const code = await main(['validate', await file(VALID.replace('hls.chunks', 'hls.chunk'))], cli);
    expect(code).toBe(78);
    expect(out).toMatch(/p\.yaml:10:\d+: error LINK_UNKNOWN_PAD/);
    expect(out).toContain('chunks');
  });

  test('--json gives findings as data', async () => {
    expect(await main(['validate', '--json', await file(VALID.replace('package.cmaf', 'package.cmfa'))], cli)).toBe(78);
    const findings = JSON.parse(out) as { code: string; didYouMean?: string }[];
    expect(findings[0]).toMatchObject({ code: 'PLUGIN_UNKNOWN', didYouMean: 'package.cmaf' });
  });

  test('a file that is not there exits 78', async () => {
    expect(await main(['validate', 'nowhere.yaml'], cli)).toBe(78);
    expect(out).toContain('nowhere.yaml');
  });
});

describe('looking things up', () => {
  test('explain knows the codes of core and plugins', async () => {
    expect(await main(['explain', 'PUBLISH_CONFLICT'], cli)).toBe(0);
    expect(out).toContain('second-publisher');
    expect(await main(['explain', 'publish.hls/NOT_READY'], cli)).toBe(0);
    expect(await main(['explain', 'PUBLISH_CONFLIKT'], cli)).toBe(1);
    expect(err).toContain('did you mean "PUBLISH_CONFLICT"?');
  });

  test('list and inspect show the plugins in the box', async () => {
    expect(await main(['list', 'ingest', '--json'], cli)).toBe(0);
    expect((JSON.parse(out) as { name: string }[]).map((row) => row.name)).toEqual([
      'ingest.rtmp',
      'ingest.test-pattern',
    ]);
    out = '';
    expect(await main(['inspect', 'package.cmaf'], cli)).toBe(0);
    expect(out).toContain('segment: duration, default "2s"');
    expect(await main(['inspect', 'package.cmfa'], cli)).toBe(1);
    expect(err).toContain('did you mean "package.cmaf"?');
  });

  test('graph draws text, mermaid and dot', async () => {
    const name = await file(VALID);
    for (const format of ['text', 'mermaid', 'dot']) {
      out = '';
      expect(await main(['graph', name, '--format', format], cli)).toBe(0);
      expect(out).toContain('cmaf');
    }
    expect(await main(['graph', name, '--format', 'svg'], cli)).toBe(2);
  });
});

describe('new', () => {
  test('a new pipeline passes validate, and is never overwritten', async () => {
    expect(await main(['new', 'pipeline', 'door'], cli)).toBe(0);
    expect(await main(['validate', '--offline', 'door.yaml'], cli)).toBe(0);
    await writeFile(join(cwd, 'door.yaml'), 'mine');
    expect(await main(['new', 'pipeline', 'door'], cli)).toBe(1);
    expect(await readFile(join(cwd, 'door.yaml'), 'utf8')).toBe('mine');
  });

  test('refuses names that are none', async () => {
    expect(await main(['new', 'plugin', 'Blur'], cli)).toBe(2);
    expect(err).toContain('family.name');
  });
});

test('apply says where it looked for an engine that does not run', async () => {
  expect(await main(['apply', await file(VALID)], cli)).toBe(1);
  expect(err).toContain(join(cwd, 'data/eddy.sock'));
});

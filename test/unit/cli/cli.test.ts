import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { main } from '../../../core/cli/main.ts';
import { catalogue, type CodeDefinition } from '../../../core/errors/index.ts';
import builtins from '../../../plugins/index.ts';
import { fakeCli, root } from './fake-cli.ts';

const cli = fakeCli();

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

describe('the command line', () => {
  test('without a verb prints the overview and exits 2', async () => {
    expect(await main([], cli)).toBe(2);
    expect(cli.printed.out).toContain('usage: eddy <verb>');
    expect(cli.printed.out).toContain('validate');
  });

  test('proposes the verb that was meant', async () => {
    expect(await main(['valdiate'], cli)).toBe(2);
    expect(cli.printed.err).toContain('did you mean "validate"?');
  });

  test('tells an unknown option with the usage, exit 2', async () => {
    expect(await main(['validate', '--jsno', 'x.yaml'], cli)).toBe(2);
    expect(cli.printed.err).toContain("Unknown option '--jsno'");
    expect(cli.printed.err).toContain('usage: eddy validate FILE...');
  });

  test('run without a file is a usage error', async () => {
    expect(await main(['run'], cli)).toBe(2);
    expect(cli.printed.err).toContain('one FILE is needed');
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
      cli.printed.out = '';
      expect(await main([verb, '--help'], cli)).toBe(0);
      expect(cli.printed.out).toMatch(new RegExp(`^eddy ${verb}`));
    }
  });
});

describe('validate', () => {
  test('a good file exits 0 and says what it holds', async () => {
    expect(await main(['validate', await cli.file(VALID)], cli)).toBe(0);
    expect(cli.printed.out).toContain('p.yaml: ok (3 stages, 2 services, 2 links)');
  });

  test('a warning fails with --deny-warnings alone', async () => {
    const name = await cli.file(VALID.replace(/ {2}hls: .*\n/, '').replace('  - cmaf.chunks -> hls.chunks\n', ''));
    expect(await main(['validate', name], cli)).toBe(0);
    expect(cli.printed.out).toContain('warning OUTPUT_UNUSED');
    expect(await main(['validate', name, '--deny-warnings'], cli)).toBe(78);
    expect(cli.printed.out).toContain('p.yaml: warnings are denied');
  });

  test('--offline asks nothing of the machine', async () => {
    const name = await cli.file(VALID.replace('ingest.rtmp }', 'ingest.rtmp, app: "${env:EDDY_TEST_UNSET}" }'));
    expect(await main(['validate', name], cli)).toBe(78);
    expect(cli.printed.out).toContain('REFERENCE_ENV_UNSET');
    expect(await main(['validate', name, '--offline'], cli)).toBe(0);
  });

  test('a mistake exits 78 with its line and the name that was meant', async () => {
    const code = await main(['validate', await cli.file(VALID.replace('hls.chunks', 'hls.chunk'))], cli);
    expect(code).toBe(78);
    expect(cli.printed.out).toMatch(/p\.yaml:10:\d+: error LINK_UNKNOWN_PAD/);
    expect(cli.printed.out).toContain('chunks');
  });

  test('--json gives findings as data', async () => {
    expect(await main(['validate', '--json', await cli.file(VALID.replace('package.cmaf', 'package.cmfa'))], cli)).toBe(
      78,
    );
    const findings = JSON.parse(cli.printed.out) as { code: string; didYouMean?: string }[];
    expect(findings[0]).toMatchObject({ code: 'PLUGIN_UNKNOWN', didYouMean: 'package.cmaf' });
  });

  test('a file that is not there exits 78', async () => {
    expect(await main(['validate', 'nowhere.yaml'], cli)).toBe(78);
    expect(cli.printed.out).toContain('nowhere.yaml');
  });
});

describe('looking things up', () => {
  test('explain knows the codes of core and plugins', async () => {
    expect(await main(['explain', 'PUBLISH_CONFLICT'], cli)).toBe(0);
    expect(cli.printed.out).toContain('second-publisher');
    expect(await main(['explain', 'publish.hls/NOT_READY'], cli)).toBe(0);
    expect(await main(['explain', 'PUBLISH_CONFLIKT'], cli)).toBe(1);
    expect(cli.printed.err).toContain('did you mean "PUBLISH_CONFLICT"?');
  });

  test('explain says of every code what happened, what to do about it, and shows it', async () => {
    const ofPlugins = builtins.flatMap(({ manifest }) =>
      Object.entries(manifest.errors).map(([code, definition]) => [`${manifest.name}/${code}`, definition] as const),
    );
    const all = [...Object.entries<CodeDefinition>(catalogue), ...ofPlugins];
    expect(all.length).toBeGreaterThan(150);
    await main(['help'], cli);
    const verbs = new Set([...cli.printed.out.matchAll(/^ {2}([a-z]+) {2}/gm)].map(([, verb]) => verb));
    const families = new Set(builtins.map(({ manifest }) => manifest.name.split('.')[0]));
    const plugins = new Set(builtins.map(({ manifest }) => manifest.name));
    for (const [code, { meaning, mend, example }] of all) {
      cli.printed.out = '';
      expect(await main(['explain', code], cli), code).toBe(0);
      expect(cli.printed.out).toContain(`${code} (`);
      for (const part of [meaning, `mend:    ${mend}`, `example: ${example}`]) expect(cli.printed.out).toContain(part);
      expect(meaning, code).toMatch(/^["A-Z].*[.`"]$/s);
      // Something to do, or why nothing is; never the cause told a second time.
      expect(mend, code).toMatch(/^["A-Z`/].{6,}[.)"`]$/s);
      expect(mend, code).not.toBe(meaning);
      // What it tells to use is there: verbs in quotes, plugins by name.
      for (const [, verb] of mend.matchAll(/"(?:npx )?eddy ([a-z]+)\b/g)) expect(verbs, code).toContain(verb);
      for (const [name, family] of mend.matchAll(/(?<![\w/])([a-z]+)\.[a-z][a-z0-9-]*\b/g))
        if (families.has(family)) expect(plugins, code).toContain(name);
    }
  });

  test('list and inspect show the plugins in the box', async () => {
    expect(await main(['list', 'ingest', '--json'], cli)).toBe(0);
    expect((JSON.parse(cli.printed.out) as { name: string }[]).map((row) => row.name)).toEqual([
      'ingest.rtmp',
      'ingest.test-pattern',
    ]);
    cli.printed.out = '';
    expect(await main(['inspect', 'package.cmaf'], cli)).toBe(0);
    expect(cli.printed.out).toContain('segment: duration, default "2s"');
    expect(await main(['inspect', 'package.cmfa'], cli)).toBe(1);
    expect(cli.printed.err).toContain('did you mean "package.cmaf"?');
  });

  test('graph draws text, mermaid and dot', async () => {
    const name = await cli.file(VALID);
    for (const format of ['text', 'mermaid', 'dot']) {
      cli.printed.out = '';
      expect(await main(['graph', name, '--format', format], cli)).toBe(0);
      expect(cli.printed.out).toContain('cmaf');
    }
    expect(await main(['graph', name, '--format', 'svg'], cli)).toBe(2);
  });
});

describe('doctor', () => {
  test('finds what the set-up brought', async () => {
    await main(['doctor', '--json'], cli);
    const rows = JSON.parse(cli.printed.out) as { what: string; ok: boolean; found: string }[];
    expect(rows.filter(({ what, ok }) => !ok && !what.startsWith('disk'))).toEqual([]);
    // Whatever devices there are.
    expect(rows).toContainEqual({
      what: 'devices of transcode.video',
      ok: true,
      found: expect.stringMatching(/h264enc/) as string,
    });
    expect(rows).toContainEqual({ what: 'mediasoup', ok: true, found: expect.stringMatching(/^3\./) as string });
  });

  test('says what mends a machine that lacks something, and exits 1', async () => {
    await symlink(join(root, 'scripts'), join(cli.cwd, 'scripts'));
    expect(await main(['doctor'], { ...cli, root: cli.cwd })).toBe(1);
    for (const what of ['mediasoup', 'SFU worker', 'gstreamer-superficial'])
      expect(cli.printed.out).toMatch(new RegExp(`^MISS  ${what} .*\\n +mend: make setup`, 'm'));
  });
});

test('apply says where it looked for an engine that does not run', async () => {
  expect(await main(['apply', await cli.file(VALID)], cli)).toBe(1);
  expect(cli.printed.err).toContain(join(cli.cwd, 'data/eddy.sock'));
  expect(await main(['apply', await cli.file(VALID), '--engine', 'http://127.0.0.1:8080'], cli)).toBe(2);
  expect(cli.printed.err).toContain('is no socket');
});

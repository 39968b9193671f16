import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPipeline, renderFindings } from '../../../core/graph/index.ts';
import { fakeRegistry } from './fakes.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'eddy-references-'));
  mkdirSync(join(folder, 'secrets'));
  mkdirSync(join(folder, 'elsewhere'));
  writeFileSync(join(folder, 'secrets/beside'), 'from-beside\n');
  writeFileSync(join(folder, 'elsewhere/beside'), 'from-elsewhere');
  writeFileSync(join(folder, 'token.txt'), 'from-file\r\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

const load = (services: string, env: Record<string, string> = {}) =>
  loadPipeline(
    { text: `version: 1\nservices:\n${services}\n`, file: join(folder, 'pipeline.yaml') },
    { registry: fakeRegistry, env },
  );

/** The token that a reference gives. */
async function token(reference: string, env: Record<string, string> = {}): Promise<unknown> {
  const { graph, findings } = await load(`  auth: { plugin: auth.static, token: "${reference}" }`, env);
  expect(findings).toEqual([]);
  return graph!.nodes[0]!.config.token;
}

describe('references', () => {
  it('come from the environment, with a default for what is unset or empty', async () => {
    expect(await token('${env:TOKEN}', { TOKEN: 'x' })).toBe('x');
    expect(await token('${env:TOKEN:-other}')).toBe('other');
    expect(await token('${env:TOKEN:-other}', { TOKEN: '' })).toBe('other');
    expect(await token('${env:TOKEN:-}')).toBe('');
  });

  it('come from files beside the pipeline, without the last line end', async () => {
    expect(await token('${file:./token.txt}')).toBe('from-file');
  });

  it('come from the secret store: the environment, then its folder, then the one beside the pipeline', async () => {
    const env = { EDDY_SECRET_BESIDE: 'from-env', EDDY_SECRETS_DIR: join(folder, 'elsewhere') };
    expect(await token('${secret:beside}', env)).toBe('from-env');
    expect(await token('${secret:beside}', { EDDY_SECRETS_DIR: env.EDDY_SECRETS_DIR })).toBe('from-elsewhere');
    expect(await token('${secret:beside}')).toBe('from-beside');
    expect(await token('${secret:publish-key.v2}', { EDDY_SECRET_PUBLISH_KEY_V2: 'x' })).toBe('x');
  });

  it('never leave the folder of secrets', async () => {
    const { findings } = await load('  auth: { plugin: auth.static, token: "${secret:../token.txt}" }');
    expect(findings).toMatchObject([{ code: 'REFERENCE_MALFORMED' }]);
  });

  it('may stand inside a text, several times, and be escaped', async () => {
    expect(await token('a${env:A}b${env:B}c', { A: '1', B: '2' })).toBe('a1b2c');
    expect(await token('$${env:A}')).toBe('${env:A}');
    // What a value holds is a value: it is not looked at again.
    expect(await token('${env:A}', { A: '${env:B}' })).toBe('${env:B}');
  });

  it('are read as what the option takes', async () => {
    const text =
      'version: 1\nstages:\n  rtmp: { plugin: ingest.rtmp, max-publishers: "${env:MAX}", allow: [OUTPUT_UNUSED] }\n';
    const { graph } = await loadPipeline({ text, file: 'x.yaml' }, { registry: fakeRegistry, env: { MAX: '7' } });
    expect(graph!.nodes[0]!.config['max-publishers']).toBe(7);
  });

  it('are kept as written for whoever prints the graph', async () => {
    const { graph } = await load('  auth: { plugin: auth.static, token: "${env:TOKEN}" }', { TOKEN: 'hunter2' });
    expect(graph!.nodes[0]!.written).toEqual({ plugin: 'auth.static', token: '${env:TOKEN}' });
  });

  it('suggest the name that was probably meant', async () => {
    const { findings } = await load('  auth: { plugin: auth.static, token: "${env:TOKNE}" }', { TOKEN: 'x' });
    expect(findings).toMatchObject([{ code: 'REFERENCE_ENV_UNSET', didYouMean: 'TOKEN' }]);
  });
});

describe('checked offline', () => {
  it('what is not on this machine is no finding, what is no reference is one', async () => {
    const text = (token: string) =>
      `version: 1\nservices:\n  http: { plugin: http.server, listen: "\${env:LISTEN}" }\n  auth: { plugin: auth.static, token: "${token}" }\n`;
    const offline = (token: string) =>
      loadPipeline(
        { text: text(token), file: join(folder, 'x.yaml') },
        { registry: fakeRegistry, env: {}, offline: true },
      );
    expect(await offline('${secret:nowhere}')).toMatchObject({ findings: [], graph: { name: 'x' } });
    expect((await offline('${secrt:nowhere}')).findings).toMatchObject([{ code: 'REFERENCE_MALFORMED' }]);
  });
});

describe('what is secret', () => {
  it('is handed to whoever logs, wherever it was written', async () => {
    const { secrets } = await load('  http: { plugin: store.filesystem, dir: "x-${secret:beside}-y" }');
    expect(secrets).toEqual(['from-beside']);
  });

  const everything = async (services: string, env: Record<string, string> = {}): Promise<string> => {
    const { graph, findings } = await load(services, env);
    expect(findings.length).toBeGreaterThan(0);
    return (
      renderFindings(findings) + JSON.stringify(findings) + JSON.stringify(graph?.nodes.map(({ written }) => written))
    );
  };

  it.each([
    ['a wrong unit', '  http: { plugin: http.server, listen: "${env:V}" }'],
    ['a wrong number', '  http: { plugin: ingest.rtmp, max-publishers: "${env:V}" }'],
    ['a wrong word', '  http: { plugin: transcode.audio, codec: "${env:V}" }'],
    ['a wrong pattern', '  http: { plugin: ingest.rtmp, app: "${env:V}" }'],
    ['a list', '  auth: { plugin: auth.static, token: x, cameras: "${env:V}" }'],
    ['a wrong name', '  http: { plugin: http.server, use: { x: "${env:V}" } }'],
    ['the name of a service', '  http: { plugin: publish.hls, use: { http: "${env:V}" } }'],
    ['an accepted code', '  http: { plugin: http.server, allow: ["${env:V}"] }'],
    ['the place of the API', '  http: { plugin: http.server }\nobserve: { http: "${env:V}" }'],
    ['an engine key', '  http: { plugin: http.server, start: "${env:V}", log: "${env:V}" }'],
    ['a node', '  http: "${env:V}"'],
    ['a plugin', '  http: { plugin: "${env:V}" }'],
  ])('%s that came from a reference is not told by any finding', async (_, services) => {
    expect(await everything(services, { V: 'Hunter-2!' })).not.toContain('Hunter-2!');
  });

  it.each([
    ['beside an unknown option', '  auth: { plugin: auth.static, token: Hunter2, colour: red }'],
    ['of the wrong type', '  auth: { plugin: auth.static, token: [Hunter2] }'],
    ['below a misspelt option', '  auth: { plugin: auth.static, tokn: Hunter2 }'],
    ['in a file that is no YAML', '  auth: { plugin: auth.static, token: "Hunter2" }}'],
    [
      'in the line above a mistake',
      '  auth: { plugin: auth.static, token: "Hunter2" }\n  http: { plugin: http.srver }',
    ],
  ])('a secret written out %s is masked', async (_, services) => {
    expect(await everything(services)).not.toContain('Hunter2');
  });
});

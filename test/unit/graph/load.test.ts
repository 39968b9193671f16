import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadPipeline, type CheckedGraph, type Finding, type LoadOptions } from '../../../core/graph/index.ts';
import { fakeRegistry } from './fakes.ts';

const file = '/somewhere/pipelines/test.yaml';

async function load(text: string, options: Partial<LoadOptions> = {}) {
  return loadPipeline({ text, file }, { registry: fakeRegistry, env: {}, ...options });
}

async function graphOf(text: string, options: Partial<LoadOptions> = {}): Promise<CheckedGraph> {
  const { graph, findings } = await load(text, options);
  expect(graph, JSON.stringify(findings, null, 2)).toBeDefined();
  return graph!;
}

const codes = (findings: readonly Finding[]): string[] => findings.map(({ code }) => code);

/** Services, four stages, links; `stages` and `links` are added to. */
const pipeline = (stages = '', links = '', head = ''): string => `version: 1
${head}
services:
  http: { plugin: http.server }
  auth: { plugin: auth.none }
stages:
  rtmp: { plugin: ingest.rtmp }
  cmaf: { plugin: package.cmaf }
  dvr: { plugin: timeshift.ring }
  hls: { plugin: publish.hls }
${stages}
links:
  - rtmp.video -> cmaf.video
  - rtmp.audio -> cmaf.audio
  - cmaf.chunks -> dvr.chunks
  - dvr.live -> hls.chunks
${links}
`;

describe('a sound pipeline', () => {
  it('has typed configurations with defaults, units and resolved paths', async () => {
    const graph = await graphOf(
      pipeline('  index: { plugin: index.sqlite, file: ./data/index.db }', '  - dvr.segments -> index.segments'),
    );
    const config = (name: string) => graph.nodes.find((node) => node.name === name)!.config;
    expect(config('cmaf')).toEqual({ segment: 2000, part: 334 });
    expect(config('dvr')).toEqual({ window: 120_000, memory: 512 * 1024 ** 2 });
    expect(config('http')).toEqual({ listen: { host: '127.0.0.1', port: 8080 }, tls: undefined });
    expect(config('index')).toEqual({ file: '/somewhere/pipelines/data/index.db' });
  });

  it('has the defaults of the file itself', async () => {
    const graph = await graphOf(pipeline());
    expect(graph).toMatchObject({
      name: 'test',
      file,
      baseDir: '/somewhere/pipelines',
      cameras: { secondPublisher: 'take-over', linger: 30_000 },
      budget: {},
      observe: { http: undefined, log: 'info' },
      drain: 10_000,
    });
    expect(graph.nodes[0]).toMatchObject({
      name: 'http',
      kind: 'service',
      start: 'always',
      log: undefined,
      supervise: {
        restart: 'on-failure',
        backoff: { min: 500, max: 30_000 },
        max: { count: 5, within: 120_000 },
        then: 'degrade',
      },
      position: { file, line: 4, column: 3 },
    });
  });

  it('overlays the supervision of the pipeline with that of a node, key by key', async () => {
    const text = pipeline(
      '  more: { plugin: ingest.rtmp, listen: "127.0.0.1:0", allow: [OUTPUT_UNUSED], supervise: { max: 1 in 1m } }',
      '',
      'supervise: { then: stop, max: 9 in 1h }',
    );
    const graph = await graphOf(text);
    const policy = (name: string) => graph.nodes.find((node) => node.name === name)!.supervise;
    expect(policy('rtmp')).toMatchObject({ then: 'stop', max: { count: 9, within: 3_600_000 } });
    expect(policy('more')).toMatchObject({ then: 'stop', max: { count: 1, within: 60_000 } });
  });

  it('orders nodes so that every need is met by one before it, services first where they can be', async () => {
    const graph = await graphOf(
      pipeline('  index: { plugin: index.sqlite, file: ./i.db }', '  - dvr.segments -> index.segments'),
    );
    const names = graph.nodes.map(({ name }) => name);
    expect(names.slice(0, 2)).toEqual(['http', 'auth']);
    expect(names.indexOf('index')).toBeLessThan(names.indexOf('dvr'));
    expect(names.indexOf('dvr')).toBeLessThan(names.indexOf('hls'));
  });

  it('binds needs, and leaves an optional one without provider unmet', async () => {
    const graph = await graphOf(pipeline());
    expect(graph.nodes.find(({ name }) => name === 'hls')!.uses).toEqual({ http: 'http', timeline: 'dvr' });
    expect(graph.nodes.find(({ name }) => name === 'dvr')!.uses).toEqual({ store: undefined, index: undefined });
  });

  it('binds the provider that `use` names where two could', async () => {
    const stores =
      'services:\n  hot: { plugin: store.filesystem, dir: ./hot }\n  cold: { plugin: store.filesystem, dir: ./cold }';
    const text = pipeline()
      .replace('services:', stores)
      .replace('timeshift.ring }', 'timeshift.ring, use: { store: cold } }');
    expect((await graphOf(text)).nodes.find(({ name }) => name === 'dvr')!.uses.store).toBe('cold');
  });
});

describe('links', () => {
  it('have the defaults of their media type', async () => {
    const graph = await graphOf(
      pipeline(
        '  index: { plugin: index.sqlite, file: ./i.db }\n  whip: { plugin: webrtc.whip }\n  sfu: { plugin: webrtc.sfu }',
        '  - dvr.segments -> index.segments\n  - whip.rtp -> sfu.rtp',
      ),
    );
    const policy = (id: string) => {
      const { queue, full } = graph.links.find((link) => link.id === id)!;
      return { queue, full };
    };
    expect(policy('rtmp.video -> cmaf.video')).toEqual({ queue: 1000, full: 'drop-to-keyframe' });
    expect(policy('cmaf.chunks -> dvr.chunks')).toEqual({ queue: 2000, full: 'block' });
    expect(policy('dvr.segments -> index.segments')).toEqual({ queue: 30_000, full: 'spill' });
    expect(policy('whip.rtp -> sfu.rtp')).toEqual({ queue: 0, full: 'block' });
  });

  it('become one a target, with the same options', async () => {
    const text = pipeline('  low: { plugin: publish.hls, prefix: /low }').replace(
      '- dvr.live -> hls.chunks',
      '- dvr.live -> hls.chunks , low.chunks: { queue: 5s, full: drop-newest }',
    );
    const graph = await graphOf(text);
    for (const target of ['hls', 'low']) {
      expect(graph.links.find((link) => link.id === `dvr.live -> ${target}.chunks`)).toMatchObject({
        queue: 5000,
        full: 'drop-newest',
        type: 'chunks',
      });
    }
  });

  it('take alternative routes in their order', async () => {
    const text = pipeline('  backup: { plugin: ingest.rtmp, listen: "127.0.0.1:1936" }')
      .replace('- rtmp.video ->', '- rtmp.video|backup.video ->')
      .replace('- rtmp.audio ->', '- rtmp.audio | backup.audio ->');
    const link = (await graphOf(text)).links[0]!;
    expect(link.id).toBe('rtmp.video | backup.video -> cmaf.video');
    expect(link.from).toEqual([
      { stage: 'rtmp', pad: 'video' },
      { stage: 'backup', pad: 'video' },
    ]);
    expect(link.to).toEqual({ stage: 'cmaf', pad: 'video' });
  });

  it('join pads of the same name and type in the short form', async () => {
    const text = pipeline().replace(
      '  - rtmp.video -> cmaf.video\n  - rtmp.audio -> cmaf.audio\n',
      '  - rtmp -> cmaf\n',
    );
    expect((await graphOf(text)).links.map(({ id }) => id).slice(0, 2)).toEqual([
      'rtmp.video -> cmaf.video',
      'rtmp.audio -> cmaf.audio',
    ]);
  });

  it('may be written in the long form, with lists for routes and targets', async () => {
    const text = pipeline(
      '  backup: { plugin: ingest.rtmp, listen: "127.0.0.1:1936" }\n  low: { plugin: publish.hls, prefix: /low }',
    )
      .replace('- rtmp.video -> cmaf.video', '- { from: [rtmp.video, backup.video], to: cmaf.video, queue: 3s }')
      .replace('- rtmp.audio -> cmaf.audio', '- { from: rtmp.audio | backup.audio, to: cmaf.audio, optional: true }')
      .replace('- dvr.live -> hls.chunks', '- { from: dvr.live, to: [hls.chunks, low.chunks] }');
    const graph = await graphOf(text);
    expect(graph.links.map(({ id }) => id)).toEqual([
      'rtmp.video | backup.video -> cmaf.video',
      'rtmp.audio | backup.audio -> cmaf.audio',
      'cmaf.chunks -> dvr.chunks',
      'dvr.live -> hls.chunks',
      'dvr.live -> low.chunks',
    ]);
    expect(graph.links[0]!.queue).toBe(3000);
    expect(graph.links[1]!.optional).toBe(true);
  });

  it('may go round a stage whose input does not reach that output', async () => {
    // sfu.audio -> aac, and rtmp.audio -> opus -> sfu.audio: the SFU stands on both sides, its video pad is on neither.
    const stages =
      '  opus: { plugin: transcode.audio, codec: opus }\n  sfu: { plugin: webrtc.sfu }\n  echo: { plugin: test.loop }';
    const sound = pipeline(
      stages,
      '  - rtmp.audio -> opus.in\n  - opus.out -> sfu.audio\n  - sfu.video -> echo.in\n  - echo.out -> sfu.audio',
    );
    expect(codes((await load(sound)).findings)).not.toContain('LINK_CYCLE');
    const round = pipeline(stages, '  - rtmp.audio -> opus.in\n  - sfu.audio -> echo.in\n  - echo.out -> sfu.audio');
    expect(codes((await load(round)).findings)).toContain('LINK_CYCLE');
  });
});

describe('identity', () => {
  const hashOf = async (dvr: string): Promise<string> =>
    (await graphOf(pipeline().replace('{ plugin: timeshift.ring }', dvr))).nodes.find(({ name }) => name === 'dvr')!
      .hash;

  it('is the same for the same configuration, however it is written', async () => {
    const plain = await hashOf('{ plugin: timeshift.ring }');
    expect(plain).toMatch(/^[0-9a-f]{16}$/);
    expect(await hashOf('{ memory: 512MiB, plugin: timeshift.ring, window: 120s }')).toBe(plain);
    expect(await hashOf('{ plugin: timeshift.ring, log: debug, x-note: anything }')).toBe(plain);
  });

  it('changes with any value of the configuration', async () => {
    expect(await hashOf('{ plugin: timeshift.ring, window: 3m }')).not.toBe(await hashOf('{ plugin: timeshift.ring }'));
  });
});

describe('the file', () => {
  it('may use anchors, aliases and merge keys', async () => {
    const head = 'x-part: &part 200ms\nx-cut: &cut { segment: 4s, part: *part }';
    const graph = await graphOf(
      pipeline('', '', head).replace('{ plugin: package.cmaf }', '{ <<: *cut, plugin: package.cmaf, segment: 1s }'),
    );
    expect(graph.nodes.find(({ name }) => name === 'cmaf')!.config).toEqual({ segment: 1000, part: 200 });
  });

  it('is refused where its aliases mean billions of values', async () => {
    const levels = Array.from(
      { length: 9 },
      (_, level) => `x-${level + 1}: &a${level + 1} [${Array(10).fill(`*a${level}`).join(', ')}]`,
    );
    const { findings } = await load(`version: 1\nx-0: &a0 [1]\n${levels.join('\n')}\n`);
    expect(codes(findings)).toContain('YAML_TOO_LARGE');
  });

  it('may end its lines as Windows does and begin with a byte order mark', async () => {
    const text = `\uFEFF${pipeline().replace('package.cmaf }', 'package.cmaf, segmnt: 1s }').replaceAll('\n', '\r\n')}`;
    const [finding] = (await load(text)).findings;
    expect(finding).toMatchObject({ code: 'CONFIG_KEY_UNKNOWN', position: { line: 8, column: 33 } });
    expect(finding!.frame).not.toContain('\r');
  });

  it('that does not exist is a finding', async () => {
    const { graph, findings } = await loadPipeline('/nowhere/at/all.yaml', { registry: fakeRegistry });
    expect(graph).toBeUndefined();
    expect(findings).toMatchObject([
      { code: 'PIPELINE_UNREADABLE', message: '/nowhere/at/all.yaml: there is no such file' },
    ]);
  });

  it('may be broken anywhere: that is told at its place, and nothing is thrown', async () => {
    const whole = pipeline(
      '  index: { plugin: index.sqlite, file: "${env:X:-./i.db}" }',
      '  - dvr.segments -> index.segments: { queue: 9s }',
    );
    const sign = fc.constantFrom(...'{}[]:,|->"\'#&*!$ \n\ta1.%@`?');
    const slip = fc.record({ at: fc.nat(whole.length - 1), cut: fc.nat(2), sign: fc.option(sign, { nil: '' }) });
    await fc.assert(
      fc.asyncProperty(slip, async ({ at, cut, sign: typed }) => {
        const { graph, findings } = await load(whole.slice(0, at) + typed + whole.slice(at + cut));
        const errors = findings.filter(({ severity }) => severity === 'error');
        expect(graph === undefined).toBe(errors.length > 0);
        for (const finding of findings) {
          expect(finding.position).toBeDefined();
          expect(finding.mend).not.toBe('');
        }
      }),
      { numRuns: 100 },
    );
  });

  it('tells of every independent mistake at once, in the order of the lines', async () => {
    const text = pipeline('', '  - dvr.segmnts -> hls.chunks')
      .replace('{ plugin: http.server }', '{ plugin: http.server, listen: 80 }')
      .replace('{ plugin: package.cmaf }', '{ plugin: package.cmaf, segment: 2sec, prt: 1s }')
      .replace('{ plugin: publish.hls }', '{ plugin: publish.hsl }');
    expect((await load(text)).findings.map(({ code, position }) => `${position?.line} ${code}`)).toEqual([
      '4 CONFIG_VALUE_INVALID',
      '8 CONFIG_VALUE_INVALID',
      '8 CONFIG_KEY_UNKNOWN',
      '10 PLUGIN_UNKNOWN',
      '17 LINK_UNKNOWN_PAD',
    ]);
  });
});

describe('allow', () => {
  it('silences warnings and infos of its stage, and no errors', async () => {
    const text = (allow: string) => pipeline(`  more: { plugin: ingest.rtmp, listen: "127.0.0.1:0"${allow} }`);
    expect(codes((await load(text(''))).findings)).toEqual(['OUTPUT_UNUSED', 'OUTPUT_UNUSED']);
    expect((await load(text(', allow: [OUTPUT_UNUSED]'))).findings).toEqual([]);
    expect(codes((await load(text(', allow: [LISTEN_TAKEN]'))).findings)).toContain('ALLOW_UNKNOWN');
  });
});

describe('an open door', () => {
  const open = pipeline().replace('http.server }', 'http.server, listen: "0.0.0.0:8080" }');

  it('is no finding where a service says openly that anyone may', async () => {
    expect((await load(open)).findings).toEqual([]);
  });

  it('is judged for every listener, and not for loopback', async () => {
    const noAuth = open.replace('  auth: { plugin: auth.none }\n', '');
    expect(codes((await load(noAuth)).findings)).toEqual(['AUTH_OPEN']);
    expect((await load(noAuth.replace('0.0.0.0', '[::1]'))).findings).toEqual([]);
    expect((await load(noAuth.replace('0.0.0.0', '127.1.2.3'))).findings).toEqual([]);
  });
});

describe('the machine', () => {
  it('is asked once for each element, and not at all without a probe', async () => {
    const asked: string[] = [];
    const probe = { binary: async () => true, element: async (name: string) => (asked.push(name), undefined) };
    const stages = '  one: { plugin: test.encoder }\n  two: { plugin: test.encoder }';
    expect((await load(pipeline(stages), { probe })).findings).toEqual([]);
    expect(asked).toEqual(['no-such-element']);
    expect((await load(pipeline(stages))).findings).toEqual([]);
  });
});

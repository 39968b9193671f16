/** The editors' schema against the checks: it must take what they take, and refuse what it can see. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { pipelineSchema } from '../../../core/graph/schema.ts';
import { createRegistry } from '../../../core/plugin/registry.ts';
import builtins from '../../../plugins/index.ts';
import { fakeRegistry } from './fakes.ts';

const root = join(import.meta.dirname, '../../..');
const compile = (schema: object) => new Ajv({ allErrors: true, strict: false }).compile(schema);
const validate = compile(pipelineSchema(fakeRegistry));

const problems = (text: string): string[] => {
  if (validate(parse(text))) return [];
  // `if` only says that its branch failed, which the branch says better.
  return validate
    .errors!.filter(({ keyword }) => keyword !== 'if')
    .map(({ instancePath, keyword }) => `${instancePath} ${keyword}`);
};

const pipeline = (node: string, links = '[]'): string => `version: 1\nstages:\n  a: ${node}\nlinks: ${links}\n`;

describe('the schema', () => {
  it('takes every pipeline in the box', () => {
    const real = compile(pipelineSchema(createRegistry(builtins)));
    for (const file of readdirSync(join(root, 'pipelines')).filter((name) => name.endsWith('.yaml'))) {
      expect(
        real(parse(readFileSync(join(root, 'pipelines', file), 'utf8'))),
        `${file}: ${JSON.stringify(real.errors)}`,
      ).toBe(true);
    }
  });

  it('asks for nothing that has a default', () => {
    expect(problems(pipeline('{ plugin: ingest.rtmp }'))).toEqual([]);
    expect(problems(pipeline('{ plugin: http.server }'))).toEqual([]);
  });

  it.each([
    ['a misspelt plugin', '{ plugin: ingest.rmtp }', '/stages/a/plugin enum'],
    ['a misspelt option', '{ plugin: package.cmaf, segmnt: 2s }', '/stages/a additionalProperties'],
    ['a misspelt word', '{ plugin: transcode.audio, codec: opsu }', '/stages/a/codec enum'],
    ['a foreign unit', '{ plugin: package.cmaf, segment: 2sec }', '/stages/a/segment pattern'],
    ['a bare number', '{ plugin: package.cmaf, segment: 2 }', '/stages/a/segment type'],
    ['a missing option', '{ plugin: store.filesystem }', '/stages/a required'],
    ['a missing plugin', '{ listen: "127.0.0.1:1" }', '/stages/a required'],
    ['a need that is none', '{ plugin: publish.hls, use: { htp: http } }', '/stages/a/use additionalProperties'],
    ['a number out of range', '{ plugin: ingest.rtmp, max-publishers: 5000 }', '/stages/a/max-publishers maximum'],
  ])('gives one finding for %s', (_, node, expected) => expect(problems(pipeline(node))).toEqual([expected]));

  it.each([
    ['{ plugin: package.cmaf, segment: "${env:SEGMENT:-2s}" }'],
    ['{ plugin: ingest.rtmp, max-publishers: "${env:MAX}", app: "${env:APP}" }'],
    ['{ plugin: publish.hls, low-latency: "${env:LOW}", use: { http: http } }'],
    ['{ plugin: publish.hls, start: on-demand, log: debug, allow: [OUTPUT_UNUSED], x-note: { any: thing } }'],
  ])('takes %s', (node) => expect(problems(pipeline(node))).toEqual([]));

  it.each([
    ['["a.x -> b.y"]', []],
    ['[{ "a.x -> b.y": { queue: 2s, full: block } }]', []],
    ['[{ from: a.x, to: [b.y, c.z], optional: true }]', []],
    ['["a.x => b.y"]', ['/links/0 pattern']],
    ['[{ "a.x -> b.y": { queu: 2s } }]', ['/links/0/a.x -> b.y additionalProperties']],
    ['[{ "a.x -> b.y": { queue: 2 } }]', ['/links/0/a.x -> b.y/queue type']],
    ['[{ from: a.x }]', ['/links/0 required']],
    ['[{ a.x: b.y }]', ['/links/0 additionalProperties']],
  ])('judges the links %s', (links, expected) =>
    expect(problems(pipeline('{ plugin: test.tool }', links))).toEqual(expected),
  );
});

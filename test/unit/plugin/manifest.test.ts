import { describe, expect, it } from 'vitest';
import { defineManifest, input, output, Text, type ManifestInput } from '../../../core/plugin/index.ts';

const define = (manifest: Partial<ManifestInput>) =>
  defineManifest({ name: 'a.b', version: '1.0.0', api: 1, summary: 'x', ...manifest });

describe('a manifest', () => {
  it('has its empty parts filled in', () => {
    expect(define({})).toMatchObject({
      config: {},
      inputs: {},
      outputs: {},
      needs: {},
      provides: {},
      errors: {},
      events: {},
      requires: {},
      claims: {},
    });
  });

  it.each<[string, Partial<ManifestInput>, string]>([
    ['a name without family', { name: 'rtmp' }, 'family.name'],
    ['a name in upper case', { name: 'Ingest.Rtmp' }, 'family.name'],
    ['a config key of the engine', { config: { start: Text({ doc: 'x' }) } as never }, 'the engine'],
    ['a config key for notes', { config: { 'x-note': Text({ doc: 'x' }) } }, 'the engine'],
    ['a pad name in upper case', { inputs: { Video: input('frames', { doc: 'x' }) } }, 'pad name "Video"'],
    ['an event without family', { events: { blurred: { meaning: 'x' } } }, 'family.what'],
    ['an event of the engine', { events: { 'session.lost': { meaning: 'x' } } }, '"session.*" are the engine'],
    [
      'an output reached by an input that is none',
      { outputs: { out: output('frames', { doc: 'x', reachedBy: ['in'] }) } },
      'reachedBy "in"',
    ],
  ])('is refused for %s', (_, manifest, message) => {
    expect(() => define(manifest)).toThrow(TypeError);
    expect(() => define(manifest)).toThrow(message);
  });
});

import { describe, expect, it } from 'vitest';
import { HttpServer, ObjectStore, Timeline } from '../../../core/contracts/index.ts';
import { defineManifest, optional, several, type AnyPlugin, type ManifestInput } from '../../../core/plugin/index.ts';
import { contractOf, createRegistry, providedBy } from '../../../core/plugin/registry.ts';

const plugin = (manifest: Partial<ManifestInput> & { name: string }): AnyPlugin => ({
  manifest: defineManifest({ version: '1.0.0', api: 1, summary: 'x', ...manifest }),
  load: () => Promise.reject(new Error('not here')),
});

describe('a registry', () => {
  const http = plugin({ name: 'http.server', provides: { http: HttpServer } });
  const ring = plugin({ name: 'timeshift.ring', provides: { timeline: Timeline } });
  const registry = createRegistry([ring, http]);

  it('finds plugins by name and by what they provide', () => {
    expect(registry.get('http.server')).toBe(http);
    expect(registry.get('http')).toBeUndefined();
    expect(registry.names()).toEqual(['http.server', 'timeshift.ring']);
    expect(registry.providersOf(Timeline)).toEqual([ring]);
    expect(registry.providersOf(ObjectStore)).toEqual([]);
    expect(providedBy(ring, Timeline)).toBe('timeline');
  });

  it('never finds a plugin by a name that every object has', () => {
    expect(registry.get('constructor')).toBeUndefined();
    expect(registry.get('__proto__')).toBeUndefined();
  });

  it('grows without changing', () => {
    const more = registry.with([plugin({ name: 'ingest.srt' })], '@acme/eddy-srt');
    expect(more.originOf('ingest.srt')).toBe('@acme/eddy-srt');
    expect(more.originOf('http.server')).toBe('built in');
    expect(registry.get('ingest.srt')).toBeUndefined();
  });

  it('refuses a second plugin of a name, and takes the same one twice', () => {
    expect(() => registry.with([plugin({ name: 'http.server' })], './mine')).toThrow(
      expect.objectContaining({
        code: 'PLUGIN_NAME_TAKEN',
        message: '"http.server" of ./mine is the name of a plugin that is built in',
      }),
    );
    expect(registry.with([http], './mine').originOf('http.server')).toBe('./mine');
  });

  it('refuses a plugin of another API, and says which is newer', () => {
    expect(() => createRegistry([plugin({ name: 'a.b', api: 2 })])).toThrow(
      expect.objectContaining({
        code: 'PLUGIN_API_UNSUPPORTED',
        message: expect.stringContaining('the plugin is newer than this Eddy'),
      }),
    );
    expect(() => createRegistry([plugin({ name: 'a.b', api: 0 })])).toThrow(
      expect.objectContaining({ code: 'PLUGIN_API_UNSUPPORTED' }),
    );
  });

  it.each([
    ['nothing', undefined],
    ['text', 'plugin'],
    ['a manifest alone', http.manifest],
    ['a plugin without loader', { manifest: http.manifest }],
    [
      'a manifest that is a plain object',
      { manifest: { name: 'a.b', version: '1', api: 1, summary: 'x' }, load: () => undefined },
    ],
  ])('refuses %s', (_, value) => {
    expect(() => createRegistry([value as AnyPlugin])).toThrow(expect.objectContaining({ code: 'PLUGIN_INVALID' }));
  });
});

describe('a need', () => {
  it('is a contract, perhaps an optional one, or several of one', () => {
    const plain = { contract: ObjectStore, optional: false, several: false };
    expect(contractOf(ObjectStore)).toEqual(plain);
    expect(contractOf(optional(ObjectStore))).toEqual({ ...plain, optional: true });
    expect(contractOf(several(ObjectStore))).toEqual({ ...plain, several: true });
  });
});

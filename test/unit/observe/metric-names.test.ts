import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const guide = readFileSync(join(root, 'docs/guides/operating.md'), 'utf8');

interface Made {
  readonly kind: string;
  readonly name: string;
  readonly help: string;
}

/** Every meter that the sources make; `(name, help)` of the ring's helper is prefixed there. */
const made = globSync('{core,plugins}/**/*.ts', { cwd: root, exclude: ['**/node_modules/**', 'core/cli/templates.ts'] })
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .flatMap((text): Made[] => {
    const prefix = /\.gauge\(`([a-z_]+)\$\{name\}`/.exec(text)?.[1];
    return [...text.matchAll(/(\.|\b)(counter|gauge|histogram)\(\s*'([a-z0-9_]+)',\s*(['"])(.*?)\4/g)].map(
      ([, dot, kind, name, , help]) => ({
        kind: kind!,
        name: `eddy_${dot === '.' ? '' : (prefix ?? '')}${name}`,
        help: help!,
      }),
    );
  });
const documented = new Map(
  [...guide.matchAll(/^\| `(eddy_[a-z0-9_]+)` \| (\w+) \|/gm)].map(([, name, kind]) => [name!, kind!]),
);

describe('metrics', () => {
  it('are named as Prometheus wants it: base units, no unit twice, a sentence of help', () => {
    expect(made.length).toBeGreaterThan(35);
    for (const { name, help } of made) {
      expect(name).not.toMatch(/_(ms|millis|milliseconds|micros|minutes|kb|mb|kib|mib|kbps|percent)(_|$)/);
      expect(help, name).toMatch(/^([A-Z]|1 ).{8,}\.$/);
    }
  });

  it('are all in the guide for operators, with their kind, and no others', () => {
    const found = new Map(made.map(({ name, kind }) => [name, kind]));
    const sorted = (all: ReadonlyMap<string, string>) => [...all].sort(([a], [b]) => a.localeCompare(b));
    expect(sorted(documented)).toEqual(sorted(found));
  });

  it('alerts of the guide use metrics that there are', () => {
    const used = [...guide.matchAll(/\beddy_[a-z0-9_]+/g)].map(([name]) => name.replace(/_(bucket|count|sum)$/, ''));
    expect(used.filter((name) => !documented.has(name))).toEqual([]);
  });
});

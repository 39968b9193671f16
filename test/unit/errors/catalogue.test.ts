import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asEddyError, catalogue, EddyError, type CodeDefinition } from '../../../core/errors/index.ts';

const root = join(import.meta.dirname, '../../..');
const sources = globSync('{core,plugins,scripts}/**/*.{ts,mjs}', {
  cwd: root,
  exclude: ['**/node_modules/**', '**/generators/**'],
}).map((file) => ({
  file,
  text: readFileSync(join(root, file), 'utf8'),
}));
const codes = Object.entries<CodeDefinition>(catalogue);

describe('the catalogue', () => {
  it.each(codes)('%s says what happened, what to do, and shows it', (code, { meaning, mend, example }) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z0-9]+)*$/);
    expect(meaning).toMatch(/^["A-Z].*[.`"]$/s);
    expect(mend.length).toBeGreaterThan(5);
    expect(mend).toMatch(/[.)"]$/);
    expect(example.trim()).not.toBe('');
  });

  it('holds no code that nothing raises', () => {
    const used = (code: string): boolean => {
      const quoted = new RegExp(`\\b${code}\\b`);
      return sources.some(({ file, text }) => !file.startsWith('core/errors/') && quoted.test(text));
    };
    expect(codes.map(([code]) => code).filter((code) => !used(code))).toEqual([]);
  });

  it('holds every code that the core raises', () => {
    const raised = /(?:code: |new EddyError\(|asEddyError\([^,()]+, )'([A-Z][A-Z0-9_]+)'/g;
    const unknown = sources
      .filter(({ file }) => file.startsWith('core/'))
      .flatMap(({ file, text }) => [...text.matchAll(raised)].map(([, code]) => `${file}: ${code}`))
      .filter((entry) => !Object.hasOwn(catalogue, entry.split(': ')[1]!));
    expect(unknown).toEqual([]);
  });
});

describe('an EddyError', () => {
  it('has kind and severity from the catalogue, or as a plugin says', () => {
    expect(new EddyError('LINK_INACTIVE', 'x')).toMatchObject({
      code: 'LINK_INACTIVE',
      kind: 'caps',
      severity: 'warning',
    });
    expect(new EddyError('a.b/C', 'x')).toMatchObject({ kind: 'plugin', severity: 'error', details: {} });
    expect(new EddyError('a.b/C', 'x', { kind: 'peer', severity: 'info' })).toMatchObject({
      kind: 'peer',
      severity: 'info',
    });
  });

  it('wraps what is thrown, and is never wrapped itself', () => {
    const cause = new RangeError('too long');
    expect(asEddyError(cause)).toMatchObject({ code: 'INTERNAL', message: 'too long', cause });
    expect(asEddyError('text').message).toBe('text');
    const own = new EddyError('CAMERA_AWAY', 'x');
    expect(asEddyError(own)).toBe(own);
  });
});

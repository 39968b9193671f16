/**
 * Every broken pipeline of test/fixtures/broken gives exactly the findings that its head names: code, line, column and
 * a part of the mend. One slip is one finding: whatever follows from it must not be told as well.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadPipeline, type Probe } from '../../../core/graph/index.ts';
import { createRegistry } from '../../../core/plugin/registry.ts';
import gstreamer from '../../../plugins/native/gstreamer/plugin.ts';
import transcodeVideo from '../../../plugins/transcode/video/plugin.ts';
import { meetBar } from '../../bar.ts';
import { fakePlugins, fakeRegistry } from './fakes.ts';

const folder = join(import.meta.dirname, '../../fixtures/broken');
/** For files that show how a plugin of ours checks its options: where it is known, it is also proposed as a mend. */
const withLadders = createRegistry([...fakePlugins, gstreamer, transcodeVideo]);
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

/** A machine that has everything but one program and one element. */
const probe: Probe = {
  binary: async (name) => name !== 'no-such-program',
  element: async (name) => name !== 'no-such-element',
  storage: async (path) =>
    path.endsWith('/not-ours') ? { refused: 'it is of another user' } : { free: path.endsWith('/full') ? 300e6 : 1e12 },
};

interface Expected {
  readonly code: string;
  readonly line: number;
  readonly column: number;
  readonly mend: string;
}

const expectations = (text: string): Expected[] =>
  [...text.matchAll(/^# expect: (\S+) (\d+):(\d+) ?(.*)$/gm)].map(([, code, line, column, mend]) => ({
    code: code!,
    line: Number(line),
    column: Number(column),
    mend: mend!,
  }));

describe('broken pipelines', () => {
  const right: string[] = [];

  it.each(files)('%s', async (file) => {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    const expected = expectations(text);
    const registry = text.includes('plugin: transcode.video') ? withLadders : fakeRegistry;
    expect(expected.length, 'the head of the file says what is expected').toBeGreaterThan(0);
    const { findings } = await loadPipeline(path, { registry, env: {}, probe });
    const found = findings.map((finding) => ({
      code: finding.code,
      line: finding.position?.line,
      column: finding.position?.column,
    }));
    expect(found).toEqual(expected.map(({ code, line, column }) => ({ code, line, column })));
    for (const [index, { mend }] of expected.entries()) {
      expect(findings[index]!.mend).toContain(mend);
      expect(findings[index]!.frame).toContain('^');
    }
    right.push(file);
  });

  it('are at least fifty, each with its code, line, column and mend', () => {
    meetBar({
      what: 'broken YAML',
      bar: '50 fixtures, each with the expected code, line, column and mend',
      measured: `${right.length} of ${files.length}`,
      pass: right.length === files.length && files.length >= 50,
    });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, suggest } from '../../../core/graph/suggest.ts';

describe('did you mean', () => {
  it.each([
    ['segmnt', ['segment', 'part'], 'segment'],
    ['rmtp', ['rtmp', 'http'], 'rtmp'],
    ['takeover', ['refuse', 'take-over', 'standby'], 'take-over'],
    ['rtmp', ['ingest.rtmp', 'ingest.srt'], 'ingest.rtmp'],
    ['Video', ['video', 'audio'], 'video'],
    ['quality', ['segment', 'part'], undefined],
    ['x', ['y'], undefined],
    ['in', ['out'], undefined],
  ])('%s of %j is %s', (word, known, expected) => expect(suggest(word, known)).toBe(expected));

  it('a swap of neighbours is one step', () => {
    expect(editDistance('vidoe', 'video')).toBe(1);
    expect(editDistance('kitten', 'sitting')).toBe(3);
  });

  it('the distance is the same both ways, nothing for equal words, and at most the longer length', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        return (
          distance === editDistance(b, a) && (distance === 0) === (a === b) && distance <= Math.max(a.length, b.length)
        );
      }),
    );
  });
});

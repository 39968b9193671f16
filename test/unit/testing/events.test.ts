import { testPipeline, testPlugin } from 'eddy/testing';
import { expect, it } from 'vitest';
import type { Context } from '../../../core/plugin/index.ts';
import { flawsOf } from '../../../core/testing/events.ts';

const events = {
  'it.counted': {
    meaning: 'x',
    data: { count: { type: 'number', doc: 'x' }, why: { type: 'string', optional: true, doc: 'x' } },
  },
} as const;

it.each<[string, object, string[]]>([
  ['it.counted', { count: 1 }, []],
  ['it.counted', { count: 1, why: 'so' }, []],
  ['it.counted', {}, ['event "it.counted": data.count is undefined, not number']],
  ['it.counted', { count: '1' }, ['event "it.counted": data.count is string, not number']],
  ['it.counted', { count: 1, more: 2 }, ['event "it.counted" does not declare data.more']],
  ['it.conted', {}, ['event "it.conted" is declared by nobody']],
  ['camera.live', {}, []],
  ['report', { code: 'X' }, ['event "report": data.message is undefined, not string']],
])('an event %s with %j has the flaws %j', (type, data, flaws) =>
  expect(flawsOf({ type, at: 0, data: { ...data } }, events)).toEqual(flaws),
);

it('a pipeline under test does not stop in peace where an event is not what it declares', async () => {
  let context!: Context;
  const plugin = testPlugin({ events }, (ctx) => {
    context = ctx;
    return {};
  });
  const t = await testPipeline({ stages: { it: plugin } });
  context.events.emit({ type: 'it.counted', data: { count: 'many' } });
  await expect(t.stop()).rejects.toThrow('data.count is string, not number');
});

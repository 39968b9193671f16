import { expect, it } from 'vitest';
import { LayerDemand } from '../../../plugins/webrtc/workers/layer-demand.ts';

it('the highest layer of a stream is that of the consumer who takes most', () => {
  const demand = new LayerDemand();
  const [one, two] = [{}, {}];
  let changes = 0;
  const forget = demand.watch('a', () => (changes += 1));
  expect(demand.highest('a')).toBeUndefined();
  demand.set('a', one, 0);
  demand.set('a', two, Infinity);
  demand.set('b', one, 1);
  expect([demand.highest('a'), demand.highest('b'), changes]).toEqual([Infinity, 1, 2]);
  demand.set('a', two, undefined);
  demand.set('a', two, undefined);
  expect([demand.highest('a'), changes]).toEqual([0, 4]);
  forget();
  demand.set('a', one, undefined);
  expect([demand.highest('a'), changes]).toEqual([undefined, 4]);
});

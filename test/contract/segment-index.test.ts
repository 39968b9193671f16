import { FakeSegmentIndex } from '../../core/testing/index.ts';
import { segmentIndexContract } from './segment-index.ts';

segmentIndexContract('FakeSegmentIndex', async () => {
  const index = new FakeSegmentIndex();
  return { index, another: async () => index, stop: async () => {} };
});

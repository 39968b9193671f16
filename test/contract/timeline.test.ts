import { expect } from 'vitest';
import { RingMemory } from '../../plugins/timeshift/ring/memory.ts';
import { RingTimeline } from '../../plugins/timeshift/ring/timeline.ts';
import { START } from '../support/chunks.ts';
import { durableRing } from '../support/durable-ring.ts';
import { timelineContract } from './timeline.ts';

timelineContract('timeshift.ring in memory', async () => {
  let now = START;
  const memory = new RingMemory({ window: 120_000, memory: 1_000_000 }, () => now);
  const state = () => expect.unreachable();
  const id = (camera: string) => camera as never;
  return {
    timeline: new RingTimeline({ memory, now: () => now, state }),
    begin: (camera, track, caps) => memory.begin(id(camera), track, caps),
    chunk: (camera, track, chunk) => void memory.append(id(camera), track, chunk),
    gap: (camera, _track, from, to, cause) => memory.gap(id(camera), from, to, cause),
    end: (camera, track) => void memory.end(id(camera), track),
    setTime: async (ms) => {
      now = START + ms;
      memory.evict();
    },
    stop: async () => undefined,
  };
});

timelineContract('timeshift.ring with a store', async () => {
  const ring = await durableRing({ config: { window: '10s' } });
  return {
    ...ring,
    timeline: ring.timeline,
    setTime: async (ms) => {
      await ring.archived();
      await ring.clock.advance(START + ms - ring.clock.now());
      await ring.archived();
    },
    stop: async () => {
      await ring.stop();
      await ring.remove();
    },
  };
});

import { RingMemory } from '../../plugins/timeshift/ring/memory.ts';
import { START } from '../support/chunks.ts';
import { timelineContract } from './timeline.ts';

timelineContract('timeshift.ring', async () => {
  let now = START;
  const memory = new RingMemory({ window: 120_000, memory: 1_000_000 }, () => now);
  const id = (camera: string) => camera as never;
  return {
    timeline: memory,
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

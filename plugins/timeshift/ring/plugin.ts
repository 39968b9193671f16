/** `timeshift.ring`: the last minutes of every camera, in memory. */
import { Bytes, defineManifest, definePlugin, Duration, input, output, Timeline } from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'timeshift.ring',
  version: '1.0.0',
  api: 1,
  summary: 'Keeps the last minutes of every camera in memory and serves any moment of them.',
  config: {
    window: Duration({ default: '2m', min: '10s', max: '1h', doc: 'How much of every camera is kept.' }),
    memory: Bytes({
      default: '512MiB',
      min: '1MiB',
      doc: 'The most that all cameras together may hold; beyond it the oldest media of any camera goes first.',
    }),
  },
  inputs: { chunks: input('chunks', { doc: 'Every rendition of a camera, as tracks of one link.', demand: 'always' }) },
  outputs: {
    live: output('chunks', { doc: 'The same chunks, passed on at once.', latency: { min: 0, max: 1 } }),
    segments: output('segments', { doc: 'Every finished segment, by reference.', optional: true }),
  },
  provides: { timeline: Timeline },
  errors: {
    MEMORY_SHORT: {
      severity: 'warning',
      kind: 'resource',
      meaning: 'The memory budget is full before the window is, so less of the past is kept than the window says.',
      mend: 'Give the ring more "memory", shorten its "window", or lower the cameras\' bit rates.',
      example: 'dvr: { plugin: timeshift.ring, window: 2m, memory: 64MiB } with ten cameras of 6 Mbps',
    },
  },
});

export default definePlugin(manifest, () => import('./ring.ts'));

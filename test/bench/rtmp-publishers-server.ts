/** The measured process: `ingest.rtmp` alone, with a sink that counts and lets go. Speaks with its parent over IPC. */
import { FakeEngine } from '../unit/rtmp/fake-context.ts';

const publishers = Number(process.argv[2]);
const engine = await FakeEngine.start({
  keep: false,
  config: { limits: { 'connections-per-peer': publishers + 10, 'connection-rate': '100000 in 1s' } },
});

process.on('message', (question) => {
  if (question === 'report') {
    // Twice: the first collection runs finalizers that free what the second one finds.
    globalThis.gc?.();
    globalThis.gc?.();
    const publications = engine.publications.filter(({ ended }) => ended === undefined);
    process.send!({
      items: engine.publications.reduce((sum, { items }) => sum + items, 0),
      bytes: engine.publications.reduce((sum, { bytes }) => sum + bytes, 0),
      publishing: publications.length,
      rss: process.memoryUsage().rss,
    });
  } else {
    void engine.stop().then(() => process.disconnect());
  }
});
process.send!({ port: engine.port });

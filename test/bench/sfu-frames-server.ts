/**
 * The measured process: WHIP, the SFU's Node side and `webrtc.sfu` into a sink that counts and lets go; the SFU's worker
 * is a process of its own. Without `sfu` as argument there is no webrtc.sfu: what WHIP costs alone. Speaks over IPC.
 */
import { HttpServer } from '../../core/contracts/index.ts';
import { systemClock } from '../../core/engine/clock.ts';
import { input, type Flow, type FlowInput } from '../../core/plugin/index.ts';
import { testPipeline, testPlugin } from '../../core/testing/index.ts';
import httpServer from '../../plugins/http/server/plugin.ts';
import sfu from '../../plugins/webrtc/sfu/plugin.ts';
import whip from '../../plugins/webrtc/whip/plugin.ts';
import workers from '../../plugins/webrtc/workers/plugin.ts';

const tapped = process.argv[2] === 'sfu';
const counts = { frames: 0, bytes: 0, lost: 0, longest: 0 };
const newest = new Map<string, number>();

const frames = testPlugin(
  {
    name: 'test.counter',
    inputs: {
      video: input('frames', { doc: 'Counted.', optional: true, from: 'all', demand: 'always' }),
      audio: input('frames', { doc: 'Counted.', optional: true, from: 'all', demand: 'always' }),
      rtp: input('rtp', { doc: 'Taken.', optional: true, demand: 'always' }),
    },
  },
  () => ({
    flow(flow: Flow) {
      const { video, audio, rtp } = flow.in as unknown as Record<'video' | 'audio', FlowInput<'frames'>> & {
        rtp: FlowInput<'rtp'>;
      };
      for (const pad of [video, audio]) {
        pad.onTrack((track) => {
          const key = `${flow.cameraId} ${track.id}`;
          return {
            item: ({ data, arrivedAt }) => {
              counts.frames += 1;
              counts.bytes += data.length;
              counts.longest = Math.max(counts.longest, arrivedAt - (newest.get(key) ?? arrivedAt));
              newest.set(key, arrivedAt);
            },
          };
        });
      }
      rtp.onTrack(() => ({ item: () => undefined }));
    },
  }),
);

const pipeline = await testPipeline(
  {
    services: {
      http: { plugin: httpServer, config: { listen: '127.0.0.1:0' } },
      rtc: { plugin: workers, config: { listen: '127.0.0.1:0', workers: 1 } },
    },
    stages: {
      whip: { plugin: whip, config: { posts: '1000 in 1s' } },
      ...(tapped && { sfu }),
      frames,
    },
    links: tapped
      ? ['whip.rtp -> sfu.rtp', 'sfu.video -> frames.video', 'sfu.audio -> frames.audio']
      : ['whip.rtp -> frames.rtp'],
  },
  { clock: systemClock },
);

process.on('message', (question) => {
  if (question === 'report') {
    const { user, system } = process.cpuUsage();
    const lost = tapped ? pipeline.metric('sfu_packets_lost_total') : Promise.resolve(0);
    void lost.then((packets) => {
      process.send!({
        ...counts,
        lost: packets,
        tracks: newest.size,
        cpu: (user + system) / 1e6,
        rss: process.memoryUsage().rss,
      });
      counts.longest = 0;
    });
  } else {
    void pipeline.stop().then(() => process.disconnect());
  }
});
process.send!({ url: pipeline.service(HttpServer, 'http').urls[0]! });

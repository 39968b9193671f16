/** `ingest.rtmp` in the real engine: cameras, second publishers, links that block, and the end. */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../core/engine/clock.ts';
import { capturingSink, testPipeline, type GraphSpec, type TestPipeline } from '../../core/testing/index.ts';
import rtmp from '../../plugins/ingest/rtmp/plugin.ts';
import { AAC_44, AVC_HIGH, aacFrame, aacHeader, avcFrame, avcHeader, nal } from '../support/flv-bodies.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { eventually } from '../unit/rtmp/fake-context.ts';

const running: TestPipeline[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((pipeline) => pipeline.stop()));
});

async function start(spec: Partial<GraphSpec> = {}, full: 'block' | 'drop-to-keyframe' = 'drop-to-keyframe') {
  const sink = capturingSink({ video: 'frames', audio: 'frames' });
  const t = await testPipeline(
    {
      stages: { rtmp: { plugin: rtmp, config: { listen: '127.0.0.1:0' } }, sink: sink.plugin },
      links: [{ link: 'rtmp.video -> sink.video', queue: '1s', full }, 'rtmp.audio -> sink.audio'],
      ...spec,
    },
    { clock: systemClock },
  );
  running.push(t);
  const port = t.logs.find(({ msg }) => msg === 'listening for RTMP')!['port'] as number;
  return { t, sink: sink.pads, port };
}

/** Sends headers once, then `count` key frames and sounds from `from`, 40 ms apart. */
function send(client: RtmpClient, from: number, count: number, bytes = 200): void {
  if (from === 0) {
    client.setChunkSize(60_000);
    client.send('video', 0, avcHeader(AVC_HIGH));
    client.send('audio', 0, aacHeader(AAC_44));
  }
  for (let i = from; i < from + count; i++) {
    client.send('video', i * 40, avcFrame(true, 0, nal(Buffer.alloc(bytes, 0x65))));
    client.send('audio', i * 40, aacFrame(Buffer.alloc(20, 0x21)));
  }
}

describe('in the engine', () => {
  it('a camera comes, is named with its tracks, and goes', async () => {
    const { t, sink, port } = await start({ cameras: { linger: 50 } });
    const client = await RtmpClient.publish(port, 'acme.cam1');
    send(client, 0, 5);
    await sink.video.until((pad) => pad.items('acme.cam1').length === 5);
    await sink.audio.until((pad) => pad.items('acme.cam1').length === 5);
    expect(t.camera('acme.cam1')).toMatchObject({
      state: 'live',
      publications: [{ stage: 'rtmp', active: true, peer: 'rtmp:127.0.0.1' }],
    });
    expect(sink.video.tracks('acme.cam1')).toMatchObject([{ id: 'video', caps: { codec: 'h264', timescale: 1000 } }]);
    await client.end();
    await eventually(() => t.camera('acme.cam1')?.state !== 'live', 'the camera to go');
    expect(await t.metric('rtmp_connections_ended_total', { reason: 'publisher-left', stage: 'rtmp' })).toBe(1);
  });

  it.each([
    ['front%2Fdoor', 'NetStream.Publish.BadName'],
    ['-cam', 'NetStream.Publish.BadName'],
    ['x'.repeat(65), 'NetStream.Publish.BadName'],
  ])('the name %s is refused', async (name, status) => {
    const { port } = await start();
    const client = await RtmpClient.publish(port, name);
    await client.closed;
    expect(client.status).toBe(status);
  });

  it('a second publisher takes over: the first is told why, a new track replaces the old', async () => {
    const { sink, port } = await start({ cameras: { secondPublisher: 'take-over' } });
    const first = await RtmpClient.publish(port, 'cam1');
    send(first, 0, 3);
    await sink.video.until((pad) => pad.items().length === 3);
    const second = await RtmpClient.publish(port, 'cam1');
    await first.closed;
    expect(first.status).toBe('NetStream.Publish.BadName');
    send(second, 0, 3);
    await sink.video.until((pad) => pad.items().length === 6);
    expect(sink.video.tracks().map(({ ended, replaces, items }) => [ended, replaces, items.length])).toEqual([
      ['replaced', undefined, 3],
      [undefined, 'video', 3],
    ]);
    await second.destroy();
  });

  it('a second publisher is refused where the pipeline says so', async () => {
    const { port } = await start({ cameras: { secondPublisher: 'refuse' } });
    const first = await RtmpClient.publish(port, 'cam1');
    const second = await RtmpClient.publish(port, 'cam1');
    await second.closed;
    expect(second.status).toBe('NetStream.Publish.BadName');
    expect(first.over).toBe(false);
    await first.destroy();
  });

  it('a link that blocks holds the publisher back, and nothing is lost', async () => {
    const { sink, port } = await start({}, 'block');
    const client = await RtmpClient.publish(port, 'cam1');
    sink.video.hold();
    send(client, 0, 200, 100_000);
    await sink.video.until((pad) => pad.items().length === 1);
    await new Promise((settle) => setTimeout(settle, 200));
    expect(client.socket.writableLength).toBeGreaterThan(0);
    sink.video.release();
    await sink.video.until((pad) => pad.items().length === 200);
    expect(sink.video.items().map(({ dts }) => dts)).toEqual(Array.from({ length: 200 }, (_, i) => i * 40));
    await client.destroy();
  });

  it('stops with publishers in, and leaves no socket', async () => {
    const { t, port } = await start();
    const client = await RtmpClient.publish(port, 'cam1');
    send(client, 0, 3);
    await t.stop();
    await client.closed;
    await expect(RtmpClient.open(port)).rejects.toThrow(/ECONNREFUSED/);
    expect(t.logs.filter(({ level }) => level === 'error')).toEqual([]);
    expect(JSON.stringify(t.logs)).not.toContain('token');
  });
});

/** Changes of hosts, with hosts in the test's hand. */
import { expect, it } from 'vitest';
import {
  FakeHttpServer,
  FakeMediaHosts,
  harness,
  syntheticVideo,
  type CapturedTrack,
  type FakeMediaHost,
} from 'eddy/testing';
import type { VideoCaps } from 'eddy/plugin';
import plugin, { type manifest } from '../../../plugins/transcode/video/plugin.ts';
import { RUNG_UNWANTED_MS } from '../../../plugins/transcode/video/rung-demand.ts';

type Track = CapturedTrack<'frames'>;
const GOP = 10;
const stream = syntheticVideo({ gop: GOP, fps: 10, width: 640, height: 360 });

async function start(options: Readonly<Record<string, unknown>> = {}) {
  const hosts = new FakeMediaHosts();
  const http = new FakeHttpServer();
  /** Each frame that comes in is one of every rung; one that is closed gives what it has later, as a real one does. */
  const encode = (host: FakeMediaHost): void => {
    const input = host.launch.inputs![0]!.caps as VideoCaps;
    const caps: VideoCaps = { ...input, codec: 'h264', timescale: 90_000, bFrames: false };
    host.onWrite((_input, unit) => {
      for (const { name } of host.launch.outputs ?? []) void host.emit(name, caps, unit);
    });
  };
  hosts.script(encode);
  const config = { rungs: ['180p', '90p'], passthrough: 'never', gop: '1s', ...options };
  const h = await harness<typeof manifest>(plugin, { config, services: { hosts, http } });
  const writer = (await h.camera('cam').publish()).out.in.addTrack('video', stream.caps);
  let at = 0;
  const play = async (frames: number): Promise<void> => {
    for (const end = at + frames; at < end; at++) {
      writer.write(stream.frame(at));
      await h.settle();
    }
  };
  const track = (id: string) => h.out.out.tracks('cam').find((each) => each.id === id)!;
  const outputs = (): string[] =>
    hosts.running.map(({ launch }) => (launch.outputs ?? []).map(({ name }) => name).join(' '));
  return { h, hosts, http, play, track, outputs };
}

it('a host with other rungs takes over at a key frame, and not before', async () => {
  const { h, hosts, play, track, outputs } = await start();
  await play(GOP + 3);
  const [gone, stays] = h.out.out.tracks('cam') as [Track, Track];
  expect(outputs()).toHaveLength(1);
  gone.track.want(false);
  await h.advance(RUNG_UNWANTED_MS);
  // It stands ready, and nothing goes in yet.
  expect(outputs()).toHaveLength(2);
  await play(3);
  expect(hosts.running[1]!.written.get('in')).toHaveLength(0);
  await play(GOP);
  expect(outputs()).toHaveLength(1);
  expect(hosts.running[0]!.launch.outputs).toHaveLength(1);
  expect(hosts.running[0]!.written.get('in')![0]!.key).toBe(true);
  // Every picture came once, in order.
  const times = track(stays.id).items.map(({ pts }) => pts);
  expect(times).toHaveLength(GOP + 3 + 3 + GOP);
  expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
  await h.close();
});

it('one that dies before its time is told, and another stands in, while the one that runs goes on', async () => {
  const { h, hosts, play, outputs } = await start();
  await play(GOP + 3);
  const [first] = hosts.running;
  h.out.out.tracks('cam')[0]!.track.want(false);
  await h.advance(RUNG_UNWANTED_MS);
  hosts.running[1]!.end({ cause: 'crashed', message: 'for a test' });
  await h.settle();
  expect(h.reports.map(({ code }) => code)).toEqual(['transcode.video/NOT_STARTED']);
  await play(GOP);
  // It waits a moment, and does not try each frame.
  expect(hosts.running).toEqual([first]);
  await h.advance(1000);
  await play(GOP);
  expect(outputs()).toHaveLength(2);
  await play(GOP);
  expect(outputs()).toHaveLength(1);
  expect(hosts.running[0]).not.toBe(first);
  expect(hosts.running[0]!.launch.outputs).toHaveLength(1);
  await h.close();
});

it('nobody wants any: no host; one is wanted again: a host with that alone', async () => {
  const { h, play, outputs } = await start();
  await play(GOP + 3);
  const tracks = h.out.out.tracks('cam');
  for (const { track } of tracks) track.want(false);
  await h.advance(RUNG_UNWANTED_MS);
  await play(GOP);
  expect(outputs()).toEqual([]);
  tracks[1]!.track.want(true);
  await play(GOP);
  expect(outputs()).toHaveLength(1);
  expect(outputs()[0]).not.toContain(' ');
  await h.close();
});

it('several changes at once are one change of hosts', async () => {
  // x265 takes no other bit rate while it runs, and once the content is known all rungs are to have another.
  const { h, hosts, http, play, outputs } = await start({ rungs: 'auto', codec: 'hevc', encoder: 'software' });
  await play(2 * GOP);
  expect(outputs()).toEqual(['rung-360p rung-240p']);
  await play(GOP + 3);
  expect(hosts.hosts).toHaveLength(2);
  expect(hosts.running).toEqual([hosts.hosts[1]]);
  const body = JSON.stringify({ rungs: { '360p': { bitrate: '300kbps' }, '240p': { bitrate: '150kbps' } } });
  const answer = await http.request('/api/v1/cameras/cam/ladders/subject', { method: 'PATCH', body });
  expect(answer.status).toBe(200);
  await play(GOP);
  expect(hosts.hosts).toHaveLength(3);
  expect(hosts.running).toEqual([hosts.hosts[2]]);
  expect(hosts.hosts[2]!.launch.launch).toMatch(/bitrate=300 .*bitrate=150 /);
  await h.close();
});

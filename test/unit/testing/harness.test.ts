import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  defineManifest,
  definePlugin,
  HttpServer,
  input,
  Integer,
  MediaHosts,
  ObjectStore,
  optional,
  output,
  SegmentIndex,
  type AnyPlugin,
  type Context,
  type Running,
} from '../../../core/plugin/index.ts';
import {
  harness,
  LeakError,
  syntheticAudio,
  syntheticVideo,
  testPlugin,
  type FakeHttpServer,
} from '../../../core/testing/index.ts';

const manifest = defineManifest({
  name: 'test.skipper',
  version: '1.0.0',
  api: 1,
  summary: 'Passes on every n-th frame and serves their number.',
  config: { every: Integer({ doc: 'Which.', default: 2, min: 1 }) },
  inputs: {
    video: input('frames', { doc: 'Video.', accepts: [{ kind: 'video' }] }),
    audio: input('frames', { doc: 'Audio.', accepts: [{ kind: 'audio' }], optional: true }),
  },
  outputs: { out: output('frames', { doc: 'Some of it.', reachedBy: ['video'] }) },
  needs: { http: HttpServer, store: optional(ObjectStore) },
});

function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  let seen = 0;
  const counted = ctx.metrics.counter('seen_total', 'Frames seen.');
  ctx.scope.add(
    ctx.services.http.route({ method: 'GET', path: '/seen/:camera', handler: () => ({ body: String(seen) }) }),
  );
  return {
    flow(flow) {
      flow.in.video.onTrack((track) => {
        const writer = flow.out.out.addTrack('out', track.caps, { from: track });
        return {
          async item(unit) {
            counted.add(1, { camera: flow.cameraId });
            if (unit.data.length < 10) flow.report({ code: 'test.skipper/SHORT', message: 'a frame of nothing' });
            if (seen++ % ctx.config.every === 0 && !writer.write(unit)) await writer.ready();
          },
          end: (cause) => writer.end(cause),
        };
      });
    },
    reconfigure: () => false,
  };
}
const plugin = definePlugin(manifest, () => Promise.resolve({ create }));

describe('the harness', () => {
  it('feeds cameras, captures outputs, and shows what the plugin said', async () => {
    const h = await harness(plugin, { config: { every: 3 } });
    const feed = await h.camera('cam1').publish();
    const video = feed.video();
    await video.writeAll(syntheticVideo().frames(9));
    video.write({ ...syntheticVideo().frame(9), data: Uint8Array.of(1) });
    await h.settle();
    expect(h.out.out.items('cam1').map((unit) => unit.dts / 3600)).toEqual([0, 3, 6, 9]);
    expect(h.out.out.tracks('cam1')).toMatchObject([{ id: 'out', caps: { codec: 'h264' }, ended: undefined }]);
    expect(h.reports).toEqual([{ code: 'test.skipper/SHORT', message: 'a frame of nothing', cameraId: 'cam1' }]);
    expect(await h.metric('seen_total', { camera: 'cam1' })).toBe(10);
    const answer = await h.fakes.http.request('/seen/cam1');
    expect([answer.status, await answer.text()]).toEqual([200, '10']);
    await h.close();
    expect(h.out.out.tracks()[0]!.ended).toBe('stopped');
  });

  it('puts a track on the input that takes it', async () => {
    const h = await harness(plugin);
    const feed = await h.camera('cam1').publish();
    feed.audio(syntheticAudio().caps);
    feed.video();
    expect(h.status('cam1')!.tracks.map((track) => [track.pad, track.track])).toEqual([
      ['video', 'video'],
      ['audio', 'audio'],
      ['out', 'out'],
    ]);
    await h.close();
  });

  it('refuses what the schema refuses, and tells a start that fails', async () => {
    await expect(harness(plugin, { config: { evry: 3 } })).rejects.toThrow(/additional properties/);
    await expect(harness(plugin, { config: { every: 0 } })).rejects.toThrow(/>= 1/);
    const broken = testPlugin({ inputs: manifest.inputs }, () => ({
      start: () => Promise.reject(new Error('the port is taken')),
      flow() {},
    }));
    await expect(harness(broken)).rejects.toThrow('the port is taken');
  });

  it('takes another configuration', async () => {
    const h = await harness(plugin);
    await h.reconfigure({ every: 1 });
    const video = (await h.camera('cam1').publish()).video();
    await video.writeAll(syntheticVideo().frames(4));
    expect(h.out.out.items()).toHaveLength(4);
    await h.close();
  });

  it('meets optional needs only where it is told to', async () => {
    let services: unknown;
    const curious = testPlugin({ needs: { index: SegmentIndex, store: optional(ObjectStore) } }, (ctx) => {
      services = ctx.services;
      return {};
    });
    const h = await harness(curious);
    expect(services).toMatchObject({ store: undefined });
    await h.close();
  });

  it('lets the authorizer refuse and revoke a source under test', async () => {
    let context!: Context;
    const source = testPlugin({ outputs: { video: output('frames', { doc: 'Video.' }) } }, (ctx) => {
      context = ctx;
      return {};
    });
    const publish = () =>
      context.cameras.publish({
        cameraId: 'cam1',
        credentials: { user: 'bob' },
        peer: { address: '::1', protocol: 'x' },
      });
    const h = await harness<{
      readonly outputs: { readonly video: { readonly type: 'frames'; readonly doc: string } };
    }>(source);
    h.authorizer.refuse({ action: 'publish', cameraId: 'cam1' });
    await expect(publish()).rejects.toMatchObject({ code: 'PUBLISH_REFUSED' });
    h.authorizer.allow();
    const publication = await publish();
    const out = publication.out as unknown as {
      video: { addTrack(id: string, caps: unknown): { write(item: unknown): boolean } };
    };
    out.video.addTrack('video', syntheticVideo().caps).write(syntheticVideo().frame(0));
    expect(h.out.video.items('cam1')).toHaveLength(1);
    h.authorizer.revoke('bob');
    expect(publication.signal.reason).toMatchObject({ code: 'PUBLISH_REFUSED' });
    await h.close();
  });
});

describe('the leak check', () => {
  const leftovers: (() => void)[] = [];
  afterEach(() => {
    for (const undo of leftovers.splice(0)) undo();
  });
  const leaksOf = async (leaky: AnyPlugin): Promise<readonly string[]> => {
    const h = await harness(leaky);
    if (Object.keys(leaky.manifest.inputs).length > 0) {
      const feed = await h.camera('cam1').publish();
      await feed.video().writeAll(syntheticVideo().frames(3));
    }
    const error: unknown = await h.close().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return error instanceof LeakError ? error.leaks : error === undefined ? [] : [String(error)];
  };

  it('finds nothing where nothing is', async () => {
    expect(await leaksOf(testPlugin({}))).toEqual([]);
  });

  it('names a bare timer and an open socket', async () => {
    const leaky = testPlugin({}, () => ({
      start: async () => {
        const timer = setInterval(() => {}, 60_000);
        const server = createServer();
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        leftovers.push(() => (clearInterval(timer), server.close()));
      },
    }));
    expect(await leaksOf(leaky)).toEqual([
      '1 TCPServerWrap',
      expect.stringMatching(/^a timer made at .*harness\.test\.ts/),
    ]);
  });

  it('names a listener of the process', async () => {
    const leaky = testPlugin({}, () => {
      const listener = (): void => {};
      process.on('SIGHUP', listener);
      leftovers.push(() => void process.off('SIGHUP', listener));
      return {};
    });
    expect(await leaksOf(leaky)).toContainEqual(expect.stringContaining('listener of process "SIGHUP"'));
  });

  it('names a route, a watcher and a media host', async () => {
    const leaky = testPlugin({ needs: { http: HttpServer, index: SegmentIndex, hosts: MediaHosts } }, (ctx) => {
      const services = ctx.services as { http: HttpServer; index: SegmentIndex; hosts: MediaHosts };
      return {
        start: async () => {
          services.http.route({ method: ['GET', 'POST'], path: '/left', handler: () => ({}) });
          services.index.watch('cam1' as never, () => {});
          await services.hosts.launch({
            label: 'left running',
            launch: 'videotestsrc ! {out:v}',
            outputs: [{ name: 'v' }],
          });
        },
      };
    });
    expect(await leaksOf(leaky)).toEqual([
      'the route GET /left on "http"',
      'the route POST /left on "http"',
      '1 watchers of "index"',
      'the host "left running"',
    ]);
  });

  it('names a track that its drain left open, and a stage that does not drain', async () => {
    const forgetful = testPlugin(
      { inputs: { in: input('frames', { doc: 'In.' }) }, outputs: { out: output('frames', { doc: 'Out.' }) } },
      () => ({
        flow(flow) {
          flow.in.in.onTrack((track: never) => {
            const writer = flow.out.out.addTrack('forgotten', syntheticVideo().caps, { from: track });
            return { item: (unit: never) => void writer.write(unit) };
          });
        },
      }),
    );
    expect(await leaksOf(forgetful)).toEqual(['the tracks forgotten of cam1 were not ended by their drain']);
    expect(await leaksOf(testPlugin({}, () => ({ drain: () => new Promise<void>(() => {}) })))).toEqual([
      'subject did not drain within 5000 ms',
    ]);
  });
});

// Types: what the harness gives is what the manifest says.
export const types = async (): Promise<void> => {
  const h = await harness(plugin);
  const http: FakeHttpServer = h.fakes.http;
  // @ts-expect-error: there is no such output
  void h.out.nothing;
  // @ts-expect-error: a fake of another contract
  const wrong: FakeHttpServer = h.fakes.store;
  void [http, wrong];
};

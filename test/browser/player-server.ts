/** The player's pages, the API and publish.hls on one free port, with cameras that the test makes. */
import type { Context, HttpServer } from '../../core/plugin/index.ts';
import { parseCameraId, type CameraStatus, type TrackReader } from '../../core/plugin/index.ts';
import { create as createHls } from '../../plugins/publish/hls/hls.ts';
import { create as createApi } from '../../plugins/web/api/api.ts';
import apiPlugin, { type manifest as apiManifest } from '../../plugins/web/api/plugin.ts';
import { create as createPlayer } from '../../plugins/web/player/player.ts';
import playerPlugin, { type manifest as playerManifest } from '../../plugins/web/player/plugin.ts';
import { playLive, type Clip } from '../support/live-source.ts';
import { fakeContext as fakeHlsContext, fakeFlow } from '../unit/hls/fake-context.ts';
import { fakeContext, type FakeEngine } from '../unit/http/fake-context.ts';
import { startServer } from '../unit/http/start-server.ts';

/** Mounts the player and the API on a server. */
export async function mountPlayer(
  http: HttpServer,
  written: Readonly<Record<string, unknown>> = {},
): Promise<{ engine: FakeEngine; stop(): Promise<void> }> {
  const api = fakeContext<Context<typeof apiManifest>>(apiPlugin, {}, { http });
  const player = fakeContext<Context<typeof playerManifest>>(playerPlugin, written, { http });
  const running = [createApi(api.ctx), createPlayer(player.ctx)];
  for (const each of running) await each.start?.();
  return {
    engine: api.engine,
    stop: async () => {
      for (const each of running) await each.stop?.();
      await api.engine.close();
      await player.engine.close();
    },
  };
}

/** A camera's status for the API. */
export function status(cameraId: string, change: Partial<CameraStatus> = {}): CameraStatus {
  return {
    cameraId: parseCameraId(cameraId)!,
    state: 'live',
    since: Date.now() - 65_000,
    publications: [],
    tracks: [],
    findings: [],
    limits: [],
    ...change,
  };
}

/** A whole site: http.server, publish.hls, the API and the player; `live` makes a camera of a clip that plays for ever. */
export async function startSite(written: Readonly<Record<string, unknown>> = {}) {
  const server = await startServer();
  const { engine, stop } = await mountPlayer(server.http, written);
  const config = { prefix: '/hls', window: 30_000, 'part-hold-back': undefined };
  const hls = fakeHlsContext({ config, services: { http: server.http } });
  const stage = createHls(hls.ctx);
  await stage.start?.();
  const endings: (() => void)[] = [];
  return {
    url: server.url,
    http: server.http,
    engine,
    hls,
    /** The camera is live from now on; the returned function takes it away. */
    live(cameraId: string, clip: Clip): () => Promise<void> {
      hls.states.set(cameraId, 'live');
      const fake = fakeFlow(cameraId, ['objects'], { wanted: false });
      void stage.flow(fake.flow);
      const others = engine.cameras.filter((camera) => camera.cameraId !== cameraId);
      const tracks: CameraStatus['tracks'][number][] = [];
      const readers: TrackReader<'chunks'>[] = [];
      engine.cameras = [...others, status(cameraId, { tracks })];
      const publisher = playLive(clip, {
        track: (id, caps) => {
          const links = [{ to: 'hls.chunks', active: true }];
          tracks.push({ stage: 'cmaf', pad: 'chunks', track: id, caps: { ...caps }, links });
          const reader = fake.track(id, caps);
          readers.push(reader);
          return reader;
        },
      });
      endings.push(() => publisher.stop());
      return async () => {
        publisher.stop();
        for (const reader of readers) void reader.end?.('publisher-ended');
        hls.states.set(cameraId, 'away');
        engine.cameras = [...others, status(cameraId, { state: 'away' })];
        await fake.close();
        hls.emit({ type: 'camera.away', cameraId: parseCameraId(cameraId)! });
      };
    },
    async stop() {
      for (const end of endings) end();
      await stage.stop?.();
      await hls.scope.close();
      await stop();
      await server.stop();
    },
  };
}

/** WHIP straight to WHEP in the real engine, with the real routers and HTTP server, on ports of the system's choice. */
import { systemClock } from '../../core/engine/clock.ts';
import { testPipeline, type TestPipeline } from '../../core/testing/index.ts';
import type { Authorizer } from '../../core/contracts/index.ts';
import { Authorizer as AuthorizerToken, HttpServer } from '../../core/contracts/index.ts';
import { serviceOf } from '../../core/testing/index.ts';
import httpServer from '../../plugins/http/server/plugin.ts';
import sfu from '../../plugins/webrtc/sfu/plugin.ts';
import whep from '../../plugins/webrtc/whep/plugin.ts';
import whip from '../../plugins/webrtc/whip/plugin.ts';
import workers from '../../plugins/webrtc/workers/plugin.ts';

/** Options of {@link webrtcPipeline}. */
export interface WebrtcPipelineOptions {
  readonly whip?: Readonly<Record<string, unknown>>;
  readonly whep?: Readonly<Record<string, unknown>>;
  readonly workers?: Readonly<Record<string, unknown>>;
  readonly authorizer?: Authorizer;
  /** With `webrtc.sfu` between the two, as in a whole pipeline. */
  readonly sfu?: boolean;
  readonly cameras?: Readonly<Record<string, unknown>>;
}

/** A running pipeline and where it answers. */
export interface WebrtcPipeline {
  readonly url: string;
  readonly pipeline: TestPipeline;
  close(): Promise<void>;
}

/** Starts it. */
export async function webrtcPipeline(options: WebrtcPipelineOptions = {}): Promise<WebrtcPipeline> {
  const pipeline = await testPipeline(
    {
      services: {
        http: { plugin: httpServer, config: { listen: '127.0.0.1:0' } },
        rtc: { plugin: workers, config: { listen: '127.0.0.1:0', workers: 1, ...options.workers } },
        ...(options.authorizer && { auth: serviceOf(AuthorizerToken, options.authorizer) }),
      },
      stages: {
        whip: { plugin: whip, config: options.whip ?? {} },
        whep: { plugin: whep, config: options.whep ?? {} },
        ...(options.sfu && { sfu }),
      },
      links: options.sfu ? ['whip.rtp -> sfu.rtp', 'sfu.out -> whep.in'] : ['whip.rtp -> whep.in'],
      ...(options.cameras && { cameras: options.cameras as never }),
    },
    { clock: systemClock },
  );
  return {
    url: pipeline.service(HttpServer, 'http').urls[0]!,
    pipeline,
    close: async () => void (await pipeline.stop()),
  };
}

/** The stage: a poster for each camera, and pictures of its past. */
import {
  credentialsOf,
  peerOf,
  type CameraId,
  type Context,
  type HttpRequest,
  type HttpResponse,
  type Running,
} from 'eddy/plugin';
import { pictureAnswer, refusal } from './answers.ts';
import { JpegMaker } from './jpeg-maker.ts';
import { PastPictures } from './past-pictures.ts';
import type { manifest } from './plugin.ts';
import { Poster, type KeyFrame } from './poster.ts';

/** Makes the stage. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const { http, hosts, timeline } = ctx.services;
  const posters = new Map<CameraId, Poster>();
  const maker = new JpegMaker(hosts, `${ctx.name} pictures`);
  const made = ctx.metrics.counter('pictures_made_total', 'Key frames that were made into pictures.');

  async function decode({ caps, unit }: KeyFrame): Promise<Uint8Array | undefined> {
    const [picture] = await maker.make(caps, [unit], ctx.config);
    if (picture) made.add(1);
    return picture;
  }

  async function serve(request: HttpRequest): Promise<HttpResponse> {
    const cameraId = request.params.camera;
    const credentials = credentialsOf(request);
    await ctx.sessions.check({ cameraId, action: 'watch', credentials, peer: peerOf(request, 'pictures') });
    const poster = posters.get(cameraId);
    const keyFrame = poster?.keyFrame(ctx.config.width);
    if (!poster || !keyFrame) throw refusal('NO_PICTURE', `"${cameraId}" has no picture now.`);
    const picture = await poster.picture(keyFrame, decode);
    if (!picture) {
      ctx.report({
        code: 'publish.pictures/NOT_DECODED',
        message: `a key frame of "${cameraId}" (${keyFrame.caps.codecString})`,
        cameraId,
      });
      throw refusal('NO_PICTURE', `The latest key frame of "${cameraId}" cannot be decoded.`);
    }
    const at = keyFrame.unit.arrivedAt;
    // Asked for again at each beginning, answered 304 while it is still the latest.
    return pictureAnswer(picture, 'no-cache', {
      'last-modified': new Date(at).toUTCString(),
      etag: `"${at}-${keyFrame.caps.width}"`,
    });
  }

  return {
    start() {
      const path = '/api/v1/cameras/:camera/poster.jpg';
      ctx.scope.add(http.route({ method: 'GET', path, handler: serve, cors: true }));
      if (!timeline) return;
      const past = new PastPictures({ ctx, timeline, maker, count: (keyFrames) => made.add(keyFrames) });
      for (const route of past.routes()) ctx.scope.add(http.route(route));
    },
    flow(flow) {
      const poster = new Poster();
      posters.set(flow.cameraId, poster);
      flow.in.video.onTrack((track) => poster.read(track));
      flow.scope.add(() => {
        if (posters.get(flow.cameraId) === poster) posters.delete(flow.cameraId);
      });
    },
  };
}

/** The route: a stretch of the past as a file. */
import {
  credentialsOf,
  peerOf,
  type Access,
  type CameraId,
  type Context,
  type HttpRequest,
  type HttpResponse,
  type Running,
} from 'eddy/plugin';
import { readInitSegment, type ReadInit } from 'eddy/media';
import { initNameOf, PastMedia } from '../shared/past-media.ts';
import { limitsKey } from '../shared/quality.ts';
import { parseRange } from '../shared/range.ts';
import { refusal } from './answers.ts';
import { bytesOf, type Clip } from './clip.ts';
import { chooseTracks, cut, segmentReader, type ClipRange } from './cut.ts';
import { allowedTracks } from './limits.ts';
import { planClip } from './plan.ts';
import type { manifest } from './plugin.ts';
import { readRange } from './http-range.ts';

/** How far before its beginning a clip's key frame is looked for, ms: more than the longest GOP. */
const KEY_WITHIN = 30_000;
/** What is so old does not change any more, ms. */
const SETTLED = 30_000;
/** Clips whose tables are kept for who asks for another part of the same, and for how long, ms. */
const KEPT = 4;
const KEPT_MS = 60_000;

/** Makes the service. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const { http, timeline } = ctx.services;
  const { longest, 'at-once': most } = ctx.config;
  const past = new PastMedia(timeline, ctx.clock);
  const kept = new Map<string, { readonly clip: Promise<Clip>; readonly until: number }>();
  const sent = ctx.metrics.counter('clip_bytes_total', 'Bytes of clips that were sent.');
  let busy = 0;

  async function plan(cameraId: CameraId, range: ClipRange, track: string | null, access: Access): Promise<Clip> {
    const live = ctx.cameras.get(cameraId)?.state === 'live';
    const wide = { start: range.start - KEY_WITHIN, end: range.end };
    const { tracks } = await past.load(cameraId, wide, live);
    const chosen = chooseTracks(allowedTracks(access, tracks, track), range, track);
    const read = segmentReader(timeline, cameraId);
    const edges = await cut(chosen[0]!.segments, range, read);
    if (!edges) throw refusal('RANGE_EMPTY', `Nothing of "${cameraId}" can be decoded in that stretch.`);
    const inits = new Map<string, ReadInit>();
    const init = async (segment: Parameters<typeof initNameOf>[0]): Promise<ReadInit> => {
      let known = inits.get(segment.initUrl);
      if (!known) {
        const data = await timeline.init(cameraId, segment.track, initNameOf(segment));
        if (!data) throw refusal('MEDIA_GONE', `"${segment.initUrl}" is not there any more.`);
        inits.set(segment.initUrl, (known = readInitSegment(data)));
      }
      return known;
    };
    return planClip({ tracks: chosen, cut: edges, read, init });
  }

  /** A player asks for a file in parts: its tables are made once, where nothing more can come into it. */
  function planned(cameraId: CameraId, range: ClipRange, track: string | null, access: Access): Promise<Clip> {
    const now = ctx.clock.monotonic();
    for (const [key, { until }] of kept) if (until < now || kept.size >= KEPT) kept.delete(key);
    const key = [cameraId, range.start, range.end, track].join(' ') + limitsKey(access);
    const known = kept.get(key);
    if (known) return known.clip;
    const clip = plan(cameraId, range, track, access);
    if (range.end > ctx.clock.now() - SETTLED) return clip;
    kept.set(key, { clip, until: now + KEPT_MS });
    clip.catch(() => {
      if (kept.get(key)?.clip === clip) kept.delete(key);
    });
    return clip;
  }

  async function serve(request: HttpRequest): Promise<HttpResponse> {
    const { camera: cameraId } = request.params;
    const range = parseRange(request.query);
    const earliest = typeof range === 'object' ? range.start : 'earliest';
    const asked = { cameraId, action: 'export', from: earliest, credentials: credentialsOf(request) } as const;
    const peer = peerOf(request, 'export');
    const access = await ctx.sessions.check({ ...asked, peer });
    if (typeof range === 'string') throw refusal('RANGE_INVALID', range);
    if (!range || !Number.isFinite(range.end)) throw refusal('RANGE_INVALID', 'A clip needs a start and an end.');
    if (range.end - range.start > longest)
      throw refusal('RANGE_INVALID', `A clip is ${longest / 1000} s long at most.`);
    if (busy >= most) throw refusal('BUSY', `${busy} clips are being sent.`);
    busy += 1;
    const clip = await planned(cameraId, range, request.query.get('track'), access).finally(() => (busy -= 1));
    const start = new Date(range.start).toISOString().replaceAll(':', '-');
    const etag = `"${Math.round(clip.startTs)}-${clip.bytes}"`;
    const headers = {
      'content-type': 'video/mp4',
      'content-disposition': `attachment; filename="${cameraId}-${start}.mp4"`,
      'cache-control': 'private, no-cache',
      'accept-ranges': 'bytes',
      etag,
    };
    const condition = request.headers['if-range'];
    const bytes = condition === undefined || condition === etag ? request.headers.range : undefined;
    const part = readRange(bytes, clip.bytes);
    if (part === 'unsatisfiable')
      return { status: 416, headers: { 'content-range': `bytes */${clip.bytes}`, 'accept-ranges': 'bytes' } };
    const { from, to } = part ?? { from: 0, to: clip.bytes };
    return {
      status: part ? 206 : 200,
      headers: {
        ...headers,
        'content-length': String(to - from),
        ...(part && { 'content-range': `bytes ${from}-${to - 1}/${clip.bytes}` }),
      },
      body: send(clip, from, to),
    };

    /** Begun when the server reads it: an answer that is not read holds nothing. */
    async function* send(clip: Clip, from: number, to: number): AsyncGenerator<Uint8Array> {
      busy += 1;
      try {
        const opened = await ctx.sessions.open({ ...asked, peer });
        try {
          for await (const bytes of bytesOf(clip, segmentReader(timeline, cameraId), from, to)) {
            if (request.signal.aborted) return;
            opened.signal.throwIfAborted();
            yield bytes;
            sent.add(bytes.length);
          }
        } finally {
          opened.end();
        }
      } finally {
        busy -= 1;
      }
    }
  }

  return {
    start() {
      ctx.scope.add(http.route({ method: 'GET', path: '/api/v1/cameras/:camera/export.mp4', handler: serve }));
    },
  };
}

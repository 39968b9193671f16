/** The past of a camera over HTTP: segments, timeline, and marks of what is kept. */
import {
  administer,
  credentialsOf,
  EddyError,
  parseRfc3339,
  peerOf,
  type CameraId,
  type Context,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
  type KeepMark,
  type Timeline,
  type TimeRange,
} from 'eddy/plugin';
import { json } from '../shared/json.ts';
import type { manifest } from './plugin.ts';

type Ctx = Context<typeof manifest>;

/** Segments in one answer, where the request does not say. */
const PAGE = 1000;
const MOST = 10_000;

/** The routes; empty where the pipeline has no timeline. */
export function pastRoutes(ctx: Ctx): HttpRoute[] {
  const { timeline } = ctx.services;
  if (!timeline) return [];
  const base = '/api/v1/cameras/:camera';
  const viewers = (
    path: string,
    answer: (request: HttpRequest, range: TimeRange) => Promise<HttpResponse>,
  ): HttpRoute => ({
    method: 'GET',
    path: `${base}/${path}`,
    cors: false,
    handler: async (request) => {
      const { camera: cameraId } = request.params;
      const peer = peerOf(request, 'api');
      const wanted = rangeOf(request);
      const from = request.query.has('start') ? wanted.start : 'earliest';
      const credentials = credentialsOf(request);
      const { earliest } = await ctx.sessions.check({ cameraId, action: 'rewind', from, credentials, peer });
      // Who asks for all that there is gets what they may see of it.
      return answer(request, { start: Math.max(wanted.start, earliest), end: Math.max(wanted.end, earliest) });
    },
  });
  const operators = (
    method: 'PUT' | 'DELETE',
    answer: (camera: CameraId, range: TimeRange) => Promise<HttpResponse>,
  ) => ({
    method,
    path: `${base}/keeps`,
    cors: false,
    handler: async (request: HttpRequest) => {
      await administer(ctx, request);
      // Nobody keeps, or lets go of, everything by leaving something out.
      if (!request.query.has('start') || !request.query.has('end')) throw invalid('A mark needs a start and an end.');
      return answer(request.params.camera, rangeOf(request));
    },
  });
  const storage: HttpRoute = {
    method: 'GET',
    path: '/api/v1/storage',
    cors: false,
    handler: async (request) => {
      await administer(ctx, request);
      return json(await timeline.state());
    },
  };
  return [
    storage,
    viewers('segments', (request, range) => segments(timeline, request, range)),
    viewers('timeline', (request, range) => spans(ctx, timeline, request, range)),
    viewers('keeps', async ({ params }, range) => json({ keeps: within(await timeline.keeps(params.camera), range) })),
    operators('PUT', async (camera, range) => {
      await timeline.keep(camera, range);
      return json({ keeps: await timeline.keeps(camera) });
    }),
    operators('DELETE', async (camera, range) => {
      await timeline.unkeep(camera, range);
      return json({ keeps: await timeline.keeps(camera) });
    }),
  ];
}

/** Acknowledged segments alone: what is told here survives a crash. */
async function segments(timeline: Timeline, request: HttpRequest, range: TimeRange): Promise<HttpResponse> {
  const limit = wholeNumber(request, 'limit', MOST) ?? PAGE;
  const track = request.query.get('track') ?? undefined;
  const found = await timeline.segments(request.params.camera, range, track, {
    limit: limit + 1,
    acknowledged: true,
  });
  return json({ segments: found.slice(0, limit), more: found.length > limit });
}

const within = (keeps: readonly KeepMark[], { start, end }: TimeRange): readonly KeepMark[] =>
  keeps.filter((keep) => keep.end > start && keep.start < end);

async function spans(ctx: Ctx, timeline: Timeline, request: HttpRequest, range: TimeRange): Promise<HttpResponse> {
  const { camera } = request.params;
  // Marks are read from the store, which may be away: spans are told nevertheless.
  const keeps = timeline.keeps(camera).catch(() => null);
  const [found, all, state] = await Promise.all([timeline.spans(camera, range), keeps, timeline.state()]);
  return json({ now: ctx.clock.now(), ...finite(range), spans: found, keeps: all && within(all, range), state });
}

/** What was asked for, without the ends that were left open. */
const finite = ({ start, end }: TimeRange): Partial<TimeRange> => ({
  ...(start > 0 && { start }),
  ...(end < Number.MAX_SAFE_INTEGER && { end }),
});

/** `start` and `end`, each left out for "as far as there is". Throws `web.api/RANGE_INVALID`. */
function rangeOf(request: HttpRequest): TimeRange {
  const start = moment(request, 'start') ?? 0;
  const end = moment(request, 'end') ?? Number.MAX_SAFE_INTEGER;
  if (end <= start) throw invalid('The end is not after the start.');
  return { start, end };
}

function moment({ query }: HttpRequest, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (/^\d{1,15}(?:\.\d+)?$/.test(text)) return Number(text);
  const parsed = parseRfc3339(text);
  if (parsed === undefined)
    throw invalid(`"${name}" is neither RFC 3339 (with Z or an offset) nor epoch milliseconds.`);
  return parsed;
}

function wholeNumber({ query }: HttpRequest, name: string, most: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most) throw invalid(`"${name}" must be a whole number from 1 to ${most}.`);
  return value;
}

const invalid = (message: string): EddyError =>
  new EddyError('web.api/RANGE_INVALID', message, { kind: 'peer', details: { status: 400 } });

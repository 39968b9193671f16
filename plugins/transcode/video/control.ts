/** The ladders of a stage over HTTP: what was planned and what runs, and bit rates that change while they run. */
import {
  administer,
  Bitrate,
  EddyError,
  JSON_HEADERS,
  type CameraId,
  type Context,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
} from 'eddy/plugin';
import type { Ladder } from './ladder.ts';
import type { manifest } from './plugin.ts';

type Ctx = Context<typeof manifest>;

const bitrate = Bitrate({ doc: 'Bits a second.', min: '10kbps', max: '200Mbps' });

/** `/api/v1/cameras/{camera}/ladders/{stage}`: GET tells, PATCH `{"rungs": {"720p": {"bitrate": "1.5Mbps"}}}` changes; both need the right to administer. */
export function ladderRoutes(ctx: Ctx, ladders: (cameraId: CameraId) => readonly Ladder[]): readonly HttpRoute[] {
  async function find(request: HttpRequest): Promise<readonly Ladder[]> {
    await administer(ctx, request);
    const { camera } = request.params;
    const found = ladders(camera);
    if (found.length === 0) throw new EddyError('CAMERA_UNKNOWN', `"${camera}" has no ladder in "${ctx.name}".`);
    return found;
  }
  // A pipeline may have several such stages.
  const path = `/api/v1/cameras/:camera/ladders/${encodeURIComponent(ctx.name)}`;
  const tell = (found: readonly Ladder[]): HttpResponse => ({
    headers: JSON_HEADERS,
    body: JSON.stringify({ stage: ctx.name, tracks: found.map((ladder) => ladder.describe()) }),
  });
  return [
    { method: 'GET', path, cors: false, handler: async (request) => tell(await find(request)) },
    {
      method: 'PATCH',
      path,
      cors: false,
      handler: async (request) => {
        const found = await find(request);
        const wanted = readBitrates(Buffer.from(await request.body(10_000)).toString());
        const names = new Set(found.flatMap((ladder) => ladder.encodedRungs));
        const unknown = [...wanted.keys()].find((name) => !names.has(name));
        if (unknown !== undefined)
          throw bad(`No rung "${unknown}" is encoded here; there are ${[...names].join(', ') || 'none'}.`);
        // At once, so that where a change takes another host one is started for all.
        await Promise.all(found.flatMap((ladder) => [...wanted].map(([name, rate]) => ladder.setBitrate(name, rate))));
        return tell(found);
      },
    },
  ];
}

const bad = (message: string): EddyError => new EddyError('HTTP_BAD_REQUEST', message);

function readBitrates(text: string): ReadonlyMap<string, number> {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    said = undefined;
  }
  const { rungs } = Object(said) as { rungs?: Readonly<Record<string, { bitrate?: unknown } | null>> };
  const entries = Object.entries(Object(rungs) as NonNullable<typeof rungs>);
  if (entries.length === 0) throw bad('Expected {"rungs": {"720p": {"bitrate": "1.5Mbps"}}}.');
  return new Map(
    entries.map(([name, change]) => {
      const parsed = bitrate.parse(change?.bitrate);
      if ('error' in parsed) throw bad(`rung "${name}": ${parsed.error}`);
      return [name, parsed.value];
    }),
  );
}

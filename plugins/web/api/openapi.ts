/** The description of the HTTP API (OpenAPI 3.1). */
import { CAMERA_ID_PATTERN } from 'eddy/plugin';
import { schemas } from './openapi-schemas.ts';
import {
  cameraParameter,
  content,
  epoch,
  get,
  list,
  object,
  ref,
  refused,
  stageParameter,
  text,
  type Json,
} from './openapi-words.ts';
import { sessionPaths } from './openapi-sessions.ts';
import { manifest } from './plugin.ts';

const moment = (name: string): Json => ({
  name,
  in: 'query',
  schema: text,
  description: 'RFC 3339 with Z or an offset, or epoch milliseconds; left out: as far as there is.',
});
const camera = {
  name: 'camera',
  in: 'path',
  required: true,
  schema: { type: 'string', pattern: `^${CAMERA_ID_PATTERN}$` },
};
const past = { parameters: [camera, moment('start'), moment('end')] };
const pastRefused = {
  ...refused,
  400: content('Times or limits that make no sense.', ref('Error')),
  404: content('No such camera, or nothing of it there.', ref('Error')),
};
const keeps = object({ keeps: list(ref('Keep')) });
const keepRoute = (method: string, summary: string): Json => ({
  [method]: { summary, ...past, responses: { 200: content(summary, keeps), ...pastRefused } },
});

/** A file of a camera that is not JSON. */
const media = (summary: string, type: string, parameters: readonly Json[]): Json => ({
  get: {
    summary,
    parameters: [camera, ...parameters],
    responses: {
      200: { description: summary, content: { [type]: { schema: { type: 'string', format: 'binary' } } } },
      ...pastRefused,
    },
  },
});

/** Served at /api/v1/openapi.json. */
export const openapi: Json = {
  openapi: '3.1.0',
  info: { title: 'Eddy', version: manifest.version, description: manifest.summary },
  security: [{ bearer: [] }, { token: [] }, {}],
  paths: {
    '/livez': get('The process runs.', {}, ref('Health'), { security: [{}] }),
    '/readyz': get(
      'The pipeline lets cameras and viewers in.',
      { 503: content('Not now; reasons say why.', ref('Health')) },
      ref('Health'),
      {
        security: [{}],
      },
    ),
    '/metrics': {
      get: {
        summary: 'Every meter, in the text format of Prometheus.',
        responses: {
          200: { description: 'Text format 0.0.4.', content: { 'text/plain': { schema: text } } },
          ...refused,
        },
      },
    },
    '/api/v1/pipeline': get('The graph with live rates.', refused, { type: 'object' }),
    '/api/v1/cameras': get(
      'The cameras that you may watch; all of them for who administers.',
      refused,
      object({ cameras: list(ref('Camera')) }),
    ),
    '/api/v1/cameras/{camera}': get(
      'One camera: its state, its tracks and the route of each, or the reason why a link does not carry it.',
      { ...refused, 404: content('No such camera.', ref('Error')) },
      ref('Camera'),
      {
        parameters: [cameraParameter],
      },
    ),
    '/api/v1/cameras/{camera}/segments': get(
      'Segments that overlap the range and that no crash can take, by time then track.',
      pastRefused,
      object({ segments: list(ref('Segment')), more: { type: 'boolean' } }),
      {
        parameters: [
          ...past.parameters,
          { name: 'track', in: 'query', schema: text },
          { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 10_000, default: 1000 } },
        ],
      },
    ),
    '/api/v1/cameras/{camera}/timeline': get(
      'Stretches of media and holes with their causes, what of it is kept, and how the storage stands.',
      pastRefused,
      object({
        now: epoch,
        spans: list(ref('Span')),
        keeps: { oneOf: [list(ref('Keep')), { type: 'null' }] },
        state: ref('TimelineState'),
      }),
      past,
    ),
    '/api/v1/cameras/{camera}/keeps': {
      ...get('Stretches that are kept whatever their age.', pastRefused, keeps, { parameters: [camera] }),
      ...keepRoute('put', 'Keeps a stretch whatever its age.'),
      ...keepRoute('delete', 'Takes such a mark back, exactly as it was made.'),
    },
    '/api/v1/cameras/{camera}/poster.jpg': media(
      'Its latest key frame as a picture, where the pipeline has a stage publish.pictures.',
      'image/jpeg',
      [],
    ),
    '/api/v1/cameras/{camera}/thumbnail.jpg': media(
      'The key frame at or before a moment as a picture, where that stage has a timeline.',
      'image/jpeg',
      [
        { ...moment('at'), required: true },
        { name: 'width', in: 'query', schema: { type: 'integer', minimum: 16 }, description: 'The widest, in pixels.' },
      ],
    ),
    '/api/v1/cameras/{camera}/storyboard.vtt': media(
      'WebVTT: which part of which sheet shows what a stretch of the past looked like, in seconds from its start.',
      'text/vtt',
      [
        { ...moment('start'), required: true },
        moment('end'),
        {
          name: 'interval',
          in: 'query',
          schema: text,
          description:
            'From one picture to the next, such as 10s; a bare number is seconds. Default: by the length, from 5s on.',
        },
      ],
    ),
    '/api/v1/cameras/{camera}/export.mp4': media(
      'A stretch of the past as a file, exact to the frame, where the pipeline has a service publish.clips. Range requests are answered.',
      'video/mp4',
      [
        { ...moment('start'), required: true },
        moment('end'),
        { name: 'duration', in: 'query', schema: text, description: 'Instead of an end: 90s, 10m.' },
        { name: 'track', in: 'query', schema: text, description: 'A rendition, or sound alone. Default: the widest.' },
      ],
    ),
    '/api/v1/cameras/{camera}/storyboard.jpg': media('A sheet, as storyboard.vtt names it.', 'image/jpeg', []),
    '/api/v1/cameras/{camera}/latency': {
      post: {
        summary: 'How far a player that fetches playlists is behind, for the meter eddy_latency_seconds.',
        parameters: [cameraParameter],
        requestBody: {
          content: {
            'application/json': {
              schema: object({
                latency: { type: 'number', description: 'Milliseconds from ingest to screen.' },
                path: { type: 'string', enum: ['hls', 'dash'] },
              }),
            },
          },
        },
        responses: { 200: content('Taken.', object({ from: { type: 'string', enum: ['ingest'] } })), ...refused },
      },
    },
    '/api/v1/cameras/{camera}/ladders/{stage}': {
      get: {
        summary: 'The rungs that a stage transcode.video plans for a camera, and what makes them.',
        parameters: [cameraParameter, stageParameter],
        responses: { 200: content('Its ladders, one a track.', ref('Ladders')), ...refused },
      },
      patch: {
        summary: 'Changes bit rates of encoded rungs, while they run.',
        parameters: [cameraParameter, stageParameter],
        requestBody: {
          content: {
            'application/json': {
              schema: object({
                rungs: {
                  type: 'object',
                  description: 'By name: {"720p": {"bitrate": "1.5Mbps"}}.',
                  additionalProperties: object({ bitrate: text }),
                },
              }),
            },
          },
        },
        responses: { 200: content('As it is now.', ref('Ladders')), ...refused },
      },
    },
    '/api/v1/storage': get('How the store, the index and the write-ahead log stand.', refused, ref('TimelineState')),
    ...sessionPaths,
    '/api/v1/time': get('The clock of the server, for latency figures.', {}, object({ now: epoch }), {
      security: [{}],
    }),
    '/api/v1/routes': get(
      'Every route that is mounted now.',
      refused,
      object({ routes: list(object({ method: text, path: text })) }),
    ),
    '/api/v1/openapi.json': get('This description.', {}, { type: 'object' }, { security: [{}] }),
  },
  components: {
    schemas,
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer' },
      token: { type: 'apiKey', in: 'query', name: 'token' },
    },
  },
};

/** The description of the HTTP API (OpenAPI 3.1). */
import { CAMERA_ID_PATTERN } from 'eddy/plugin';
import { manifest } from './plugin.ts';

type Json = Readonly<Record<string, unknown>>;

const text = { type: 'string' };
const number = { type: 'number' };
const epoch = { type: 'number', description: 'Epoch milliseconds of the server.' };
const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const list = (items: Json): Json => ({ type: 'array', items });
const object = (properties: Json, required = Object.keys(properties)): Json => ({
  type: 'object',
  properties,
  required,
});

const content = (description: string, schema: Json): Json => ({
  description,
  content: { 'application/json': { schema } },
});
const refused = {
  401: content('Credentials are needed.', ref('Error')),
  403: content('These credentials do not suffice.', ref('Error')),
};
const get = (summary: string, answer: Json, schema: Json, more: Json = {}): Json => ({
  get: { summary, responses: { 200: content(summary, schema), ...answer }, ...more },
});

const schemas = {
  Error: object({ code: text, message: text, mend: text }, ['code', 'message']),
  Health: object({ status: text, state: text, reasons: list(text) }, ['status']),
  Camera: object({
    cameraId: { type: 'string', pattern: `^${CAMERA_ID_PATTERN}$` },
    state: { type: 'string', enum: ['live', 'lingering', 'away'] },
    since: epoch,
    publications: list(object({ id: text, stage: text, active: { type: 'boolean' }, peer: text, since: epoch })),
    tracks: list(
      object({
        stage: text,
        pad: text,
        track: text,
        caps: { type: 'object' },
        links: list(
          object({ to: text, active: { type: 'boolean' }, code: text, reason: text, mend: text }, ['to', 'active']),
        ),
      }),
    ),
    findings: list(object({ code: text, stage: text, message: text, at: epoch, count: number })),
  }),
  Session: object({
    id: text,
    cameraId: text,
    subject: text,
    stage: text,
    action: text,
    protocol: text,
    peer: text,
    since: epoch,
    state: { type: 'object' },
  }),
};

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
        parameters: [
          { name: 'camera', in: 'path', required: true, schema: { type: 'string', pattern: `^${CAMERA_ID_PATTERN}$` } },
        ],
      },
    ),
    '/api/v1/sessions': get('Who watches what, since when.', refused, object({ sessions: list(ref('Session')) })),
    '/api/v1/sessions/{id}': {
      delete: {
        summary: 'Ends a session; its viewer is told.',
        parameters: [{ name: 'id', in: 'path', required: true, schema: text }],
        responses: {
          200: content('Ended.', object({ ended: text })),
          ...refused,
          404: content('No such session.', ref('Error')),
        },
      },
    },
    '/api/v1/time': get('The clock of the server, for latency figures.', {}, object({ now: epoch }), {
      security: [{}],
    }),
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

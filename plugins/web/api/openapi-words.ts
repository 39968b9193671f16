/** Words of the description of the HTTP API: what its parts are built of. */
import { CAMERA_ID_PATTERN } from 'eddy/plugin';

/** Plain JSON. */
export type Json = Readonly<Record<string, unknown>>;

export const text = { type: 'string' };
export const number = { type: 'number' };
export const epoch = { type: 'number', description: 'Epoch milliseconds of the server.' };
export const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
export const list = (items: Json): Json => ({ type: 'array', items });
export const object = (properties: Json, required = Object.keys(properties)): Json => ({
  type: 'object',
  properties,
  required,
});

export const content = (description: string, schema: Json): Json => ({
  description,
  content: { 'application/json': { schema } },
});
export const refused = {
  401: content('Credentials are needed.', ref('Error')),
  403: content('These credentials do not suffice.', ref('Error')),
};
export const get = (summary: string, answer: Json, schema: Json, more: Json = {}): Json => ({
  get: { summary, responses: { 200: content(summary, schema), ...answer }, ...more },
});

/** A request body, in which nothing is required that the description of a field does not say. */
export const jsonBody = (properties: Json): Json => ({
  content: { 'application/json': { schema: object(properties, []) } },
});

export const cameraParameter: Json = {
  name: 'camera',
  in: 'path',
  required: true,
  schema: { type: 'string', pattern: `^${CAMERA_ID_PATTERN}$` },
};
export const stageParameter: Json = { name: 'stage', in: 'path', required: true, schema: text };

/** What the description of the HTTP API says of sessions, revocations and links. */
import {
  cameraParameter,
  content,
  epoch,
  get,
  jsonBody,
  list,
  object,
  ref,
  refused,
  text,
  type Json,
} from './openapi-words.ts';

const sessionFilters: readonly Json[] = ['user', 'camera', 'mode', 'protocol', 'stage'].map((name) => ({
  name,
  in: 'query',
  schema: text,
  description: 'Only those; may be given several times.',
}));

export const sessionPaths: Json = {
  '/api/v1/sessions': {
    ...get('Who watches what, since when.', refused, object({ sessions: list(ref('Session')) }), {
      parameters: sessionFilters,
    }),
    delete: {
      summary: 'Ends every session that is chosen; at least one way to choose is needed.',
      parameters: sessionFilters,
      responses: { 200: content('Ended.', object({ ended: list(text) })), ...refused },
    },
  },
  '/api/v1/revocations': {
    ...get('Users to whom nothing is granted.', refused, object({ revocations: list(ref('Revocation')) })),
    post: {
      summary: 'Takes all rights of a user away for a while: what they have open ends at once, and nothing new begins.',
      requestBody: jsonBody({ user: text, for: { ...text, description: 'Such as 1h; default 24h.' } }),
      responses: { 201: content('Revoked.', ref('Revocation')), ...refused },
    },
  },
  '/api/v1/revocations/{user}': {
    delete: {
      summary: 'Takes a revocation back.',
      parameters: [{ name: 'user', in: 'path', required: true, schema: text }],
      responses: { 200: content('As before.', object({ restored: text })), ...refused },
    },
  },
  '/api/v1/cameras/{camera}/links': {
    post: {
      summary: 'Makes a link that lets whoever has it watch a camera until it expires.',
      parameters: [cameraParameter],
      requestBody: jsonBody({
        user: { ...text, description: 'The name under which its sessions are listed and revoked.' },
        for: { ...text, description: 'How long it is good, such as 1h.' },
        actions: { ...list({ type: 'string', enum: ['watch', 'rewind', 'export'] }), description: 'Default: watch.' },
        rewind: { ...text, description: 'How far back, such as 30m; default: as far as there is.' },
        sessions: { type: 'integer', description: 'How many at once.' },
      }),
      responses: {
        201: content(
          'Its prefix goes before the path of HLS, DASH, WHEP, pictures, exports and the page of the player.',
          object({ prefix: text, expiresAt: epoch }),
        ),
        ...refused,
      },
    },
  },
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
};

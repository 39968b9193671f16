/** What the HTTP API answers with, as JSON Schemas. */
import { CAMERA_ID_PATTERN } from 'eddy/plugin';
import { ladders } from './ladder-schema.ts';
import { epoch, list, number, object, text } from './openapi-words.ts';

/** By name, for `#/components/schemas/`. */
export const schemas = {
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
    limits: {
      ...list(
        object({
          limit: { type: 'string', enum: ['no-dvr'] },
          kind: { type: 'string', enum: ['video', 'audio'] },
          code: text,
          stage: text,
          pad: text,
          track: text,
          to: { type: 'string', description: 'The pad that refuses the track.' },
          reason: text,
          mend: text,
        }),
      ),
      description: 'What viewers go without. no-dvr: nothing of this kind is recorded; no rewind, no HLS, no DASH.',
    },
  }),
  Segment: object({
    id: { type: 'string', description: '{camera}/{track}/{media name}' },
    track: text,
    number,
    startTs: epoch,
    duration: { type: 'number', description: 'Milliseconds.' },
    bytes: number,
    discontinuity: { type: 'boolean' },
    independent: { type: 'boolean' },
    codecString: text,
  }),
  Span: object(
    {
      kind: { type: 'string', enum: ['media', 'gap'] },
      start: epoch,
      end: epoch,
      cause: {
        type: 'string',
        enum: ['publisher-lost', 'crash', 'store-outage', 'dropped', 'restart', 'no-key-frame'],
        description: 'Why there is no media; of gaps only.',
      },
    },
    ['kind', 'start', 'end'],
  ),
  TimelineState: object({
    store: { type: 'string', enum: ['none', 'up', 'down'] },
    index: { type: 'string', enum: ['none', 'up', 'down'] },
    log: { type: 'string', enum: ['none', 'up', 'full', 'down'] },
    waiting: object({ segments: number, bytes: number }),
    clockStepped: { type: 'boolean' },
  }),
  Ladders: ladders,
  Keep: object({ start: epoch, end: epoch }),
  Session: object({
    id: text,
    userId: text,
    cameraId: text,
    mode: { type: 'string', enum: ['live', 'seek', 'export'] },
    position: { ...epoch, description: 'What is shown, where the gateway knows.' },
    stage: text,
    protocol: text,
    peer: text,
    since: epoch,
    expiresAt: { ...epoch, description: 'When its grant ends.' },
    state: { type: 'object' },
  }),
  Revocation: object({ userId: text, since: epoch, until: epoch }),
};

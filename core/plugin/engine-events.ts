/** The events that the engine itself tells. Those of plugins are in their manifests. */
import { defineEvents } from './events.ts';

const publication = {
  publication: { type: 'string', doc: 'Id of the publication.' },
  peer: { type: 'string', doc: "The publisher's protocol and address: rtmp:10.0.0.7." },
} as const;

const peer = {
  peer: { type: 'string', doc: "The peer's address, without port; behind a trusted proxy as the proxy says." },
} as const;

const protocol = { type: 'string', doc: 'How it came: rtmp, whip, whep, hls, dash, api.' } as const;
const reason = {
  type: 'string',
  doc: 'Why: unauthenticated, forbidden, or the code of the limit that was met.',
} as const;
const userId = { type: 'string', doc: 'Who: the subject that the authorizer told.' } as const;

const session = {
  session: { type: 'string', doc: 'Id of the session.' },
  userId,
  protocol,
} as const;

const admin = {
  userId: { ...userId, optional: true },
  ...peer,
  what: { type: 'string', doc: 'What was asked: method and path, "DELETE /api/v1/sessions/6f0c...".' },
  change: { type: 'boolean', doc: 'True where it changes something, false where it only looks.' },
} as const;

/** See the file's head. A type is never reused for another meaning; data is only ever added to. */
export const engineEvents = defineEvents({
  'pipeline.starting': { meaning: 'The pipeline starts, or is changed by "apply".' },
  'pipeline.running': { meaning: 'All of the pipeline runs.' },
  'pipeline.degraded': { meaning: 'The pipeline runs, and a stage or service of it does not.' },
  'pipeline.draining': { meaning: 'The pipeline stops: nobody is let in any more, what was taken in is passed on.' },
  'pipeline.stopped': { meaning: 'The pipeline has stopped.' },
  'pipeline.failed': { meaning: 'The pipeline did not start.' },

  'stage.starting': { meaning: 'A stage or service starts.' },
  'stage.running': { meaning: 'A stage or service runs.' },
  'stage.degraded': { meaning: 'A stage or service runs with less than it should have.' },
  'stage.draining': { meaning: 'A stage passes on what it holds and takes in nothing more.' },
  'stage.stopped': { meaning: 'A stage or service has stopped.' },
  'stage.failed': { meaning: 'A stage or service failed; its supervision rule says what becomes of it.' },

  'camera.live': { meaning: 'A camera has a publisher.' },
  'camera.lingering': { meaning: 'The last publisher of a camera left; it may come back within "linger".' },
  'camera.away': { meaning: 'A camera has no publisher any more; its past can still be watched.' },

  'publication.started': { meaning: 'A publisher was let in.', data: publication },
  'publication.active': { meaning: 'This publication is now what viewers of its camera see.', data: publication },
  'publication.replaced': { meaning: 'A publication was put out by one that took over.', data: publication },
  'publication.ended': {
    meaning: 'A publication has ended.',
    data: {
      ...publication,
      cause: { type: 'string', doc: 'Why: publisher-ended, replaced, stopped or failed.' },
    },
  },
  'publish.refused': {
    meaning: 'Somebody who wanted to publish was not let in.',
    data: { ...peer, protocol: { ...protocol, optional: true }, reason: { ...reason, optional: true } },
  },

  'session.started': {
    meaning: 'A viewer was let in.',
    data: { ...session, mode: { type: 'string', doc: 'live or seek.' } },
  },
  'session.ended': {
    meaning: 'A viewer has gone, or was put out.',
    data: {
      ...session,
      mode: { type: 'string', doc: 'live or seek, as it was last.' },
      code: { type: 'string', optional: true, doc: 'Why it was put out, as `eddy explain` knows it; absent: it left.' },
    },
  },
  'session.refused': {
    meaning: 'Somebody who wanted to watch, rewind or export was not let in.',
    data: {
      userId: { ...userId, optional: true },
      action: { type: 'string', doc: 'What was wanted: watch, rewind or export.' },
      reason,
      ...peer,
      protocol,
    },
  },

  'admin.allowed': { meaning: 'Somebody changed something by a guarded route of the API.', data: admin },
  'admin.refused': { meaning: 'Somebody was kept from a guarded route of the API.', data: admin },

  report: {
    meaning: 'A stage found something that is worth knowing. Told once for each stage, camera and code.',
    data: {
      code: { type: 'string', doc: 'What it is, as `eddy explain` knows it.' },
      message: { type: 'string', doc: 'The finding in plain English.' },
    },
  },
});

/** What their types begin with; a plugin's events begin otherwise. */
export const engineEventFamilies: ReadonlySet<string> = new Set(
  Object.keys(engineEvents).map((type) => type.split('.', 1)[0]!),
);

/** Types every event of the engine. */
export type EngineEventDefinitions = typeof engineEvents;

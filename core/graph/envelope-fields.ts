/** The engine's own sections of a pipeline file, declared like a plugin's configuration. */
import { Duration, DurationRange, ListOf, MapOf, OneOf, Rate, Secret, Text, type Fields } from '../plugin/fields.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const FULL_POLICIES = ['block', 'drop-to-keyframe', 'drop-newest', 'spill'] as const;

/** `cameras:` */
export const cameraFields = {
  'second-publisher': OneOf(['refuse', 'take-over', 'standby'], {
    doc: "What happens to a second publisher of a camera: it is refused, takes the first one's place, or stands by.",
    default: 'take-over',
  }),
  linger: Duration({
    doc: 'How long a camera waits for its publisher to come back before its flow ends.',
    default: '30s',
  }),
} satisfies Fields;

/** Whoever guesses it can make sessions: as long as the digest that is made of it. */
const SHORTEST_KEY = 32;

const sessionKey = Secret({
  doc: 'What sessions are sealed with, 32 random characters or more, the same on all machines. Default: a key in the data folder, made at the first start.',
  optional: true,
});

/** `sessions:` */
export const sessionFields = {
  carry: OneOf(['path', 'cookie'], {
    doc: 'How players over HTTP carry a session that began with ?token=: in the path of every URL, which any player can; or in a cookie, for pages of the same site.',
    default: 'path',
  }),
  life: Duration({
    doc: 'How long a session over HTTP can be taken up again without its token. One that goes on does not end by it.',
    default: '12h',
    min: '1m',
  }),
  key: {
    ...sessionKey,
    parse: (raw: unknown) =>
      String(raw).length < SHORTEST_KEY
        ? { error: `it has less than ${SHORTEST_KEY} characters; "openssl rand -hex 32" makes one` }
        : sessionKey.parse(raw),
  },
  'at-limit': OneOf(['refuse', 'end-oldest'], {
    doc: 'What a user who has as many sessions as their grant allows gets for one more: a refusal, or the place of the oldest.',
    default: 'refuse',
  }),
} satisfies Fields;

/** `supervise:`, of the pipeline and of a stage or service. */
export const superviseFields = {
  restart: OneOf(['on-failure', 'never'], { doc: 'Whether a failed node is started again.', default: 'on-failure' }),
  backoff: DurationRange({
    doc: 'How long to wait before a restart; doubles from the first to the second.',
    default: '500ms..30s',
  }),
  max: Rate({ doc: 'How many restarts in how long are too many.', default: '5 in 2m' }),
  then: OneOf(['degrade', 'stop'], {
    doc: 'What follows too many restarts: go on without the node, or stop.',
    default: 'degrade',
  }),
} satisfies Fields;

/** `observe:` */
export const observeFields = {
  http: Text({
    doc: 'The service that serves health, metrics, API and console; default: the only HTTP server.',
    optional: true,
  }),
  log: OneOf(LOG_LEVELS, { doc: 'The least severe lines that are logged.', default: 'info' }),
} satisfies Fields;

/** `version`, `name`, `budget`, `drain`: keys of the file itself. */
export const pipelineFields = {
  name: Text({ doc: 'The name of the pipeline, in logs and metrics; default: the name of the file.', optional: true }),
  plugins: ListOf(Text({ doc: 'An npm package, or a path that begins with a dot.' }), {
    doc: 'Packages with plugins that are not built in.',
    default: [],
  }),
  budget: MapOf(Duration({ doc: 'From glass to glass.' }), {
    doc: 'How late a picture may be at a stage.',
    default: {},
  }),
  drain: Duration({ doc: 'How long a stop may wait for what is under way.', default: '10s' }),
} satisfies Fields;

/** The options of a link. */
export const linkFields = {
  queue: Duration({ doc: 'How much media time the link may hold.', optional: true }),
  full: OneOf(FULL_POLICIES, { doc: 'What a full queue does.', optional: true }),
} satisfies Fields;

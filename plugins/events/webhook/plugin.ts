/** `events.webhook`: events as signed webhooks, from an outbox on disk. */
import {
  API_VERSION,
  Bytes,
  defineCodes,
  defineManifest,
  definePlugin,
  Duration,
  DurationRange,
  EventPatterns,
  FilePath,
  ListOf,
  OneOf,
  Secret,
  serversOf,
  Text,
  type ConfigProblem,
} from 'eddy/plugin';
import { FSYNC } from '../shared/append.ts';
import { lostEvents } from '../shared/lost.ts';
import { problemsOf } from './check.ts';

const errors = defineCodes({
  URL_INVALID: {
    severity: 'error',
    kind: 'config',
    meaning: 'What stands for "url" is no address of a receiver.',
    mend: 'Write an address that begins with https:// (or http:// on this machine), such as https://example.org/hooks/eddy.',
    example: 'hooks: { plugin: events.webhook, url: "https://", secret: "${secret:hooks}" }',
  },
  SECRET_INVALID: {
    severity: 'error',
    kind: 'config',
    meaning: 'A secret is not "whsec_" and the base64 of 24 to 64 random bytes, as the Standard Webhooks want it.',
    mend: 'Make one, and give it to the receiver too: echo "whsec_$(openssl rand -base64 32)"',
    example:
      'hooks: { plugin: events.webhook, url: "https://example.org/hooks", secret: "${env:HOOK}" } with HOOK=test',
  },
  INSECURE: {
    severity: 'warning',
    kind: 'config',
    meaning: 'Events go to another machine without TLS: they are signed, but anyone on the way may read them.',
    mend: 'Write https:// where the receiver has TLS; else allow: [events.webhook/INSECURE] says that the way is private.',
    example: 'hooks: { plugin: events.webhook, url: "http://hooks.example.org/eddy", secret: "${secret:hooks}" }',
  },
  DOWN: {
    severity: 'error',
    kind: 'resource',
    meaning: 'The receiver does not take events, three attempts in a row. They wait in the outbox, in order.',
    mend: 'See the reason in the message. All is delivered by itself once the receiver answers with 2xx; until then keep "outbox-bytes" and "outbox-age" in mind.',
    example: 'a receiver that is restarted, or that answers 500',
  },
  GONE: {
    severity: 'error',
    kind: 'resource',
    meaning:
      'The receiver answered 410: it wants no more events. Nothing more is sent to it, and new events are not kept.',
    mend: 'Take the service out of the pipeline; or name the right "url" and run "eddy apply": what waits is then sent.',
    example: 'a receiver whose subscription was removed',
  },
  EVENTS_LOST: {
    severity: 'error',
    kind: 'resource',
    meaning:
      'Events will not be delivered: the outbox was full ("full"), they were too old ("old"), the receiver called one wrong five times ("refused"), wants none ("gone"), or the disk took them neither before the stop ("stopped").',
    mend: 'Bring the receiver back; give more "outbox-bytes" or "outbox-age", or choose fewer "events".',
    example: 'a receiver that was away for a week',
  },
  OUTBOX_DOWN: {
    severity: 'error',
    kind: 'resource',
    meaning:
      'The outbox cannot be written: new events are held in memory and delivered from there, and a crash takes those that were not.',
    mend: 'Free some space on the disk of "outbox", or let this user write there. It goes on by itself.',
    example: 'a full disk under "outbox"',
  },
});

export const manifest = defineManifest({
  name: 'events.webhook',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Tells a program of yours what happens, as signed webhooks that survive outages and crashes.',
  config: {
    url: Text({ doc: 'Where events are sent by POST. Redirects are not followed.' }),
    secret: Secret({
      doc: 'What they are signed with, as ${secret:name} or ${env:NAME}: "whsec_" and the base64 of 24 to 64 random bytes.',
    }),
    'old-secrets': ListOf(Secret({ doc: 'A secret that was used before.' }), {
      default: [],
      doc: 'Secrets that the receiver may still verify with, while a new one is brought out: each event is signed with all.',
    }),
    events: EventPatterns({
      default: ['session.*', 'publish.refused', 'camera.*'],
      doc: 'Which events: types, "session.*" for a family, "*" for all.',
    }),
    outbox: FilePath({
      default: './data/outbox',
      doc: 'The folder where events wait, each service in one of its name below it; one pipeline a folder.',
    }),
    'outbox-bytes': Bytes({
      default: '64MiB',
      min: '64KiB',
      doc: 'The most that may wait on disk; beyond it the oldest are dropped. An event has some 300 bytes.',
    }),
    'outbox-age': Duration({ default: '3d', min: '1m', doc: 'Older events are dropped.' }),
    fsync: OneOf(FSYNC, {
      default: 'second',
      doc: 'How often waiting events are made safe from a power cut. A crash of Eddy alone takes none of those on disk.',
    }),
    timeout: Duration({ default: '15s', min: '100ms', max: '2m', doc: 'How long the receiver may take to answer.' }),
    retry: DurationRange({
      default: '1s..5m',
      doc: 'How long to wait before another attempt: doubles with each, less up to a fifth at random. A longer Retry-After holds.',
    }),
  },
  events: lostEvents,
  errors,
  check: (config: Parameters<typeof problemsOf>[0]): readonly ConfigProblem[] => problemsOf(config),
  reaches: ({ url }: { readonly url: string }) => serversOf(url),
  claims: { storage: ['outbox'] },
});

export default definePlugin(manifest, () => import('./webhook.ts'));

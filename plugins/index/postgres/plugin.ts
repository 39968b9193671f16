/** `index.postgres`: the segment index in a PostgreSQL database, which many processes and machines share. */
import {
  API_VERSION,
  defineManifest,
  definePlugin,
  Duration,
  FilePath,
  input,
  Integer,
  OneOf,
  Secret,
  SegmentIndex,
  Text,
} from 'eddy/plugin';
import { parseAddress, serverOf } from './address.ts';

export const manifest = defineManifest({
  name: 'index.postgres',
  version: '1.0.0',
  api: API_VERSION,
  summary:
    'Knows every finished segment by camera and time, in a PostgreSQL database that processes and machines share.',
  config: {
    url: Secret({
      doc: 'The database, as ${secret:name} or ${env:NAME}: postgres://user:password@host:5432/database, or postgres:///database?host=/var/run/postgresql for a Unix socket. It must exist; PostgreSQL 12 or later. A pooler in between must leave each connection its session.',
    }),
    schema: Text({
      doc: 'The schema with the tables, so that pipelines can share a database; it is made if need be.',
      default: 'eddy',
      pattern: '^[a-z_][a-z0-9_]{0,47}$',
    }),
    tls: OneOf(['auto', 'verify', 'encrypt', 'off'], {
      doc: '"verify" asks for a certificate that is valid for the host; "encrypt" takes any, so that somebody in between may listen; "auto" is "off" on this machine and "verify" to any other.',
      default: 'auto',
    }),
    ca: FilePath({
      doc: "Certificates (PEM) that the server's must lead to, in place of the usual ones.",
      optional: true,
    }),
    connections: Integer({
      doc: 'How many connections answer; two more write and listen.',
      default: 4,
      min: 1,
      max: 100,
    }),
    'connect-timeout': Duration({
      doc: 'How long a connection may take to be made, or a call may wait for a free one.',
      default: '3s',
      min: '100ms',
      max: '1m',
    }),
    timeout: Duration({
      doc: 'How long the server may take for one statement; it ends what takes longer.',
      default: '10s',
      min: '100ms',
      max: '10m',
    }),
  },
  inputs: {
    segments: input('segments', {
      doc: 'Finished segments of every camera; each is acknowledged once it survives a crash of the server.',
      demand: 'always',
      optional: true,
    }),
  },
  provides: { index: SegmentIndex },
  // Absent where the file is checked without the variable that it names.
  check: ({ url }: { readonly url: string | undefined }) => {
    const parsed = url === undefined ? undefined : parseAddress(url);
    return parsed && 'error' in parsed
      ? [{ code: 'URL_INVALID', key: 'url', message: `the address of the database cannot be read: ${parsed.error}` }]
      : [];
  },
  reaches: ({ url }: { readonly url: string }) => {
    const parsed = parseAddress(url);
    return 'error' in parsed ? [] : [serverOf(parsed.address)];
  },
  errors: {
    URL_INVALID: {
      severity: 'error',
      kind: 'config',
      meaning: 'What stands for "url" is no address of a PostgreSQL database.',
      mend: 'Write postgres://user:password@host:5432/database into the variable or secret that "url" names.',
      example: 'index: { plugin: index.postgres, url: "${env:PG_URL}" } with PG_URL=mysql://db/eddy',
    },
    NOT_REACHED: {
      severity: 'error',
      kind: 'resource',
      meaning:
        'The database does not answer. The pipeline goes on without it; it is tried again every few seconds, and what others added meanwhile is read once it answers.',
      mend: 'See the reason in the message: start the server, mend the network, or correct "url" and "tls".',
      example: 'a PostgreSQL server that is restarted',
    },
    BEHIND: {
      severity: 'warning',
      kind: 'resource',
      meaning: 'Segments cannot be indexed at the moment; they wait, and are indexed in order once it is possible.',
      mend: 'See the reason in the message: start the server, or free its disk. Nothing else is to be done.',
      example: 'a PostgreSQL server that is restarted while cameras are recorded',
    },
  },
});

export default definePlugin(manifest, () => import('./postgres.ts'));

/** `store.s3`: objects in a bucket. */
import {
  API_VERSION,
  Bytes,
  defineManifest,
  definePlugin,
  Duration,
  Flag,
  Group,
  Integer,
  ObjectStore,
  OneOf,
  Secret,
  serversOf,
  Text,
} from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'store.s3',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Keeps objects in a bucket of S3, or of any server that speaks its protocol.',
  config: {
    bucket: Text({ doc: 'The bucket; it must exist, and needs no public access.' }),
    prefix: Text({
      doc: 'Put before every key, so that pipelines can share a bucket: "site-a/".',
      default: '',
      pattern: '^([A-Za-z0-9._-]+/)*$',
    }),
    region: Text({ doc: 'The region of the bucket; most other servers take any.', default: 'us-east-1' }),
    endpoint: Text({
      doc: 'Address of a server other than AWS, such as "https://s3.example.org".',
      optional: true,
      pattern: '^https?://[^/]+/?$',
    }),
    'path-style': Flag({
      doc: 'Whether the bucket stands in the path of URLs; most servers other than AWS need it.',
      default: false,
    }),
    credentials: Group(
      {
        'access-key': Secret({ doc: 'The id of the key.' }),
        'secret-key': Secret({ doc: 'The key itself, as ${secret:name} or ${env:NAME}.' }),
        'session-token': Secret({ doc: 'For temporary keys.', optional: true }),
      },
      { doc: 'A key; absent: from where AWS tools look (environment, profile, role of the machine).', optional: true },
    ),
    encryption: OneOf(['none', 'AES256', 'aws:kms'], {
      doc: 'How the server encrypts what it keeps; "none" leaves that to the bucket.',
      default: 'none',
    }),
    'kms-key': Text({ doc: 'The key for "aws:kms"; absent: the default one.', optional: true }),
    checksum: OneOf(['CRC32', 'CRC32C', 'SHA256'], {
      doc: 'What is sent with each object for the server to verify.',
      default: 'CRC32',
    }),
    'part-size': Bytes({
      doc: 'Objects larger than this go in parts of it.',
      default: '8MiB',
      min: '5MiB',
      max: '1GiB',
    }),
    concurrency: Integer({ doc: 'How many requests are under way at once.', default: 16, min: 1, max: 1000 }),
    timeout: Duration({
      doc: 'How long one attempt of a request may take, or stand still.',
      default: '10s',
      min: '100ms',
      max: '10m',
    }),
    attempts: Integer({
      doc: 'How often a request is tried, with growing pauses of random length between.',
      default: 4,
      min: 1,
      max: 20,
    }),
  },
  provides: { store: ObjectStore },
  reaches: ({ endpoint }: { readonly endpoint: string | undefined }) => serversOf(endpoint),
  errors: {
    NOT_REACHED: {
      severity: 'warning',
      kind: 'resource',
      meaning: 'The store did not answer when the pipeline started. It goes on without, and stores once it answers.',
      mend: 'Check "endpoint", the network, and the server.',
      example: 'store: { plugin: store.s3, bucket: media, endpoint: "http://127.0.0.1:9", path-style: true }',
    },
  },
});

export default definePlugin(manifest, () => import('./s3.ts'));

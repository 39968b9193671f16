import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { main } from '../../../core/cli/main.ts';
import { certify } from '../../support/certificates.ts';
import { freePort } from '../../support/eddy.ts';
import { fakeCli } from './fake-cli.ts';

const env: Record<string, string> = {};
const cli = fakeCli(env);

test('doctor tells whether the servers of a pipeline answer, and no password', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const closed = await freePort();
  env.PG_URL = `postgres://eddy:geheim@127.0.0.1:${closed}/eddy`;
  const file = await cli.file(`version: 1
name: reach
services:
  store: { plugin: store.s3, bucket: media, endpoint: "http://127.0.0.1:${port}", path-style: true }
stages:
  index: { plugin: index.postgres, url: "\${env:PG_URL}" }
`);
  await main(['doctor', file, '--json'], cli);
  server.close();
  const rows = JSON.parse(cli.printed.out) as { what: string; ok: boolean; found: string; mend?: string }[];
  expect(rows).toContainEqual({ what: 'server of store', ok: true, found: `answers at 127.0.0.1:${port}` });
  expect(rows).toContainEqual({
    ...{ what: 'server of index', ok: false, mend: 'start the server, or correct its address' },
    found: expect.stringContaining(`127.0.0.1:${closed}: connect ECONNREFUSED`),
  });
  expect(cli.printed.out).not.toContain('geheim');
});

test('an address that is none is a finding at its line, without what it says', async () => {
  env.PG_URL = 'mysql://eddy:geheim@db/eddy';
  const file = await cli.file(`version: 1
stages:
  index: { plugin: index.postgres, url: "\${env:PG_URL}" }
`);
  expect(await main(['validate', file], cli)).toBe(78);
  const printed = cli.printed.out + cli.printed.err;
  expect(printed).toContain('p.yaml:3:41: error index.postgres/URL_INVALID');
  expect(printed).toContain('it must begin with "postgres://"');
  expect(printed).not.toContain('geheim');
  // What it says is not known elsewhere.
  delete env.PG_URL;
  expect(await main(['validate', '--offline', file], cli)).toBe(0);
});

test('doctor tells until when certificates are valid, and which pair does not fit', async () => {
  const at = (name: string): string => join(cli.cwd, name);
  certify('a', at('a.pem'), at('a.key'), 90);
  certify('b', at('b.pem'), at('b.key'), 2);
  const node = (cert: string, key: string): string => `{ cert: ./${cert}.pem, key: ./${key}.key }`;
  const file = await cli.file(`version: 1
services:
  good: { plugin: http.server, listen: 127.0.0.1:0, tls: ${node('a', 'a')} }
  soon: { plugin: http.server, listen: 127.0.0.1:0, tls: ${node('b', 'b')} }
  mixed: { plugin: http.server, listen: 127.0.0.1:0, tls: ${node('a', 'b')} }
stages:
  rtmp: { plugin: ingest.rtmp, listen: 127.0.0.1:0, tls: ${node('none', 'a')} }
`);
  await main(['doctor', file, '--json'], cli);
  const rows = JSON.parse(cli.printed.out) as { what: string; ok: boolean; found: string; mend?: string }[];
  expect(rows.filter(({ what }) => what.startsWith('certificate of'))).toEqual([
    { what: 'certificate of good', ok: true, found: expect.stringMatching(/^valid until 20\d\d-\d\d-\d\d$/) },
    { what: 'certificate of soon', ok: false, found: expect.stringMatching(/^valid until/), mend: 'renew it' },
    {
      what: 'certificate of mixed',
      ok: false,
      found: expect.stringContaining('does not belong to'),
      mend: expect.any(String),
    },
    {
      what: 'certificate of rtmp',
      ok: false,
      found: expect.stringContaining('cannot be read'),
      mend: expect.any(String),
    },
  ]);
});

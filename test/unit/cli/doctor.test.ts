import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { main } from '../../../core/cli/main.ts';
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

import { expect, it } from 'vitest';
import { isPlainAndFar, serversOf } from '../../../core/plugin/index.ts';

it('finds the server behind a URL', () => {
  for (const [url, servers] of [
    ['https://hooks.example.org/eddy', [{ host: 'hooks.example.org', port: 443 }]],
    ['http://user:secret@10.0.0.7?x=1', [{ host: '10.0.0.7', port: 80 }]],
    ['https://[2001:db8::7]:8443', [{ host: '2001:db8::7', port: 8443 }]],
    ['ftp://example.org', []],
    ['https://two words', []],
    [undefined, []],
  ] as const) {
    expect(serversOf(url)).toEqual(servers);
  }
});

it('knows what travels to another machine in the clear', () => {
  for (const far of ['http://example.org', 'http://10.0.0.7:9000/', 'http://[2001:db8::7]', 'http://127.example.org'])
    expect([far, isPlainAndFar(far)]).toEqual([far, true]);
  for (const near of ['http://localhost:9000', 'http://127.0.0.9', 'http://[::1]:9000', 'https://example.org', 'none'])
    expect([near, isPlainAndFar(near)]).toEqual([near, false]);
});

import { describe, expect, it } from 'vitest';
import type { HttpMethod, HttpRoute } from '../../../core/contracts/index.ts';
import { RouteTable } from '../../../plugins/http/server/routes.ts';
import { parseTarget } from '../../../plugins/http/server/target.ts';

const route = (path: string, method: HttpRoute['method'] = 'GET'): HttpRoute => ({ method, path, handler: () => ({}) });

/** The path of the route that answers, with the values of its parameters. */
function ask(table: RouteTable, path: string, method: HttpMethod = 'GET') {
  const match = table.match(parseTarget(path).segments);
  const mounted = match?.methods.get(method);
  return mounted && [mounted.route.path, ...match!.values];
}

describe('RouteTable', () => {
  it('lets a literal beat a parameter and a parameter beat the rest, and goes back where a literal leads nowhere', () => {
    const table = new RouteTable();
    for (const path of ['/', '/a/:x', '/a/b', '/a/*', '/a/b/:y/d', '/a/:x/c/e']) table.add(route(path));
    expect(ask(table, '/')).toEqual(['/']);
    expect(ask(table, '/a/b')).toEqual(['/a/b']);
    expect(ask(table, '/a/z')).toEqual(['/a/:x', 'z']);
    expect(ask(table, '/a/b/c/d')).toEqual(['/a/b/:y/d', 'c']);
    expect(ask(table, '/a/b/c/e')).toEqual(['/a/:x/c/e', 'b']);
    expect(ask(table, '/a/b/c/f/g')).toEqual(['/a/*', 'b/c/f/g']);
    expect(ask(table, '/a/')).toEqual(['/a/*', '']);
    expect(ask(table, '/a')).toBeUndefined();
    expect(ask(table, '/nothing')).toBeUndefined();
  });

  it('does not take names of Object.prototype for routes', () => {
    const table = new RouteTable();
    table.add(route('/a/:x/b'));
    expect(ask(table, '/constructor')).toBeUndefined();
    expect(ask(table, '/__proto__/x')).toBeUndefined();
    expect(ask(table, '/a/__proto__/b')).toEqual(['/a/:x/b', '__proto__']);
  });

  it('refuses the same method on the same shape of path, and takes another method', () => {
    const table = new RouteTable();
    table.add(route('/whip/:camera', 'POST'));
    table.add(route('/whip/:camera', ['GET', 'OPTIONS']));
    expect(() => table.add(route('/whip/:other', ['DELETE', 'POST']))).toThrow(
      expect.objectContaining({ code: 'HTTP_ROUTE_TAKEN' }),
    );
    expect(ask(table, '/whip/cam1', 'DELETE')).toBeUndefined();
  });

  it('refuses paths that are no routes', () => {
    const table = new RouteTable();
    for (const path of ['', 'a', '/*/a', '/a/:', '/:Camera', '/:a/:a', '/a*', '/a?b', '/%61']) {
      expect(() => table.add(route(path)), path).toThrow(expect.objectContaining({ code: 'HTTP_ROUTE_INVALID' }));
    }
  });

  it('unmounts exactly what was mounted, any number of times, and leaves nothing behind', () => {
    const table = new RouteTable();
    const empty = JSON.stringify(table.match([]) ?? null);
    const first = table.add(route('/a/:x/c'));
    const second = table.add(route('/a/:x'));
    first();
    expect(ask(table, '/a/1/c')).toBeUndefined();
    expect(ask(table, '/a/1')).toEqual(['/a/:x', '1']);
    const again = table.add(route('/a/:x/c'));
    first();
    second();
    expect(ask(table, '/a/1/c')).toEqual(['/a/:x/c', '1']);
    again();
    const later = table.add(route('/a/:y'));
    first();
    second();
    again();
    expect(ask(table, '/a/1')).toEqual(['/a/:y', '1']);
    later();
    expect(table.match(['a'])).toBeUndefined();
    expect(JSON.stringify(table.match([]) ?? null)).toBe(empty);
  });
});

describe('parseTarget', () => {
  it('decodes once and keeps the query as it is', () => {
    expect(parseTarget('/watch/caf%C3%A9%20x?token=a%2Fb&x')).toEqual({
      path: '/watch/café x',
      segments: ['watch', 'café x'],
      search: 'token=a%2Fb&x',
    });
    expect(parseTarget('/')).toMatchObject({ path: '/', segments: [''] });
    expect(parseTarget('/a..b/.well-known/...')).toMatchObject({ segments: ['a..b', '.well-known', '...'] });
  });

  it('takes the absolute form (RFC 9112 3.2.2)', () => {
    expect(parseTarget('http://host:8080/hls/cam1?x=1')).toMatchObject({ path: '/hls/cam1', search: 'x=1' });
    expect(parseTarget('HTTP://host')).toMatchObject({ path: '/' });
  });

  const refused = [
    '/..',
    '/a/../b',
    '/a/./b',
    '/a/%2e%2e/b',
    '/a/.%2E/b',
    '/a%2fb',
    '/a%2Fb',
    '/a%5cb',
    '/a\\b',
    '/a%00b',
    '/a%0ab',
    '/a%252fb',
    '/a%25%32%66',
    '/a%ff',
    '/a%',
    '/a%zz',
    'hls/cam1',
    'ftp://host/x',
    'http://host/../x',
    '',
  ];
  it.each(refused)('refuses %j', (target) => {
    expect(() => parseTarget(target)).toThrow(expect.objectContaining({ code: 'HTTP_BAD_PATH' }));
  });
});

import { existsSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { Context } from '../../../core/plugin/index.ts';
import { watchPage } from '../../../plugins/web/player/pages.ts';
import { create } from '../../../plugins/web/player/player.ts';
import plugin, { type manifest } from '../../../plugins/web/player/plugin.ts';
import { publishPage } from '../../../plugins/web/publish/page.ts';
import { escapeHtml } from '../../../plugins/web/shared/pages.ts';
import { raw } from '../../contract/http-server.ts';
import { fakeContext } from '../http/fake-context.ts';
import { startServer } from '../http/start-server.ts';

const root = new URL('../../../', import.meta.url).pathname;
beforeAll(() => {
  if (!existsSync(`${root}plugins/web/player/dist/watch.js`)) {
    execFileSync(process.execPath, ['scripts/build-web.mjs'], { cwd: root });
  }
});

const ends: (() => Promise<void>)[] = [];
async function start(written: Readonly<Record<string, unknown>> = {}) {
  const server = await startServer();
  const { ctx, engine } = fakeContext<Context<typeof manifest>>(plugin, written, { http: server.http });
  const running = create(ctx);
  await running.start?.();
  ends.push(async () => {
    await running.stop?.();
    await engine.close();
    await server.stop();
  });
  return { url: server.url, running };
}
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

it('serves pages on which nothing inline and nothing foreign runs', async () => {
  const { url } = await start();
  for (const path of ['/', '/watch/cam1']) {
    const { status, headers, body } = await raw(url, path);
    const html = body.toString();
    expect(status).toBe(200);
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style/i);
    const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)]
      .map((match) => match[1]!)
      .filter((file) => file !== '/');
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) expect([file, (await raw(url, file)).status]).toEqual([file, 200]);
  }
});

it('names its files with their version and answers 304 to who has them', async () => {
  const { url } = await start();
  const html = (await raw(url, '/watch/cam1')).body.toString();
  const script = /src="(\/player\/watch\.js\?[0-9a-f]{12})"/.exec(html)![1]!;
  const first = await raw(url, script);
  expect(first.headers['content-type']).toMatch(/^text\/javascript/);
  expect((await raw(url, script, { headers: { 'if-none-match': String(first.headers.etag) } })).status).toBe(304);
});

it('has every element that its scripts ask for', () => {
  const pages = {
    player: watchPage({ title: 'Eddy', hls: '/hls', whep: '/whep', version: 'x' }, 'cam1'),
    publish: publishPage({ title: 'Eddy', whip: '/whip', version: 'x' }, 'cam1'),
  };
  expectElements('player', pages.player, [
    'watch',
    'controls',
    'panels',
    'camera-menu',
    'layer-menu',
    'rewind',
    'scrub-bar',
    'scrub-peek',
  ]);
  expectElements('publish', pages.publish, ['publish', 'panels']);
});

function expectElements(plugin: string, html: string, scripts: readonly string[]): void {
  const ids = new Set([...html.matchAll(/\bid="([^"]+)"/g)].map((match) => match[1]));
  const script = execFileSync(
    'cat',
    scripts.map((name) => `${root}plugins/web/${plugin}/client/${name}.ts`),
  ).toString();
  const asked = [...script.matchAll(/byId(?:<\w+>)?\('([^']+)'\)/g)].map((match) => match[1]);
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.filter((id) => !ids.has(id))).toEqual([]);
}

it('lets in a CDN for media, and other sites that may frame it, only as configured', async () => {
  const plain = await start();
  expect((await raw(plain.url, '/')).headers['content-security-policy']).toMatch(
    /connect-src 'self';.*frame-ancestors 'self'$/,
  );
  const { url } = await start({ hls: 'https://cdn.example/live', embed: ['https://site.example'], title: 'Gate <1>' });
  const { headers, body } = await raw(url, '/watch/cam1');
  expect(headers['content-security-policy']).toContain("connect-src 'self' https://cdn.example;");
  expect(headers['content-security-policy']).toContain("frame-ancestors 'self' https://site.example");
  expect(body.toString()).toContain('data-hls="https://cdn.example/live"');
  expect(body.toString()).toContain('Gate &#60;1&#62;');
});

it('refuses what is no camera, and leaves nothing mounted', async () => {
  const { url, running } = await start();
  expect((await raw(url, '/watch/%3Cscript%3E')).status).toBe(404);
  expect((await raw(url, '/player/..%2fplugin.ts')).status).toBe(400);
  await running.stop?.();
  expect((await raw(url, '/')).status).toBe(404);
});

it('escapes', () => {
  expect(escapeHtml(`<a href="x" onload='y'>&`)).toBe('&#60;a href=&#34;x&#34; onload=&#39;y&#39;&#62;&#38;');
});

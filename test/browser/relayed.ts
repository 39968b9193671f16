/** Puts a page's WebRTC behind a bad network: whichever player or publisher runs in it comes through a relay. */
import type { Page } from 'playwright-core';
import type { UdpRelay } from '../support/udp-relay.ts';

/**
 * From now on the answers that this page gets at addresses like `pattern` send it through the relay. Call it before the
 * page asks.
 */
export async function throughRelay(page: Page, relay: UdpRelay, pattern = /\/(whep|whip)\/[^/]+$/): Promise<void> {
  await page.route(pattern, async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    const response = await route.fetch();
    const body = await response.text();
    await route.fulfill({ response, body: response.status() === 201 ? relay.through(body) : body });
  });
}

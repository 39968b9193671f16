/** Our pages in Chromium over a whole pipeline: started once for the tests of a file, every page closed after its test. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { startEddy, type RunningEddy } from '../support/eddy.ts';
import { launchChromium, openPage } from './chromium.ts';

const SIZE = { width: 900, height: 700 };

export interface Site {
  readonly eddy: RunningEddy;
  /** Opens a page at a path of the pipeline's server, or at a whole address. */
  open(path: string): Promise<{ page: Page; errors: string[] }>;
  /** A page that has not gone anywhere yet. */
  newPage(): Promise<{ page: Page; errors: string[] }>;
}

/** To be called once in a test file, outside its tests; `HTTP` and `RTMP` in the pipeline are free ports. */
export function siteOver(pipeline: string | (() => Promise<string>)): Site {
  let browser: Browser | undefined;
  let eddy: RunningEddy | undefined;
  const pages: Page[] = [];
  beforeAll(async () => {
    const text = typeof pipeline === 'string' ? pipeline : await pipeline();
    [browser, eddy] = await Promise.all([launchChromium(), startEddy(text)]);
  }, 40_000);
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.close()));
  });
  afterAll(async () => {
    await browser?.close();
    await eddy?.stop();
  });
  const newPage: Site['newPage'] = async () => {
    const opened = await openPage(browser!, SIZE);
    pages.push(opened.page);
    return opened;
  };
  return {
    get eddy() {
      return eddy!;
    },
    newPage,
    async open(path) {
      const opened = await newPage();
      await opened.page.goto(new URL(path, eddy!.http).href);
      return opened;
    },
  };
}

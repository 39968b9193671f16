import { defineConfig } from 'vitest/config';

/**
 * `EDDY_LEVEL=test` (default) runs every test in its short form; `proof` also runs `test/proof/` and lets tests take
 * their full length (see `test/level.ts`).
 */
const proof = process.env.EDDY_LEVEL === 'proof';
const minutes = (n: number): number => n * 60_000;

/**
 * Sources are run as they are: `eddy/plugin` and its sisters mean the checkout, never a stale `dist/`. The condition `module` stays out: it leads to
 * builds for bundlers (@aws-sdk), which Node itself cannot load.
 */
const conditions = ['eddy-source'];

const common = {
  environment: 'node',
  pool: 'forks',
  execArgv: conditions.map((name) => `--conditions=${name}`),
  restoreMocks: true,
  unstubEnvs: true,
  unstubGlobals: true,
} as const;

const realTime = {
  extends: true,
  test: {
    ...common,
    testTimeout: proof ? minutes(30) : minutes(1),
    hookTimeout: proof ? minutes(5) : minutes(1),
    // What is waited for comes late on a busy machine; where the time matters, the test says so itself.
    expect: { poll: { timeout: 10_000 } },
    // On a machine that others share: `make test` gives a failed test one more attempt, and names it at the end.
    retry: process.env.EDDY_SECOND_ATTEMPT === '1' && !proof ? 1 : 0,
  },
} as const;

/** Pages and players that look at no clock but that of their own limits. */
const pages = [
  'test/browser/{access,cdn,clips,ladder-codecs,pages-security,player,player-fallback,player-recovery}.test.ts',
  'test/browser/{publish,scrub,seek,tls,vp8-past}.test.ts',
  'test/interop/**/*.test.ts',
];

export default defineConfig({
  resolve: { conditions: [...conditions, 'node', 'development|production'] },
  ssr: { resolve: { conditions: [...conditions, 'node', 'development|production'] } },
  test: {
    // A forgotten `.only` must not turn the whole suite green; `EDDY_ALLOW_ONLY=1` while working on one test.
    allowOnly: process.env.EDDY_ALLOW_ONLY === '1',
    reporters: ['default', './scripts/vitest-totals.ts'],
    projects: [
      {
        extends: true,
        test: {
          ...common,
          name: 'unit',
          include: ['test/{unit,contract,toolchain}/**/*.test.ts'],
          testTimeout: 10_000,
          hookTimeout: 10_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Real media, killed processes, in real time: they wait more than they work, so `make test` runs three files at a time. Bars are measured one by one.
        ...realTime,
        test: {
          ...realTime.test,
          name: 'media',
          include: ['test/{media,fault}/**/*.test.ts', ...(proof ? ['test/proof/**/*.test.ts'] : [])],
          ...(proof ? { fileParallelism: false } : { maxWorkers: 3 }),
          sequence: { groupOrder: 2 },
        },
      },
      {
        ...realTime,
        test: {
          ...realTime.test,
          name: 'pages',
          include: pages,
          ...(proof ? { fileParallelism: false } : { maxWorkers: 2 }),
          sequence: { groupOrder: 3 },
        },
      },
      {
        // Browsers decode, encode and read clocks as fast as they can: one file after another.
        ...realTime,
        test: {
          ...realTime.test,
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          exclude: pages,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});

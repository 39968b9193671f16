/** Real hosts for each test of a file, and the stages that run on them: all end with their test. */
import { afterEach, beforeEach } from 'vitest';
import { startHosts } from './pattern.ts';

/** A stage in a harness. */
interface Ends {
  stop(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Call it once in a file. */
export function hostsOfTest() {
  let native: ReturnType<typeof startHosts>;
  const stages: Ends[] = [];
  beforeEach(() => void (native = startHosts()));
  afterEach(async () => {
    await Promise.all(stages.map((stage) => stage.stop()));
    await native.stop();
    // Looks for what is left of both.
    for (const stage of stages.splice(0)) await stage.close();
  });
  return {
    /** Those of the test that runs. */
    get native() {
      return native;
    },
    /** Options of a stage on these hosts, in real time, whose links hold so much and then make the writer wait. */
    inRealTime<S extends object>(queue: string, services?: S) {
      const block = { full: 'block' as const, queue };
      return {
        services: { hosts: native.hosts, ...(services as S) },
        clock: 'real' as const,
        links: { in: block, out: block },
      };
    },
    /** Has the stage end with the test. */
    keep<S extends Ends>(stage: S): S {
      stages.push(stage);
      return stage;
    },
  };
}

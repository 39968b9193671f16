/** A test-pattern camera on real hosts, without an engine. */
import { create as createHosts } from '../../../plugins/native/gstreamer/gstreamer.ts';
import { manifest as hostsManifest } from '../../../plugins/native/gstreamer/plugin.ts';
import { create as createPattern } from '../../../plugins/ingest/test-pattern/test-pattern.ts';
import { manifest as patternManifest } from '../../../plugins/ingest/test-pattern/plugin.ts';
import { fakeContext, type FakePublication, type FakeTrack } from '../../unit/native/fake-context.ts';

/** Settles when the condition holds. */
export async function until(condition: () => boolean, what: string, timeout = 15_000): Promise<void> {
  const limit = performance.now() + timeout;
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`not within ${timeout} ms: ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
}

/** Starts the provider of hosts alone. */
export function startHosts(config: Readonly<Record<string, unknown>> = {}) {
  const fake = fakeContext(hostsManifest, { config });
  const running = createHosts(fake.context);
  return {
    hosts: running.services.hosts,
    fake,
    /** Process ids of all hosts that were started, in order. */
    pids: (): number[] =>
      fake.logs.filter(({ message }) => message === 'host started').map(({ fields }) => fields.pid as number),
    async stop(): Promise<void> {
      await running.stop?.();
      await fake.close();
    },
  };
}

/** Starts a camera and lets it publish. */
export function startPattern(config: Readonly<Record<string, unknown>> = {}) {
  const native = startHosts();
  const fake = fakeContext(patternManifest, { config, services: { hosts: native.hosts } });
  const stage = createPattern(fake.context);
  void stage.open?.();
  const publication = (): FakePublication | undefined => fake.publications.at(-1);
  const track = (id: string): FakeTrack | undefined => publication()?.tracks.findLast((entry) => entry.id === id);
  return {
    native,
    fake,
    stage,
    publication,
    track,
    /** Settles when the track has so many units. */
    units: async (id: string, count: number): Promise<FakeTrack> => {
      await until(() => (track(id)?.units.length ?? 0) >= count, `${count} units of ${id}`);
      return track(id)!;
    },
    async stop(): Promise<void> {
      await stage.stop?.();
      await fake.close();
      await native.stop();
    },
  };
}

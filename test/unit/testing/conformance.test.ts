import { describe, expect, it, test } from 'vitest';
import {
  Duration,
  input,
  MediaHosts,
  output,
  type AnyPlugin,
  type Context,
  type Flow,
  type FlowInput,
  type FlowOutput,
  type TrackReader,
} from '../../../core/plugin/index.ts';
import {
  conformance,
  testPlugin,
  type ConformanceOptions,
  type LooseManifest,
  type LooseRunning,
} from '../../../core/testing/index.ts';

const parts: LooseManifest = {
  name: 'test.pass',
  summary: 'Passes on what it is given.',
  config: { every: Duration({ doc: 'How often it tells.', default: '1s' }) },
  inputs: { in: input('frames', { doc: 'In.' }) },
  outputs: { out: output('frames', { doc: 'Out.', latency: { min: 0, max: 0 } }) },
};

interface Twists {
  readonly manifest?: LooseManifest;
  readonly reader?: (reader: TrackReader<'frames'>, context: Context) => Partial<TrackReader<'frames'>>;
  readonly running?: (context: Context) => Partial<LooseRunning>;
  readonly onFlow?: (flow: Flow, context: Context) => void;
}

/** A sound stage, with what a test spoils about it. */
function stage(twists: Twists = {}): AnyPlugin {
  return testPlugin({ ...parts, ...twists.manifest }, (context) => ({
    flow(flow: Flow) {
      twists.onFlow?.(flow, context);
      const into = (flow.in as unknown as { in: FlowInput<'frames'> }).in;
      const out = (flow.out as unknown as { out: FlowOutput<'frames'> }).out;
      into.onTrack((track) => {
        const writer = out.addTrack(track.id, track.caps, { from: track });
        const reader: TrackReader<'frames'> = {
          async item(unit) {
            if (unit.data.length < 10) return flow.report({ code: 'test.pass/SHORT', message: 'a frame of nothing' });
            if (!writer.write(unit)) await writer.ready();
          },
          discontinuity: (cause) => writer.discontinuity(cause),
          gap: (from, to, cause) => writer.gap(from, to, cause),
          end: (cause) => writer.end(cause),
        };
        return { ...reader, ...twists.reader?.(reader, context) };
      });
    },
    ...twists.running?.(context),
  }));
}

describe('a sound stage', () => {
  for (const check of conformance(stage(), { reconfigureTo: { every: '2s' } })) test(check.name, () => check.run());
});

describe('a source', () => {
  const source = testPlugin({
    name: 'test.source',
    summary: 'Gives nothing at all.',
    outputs: { out: output('frames', { doc: 'Out.', latency: { min: 0, max: 0 } }) },
  });
  for (const check of conformance(source)) test(check.name, () => check.run());
});

describe('a spoilt plugin', () => {
  /** Names of the checks that fail. */
  async function failing(plugin: AnyPlugin, options: ConformanceOptions<unknown> = {}): Promise<string[]> {
    const failed: string[] = [];
    for (const check of conformance(plugin, options)) await check.run().catch(() => failed.push(check.name));
    return failed;
  }

  it('without latency or docs is incomplete', async () => {
    const mute = stage({ manifest: { outputs: { out: output('frames', { doc: 'Out.' }) } } });
    expect(await failing(mute)).toEqual(['the manifest is complete']);
    const secretive = stage({ manifest: { config: { every: Duration({ doc: '', default: '1s' }) } } });
    expect(await failing(secretive)).toEqual(['the configuration refuses unknown keys']);
  });

  it('that cannot stop before its start, or twice, is found', async () => {
    const eager = stage({
      running: () => {
        let socket: { close(): void } | undefined;
        return {
          start: () => void (socket = { close() {} }),
          stop: () => {
            socket!.close();
            socket = undefined;
          },
        };
      },
    });
    expect(await failing(eager)).toEqual(['it may be stopped before it starts', 'it may be stopped twice']);
  });

  it('with state of the module is found at its second start', async () => {
    let total = 0;
    const stateful = stage({
      reader: (reader) => ({ item: async (unit) => (total++ > 30 ? undefined : reader.item(unit)) }),
    });
    expect(await failing(stateful)).toContain('it starts again after a stop, as if for the first time');
  });

  it('that lets one camera take down the stage is found', async () => {
    const brittle = stage({
      reader: (reader, context) => ({
        item: async (unit) => {
          if (unit.data.length < 10) context.fail(new Error('cannot parse'));
          else await reader.item(unit);
        },
      }),
    });
    expect(await failing(brittle)).toEqual(["one camera's poison touches no other"]);
  });

  it('that swallows discontinuities is found', async () => {
    const deaf = stage({ reader: () => ({ discontinuity: () => {} }) });
    expect(await failing(deaf)).toEqual(['a discontinuity is passed on or handled']);
  });

  it('that forgets what it holds at a stop is found', async () => {
    const holding = stage({
      reader: (reader, context) => {
        let held: Parameters<typeof reader.item>[0][] = [];
        return {
          item: async (unit) => {
            held.push(unit);
            if (held.length === 10) for (const each of held.splice(0)) await reader.item(each);
          },
          end: async (cause) => {
            if (cause !== 'stopped') for (const each of held) await reader.item(each);
            held = [];
            await reader.end?.(cause);
            void context;
          },
        };
      },
    });
    expect(await failing(holding)).toEqual(['a drain passes on everything']);
  });

  it('that leaves a timer of a camera behind is found', async () => {
    const ticking = stage({ onFlow: (_flow, context) => void context.clock.every(1000, () => {}) });
    expect(await failing(ticking)).toEqual(['it leaves nothing of a camera that is away']);
  });

  it('that works for nobody is found', async () => {
    const busy = stage({
      manifest: { needs: { hosts: MediaHosts } },
      onFlow: (flow, context) => {
        const { hosts } = context.services as unknown as { hosts: MediaHosts };
        void hosts.launch({ label: 'eager', launch: 'x' }).then((host) => void flow.scope.add(() => host.close()));
      },
    });
    expect(await failing(busy)).toEqual(['it does no work when nothing is wanted']);
  });

  it('is excused only from checks that there are, by name', async () => {
    const mute = stage({ manifest: { outputs: { out: output('frames', { doc: 'Out.' }) } } });
    const skip = { 'the manifest is complete': 'its latency depends on what is behind it' };
    expect(await failing(mute, { skip })).toEqual([]);
    expect(() => conformance(mute, { skip: { 'no such check': 'none' } })).toThrow(/no such check/);
  });
});

/** What every plugin must hold, as named checks for any test runner: `for (const c of conformance(plugin)) test(c.name, c.run)`. */
import assert from 'node:assert/strict';
import type { AnyPlugin, Manifest } from '../plugin/index.ts';
import { VirtualClock } from './clock.ts';
import { FakeMediaHosts } from './fakes/media-hosts.ts';
import { defaultFeeder, type Feeder } from './feeder.ts';
import { configOf } from './graph.ts';
import { Harness, type HarnessOptions, type Testable } from './harness.ts';
import type { CameraFeed, ServicesFor } from './harness-types.ts';

/** One check. */
export interface ConformanceCheck {
  readonly name: string;
  /** Rejects with what is wrong. */
  run(): Promise<void>;
}

/** Options of {@link conformance}. */
export interface ConformanceOptions<M> extends Omit<HarnessOptions<M>, 'services' | 'unwanted'> {
  /** Fresh services for each run. */
  readonly services?: () => ServicesFor<M>;
  /** How a camera is fed; default: synthetic video, audio and chunks on every input that takes them. */
  readonly feed?: (camera: CameraFeed<M>, h: Harness<M>) => Feeder;
  /** Another configuration, which a plugin with `reconfigure` is offered. */
  readonly reconfigureTo?: Readonly<Record<string, unknown>>;
  /** Checks that this plugin is excused from, by name, each with the reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** The checks for a plugin. They are independent, and run one after the other: two at a time would see each other's leaks. */
export function conformance<const M>(plugin: Testable<M>, options: ConformanceOptions<M> = {}): ConformanceCheck[] {
  const suite = new Suite(plugin as AnyPlugin, options);
  const checks = suite.checks();
  for (const name of Object.keys(options.skip ?? {}))
    if (!checks.some((check) => check.name === name)) throw new TypeError(`there is no check "${name}" to skip`);
  return checks.filter(({ name }) => options.skip?.[name] === undefined);
}

class Suite {
  readonly #plugin: AnyPlugin;
  readonly #options: ConformanceOptions<unknown>;

  constructor(plugin: AnyPlugin, options: ConformanceOptions<unknown>) {
    this.#plugin = plugin;
    this.#options = options;
  }

  checks(): ConformanceCheck[] {
    const { inputs, outputs, config } = this.#plugin.manifest;
    const flows = Object.keys(inputs).length > 0;
    const check = (name: string, run: () => Promise<void> | void): ConformanceCheck => ({
      name,
      run: async () => run(),
    });
    return [
      check('the manifest is complete', () => assertComplete(this.#plugin.manifest)),
      check('the configuration refuses unknown keys', () => {
        const written = { ...this.#options.config, 'no-such-option': 1 };
        assert.throws(() => configOf(this.#plugin, written), /no-such-option|additional properties/, 'it took one');
        configOf(this.#plugin, this.#options.config ?? {});
        assert.ok(
          Object.values(config).every(({ doc }) => doc.trim() !== ''),
          'an option has no doc',
        );
      }),
      check('it may be stopped before it starts', () => this.#stopBeforeStart()),
      check('it may be stopped twice', () => this.#stopTwice()),
      check('it starts again after a stop, as if for the first time', () => this.#startAgain()),
      ...(flows
        ? [
            check('it leaves nothing of a camera that is away', () => this.#leavesNothing()),
            check("one camera's poison touches no other", () => this.#isolation()),
            check('a discontinuity is passed on or handled', () => this.#discontinuity()),
            check('a drain passes on everything', () => this.#drain()),
          ]
        : []),
      ...(Object.keys(outputs).length > 0
        ? [check('it does no work when nothing is wanted', () => this.#noWork())]
        : []),
      ...(this.#options.reconfigureTo
        ? [check('it takes another configuration while a camera plays', () => this.#reconfigure())]
        : []),
    ];
  }

  async #start(plugin = this.#plugin, more: Partial<HarnessOptions<unknown>> = {}): Promise<Harness<unknown>> {
    const { services, feed: _feed, skip: _skip, reconfigureTo: _to, links, ...options } = this.#options;
    // Nothing is dropped on the way in or out, unless the author says so: what is missing is then the plugin's doing.
    const pads = [...Object.entries(plugin.manifest.inputs), ...Object.entries(plugin.manifest.outputs)];
    const block = Object.fromEntries(pads.map(([name]) => [name, { full: 'block' as const }]));
    const own = services ? { services: services() } : {};
    const h = new Harness<unknown>(plugin, { ...options, links: { ...block, ...links }, ...own, ...more });
    await h.start();
    return h;
  }

  async #camera(h: Harness<unknown>, id: string): Promise<{ camera: CameraFeed<unknown>; feeder: Feeder }> {
    const camera = await h.camera(id).publish();
    const feeder = this.#options.feed?.(camera, h) ?? defaultFeeder(this.#plugin, camera, h);
    return { camera, feeder };
  }

  /** The plugin with its running part changed by a test. */
  #changed(change: (running: Record<string, unknown>) => Record<string, unknown>): AnyPlugin {
    return {
      manifest: this.#plugin.manifest,
      load: async () => {
        const module = await this.#plugin.load();
        return {
          create: async (context: never) => {
            const running = (await module.create(context)) as Record<string, unknown>;
            const bound: Record<string, unknown> = {};
            for (const hook of ['start', 'open', 'close', 'flow', 'drain', 'stop', 'reconfigure']) {
              const method = running[hook];
              if (typeof method === 'function') bound[hook] = (method as (...args: never[]) => unknown).bind(running);
            }
            if (running.services !== undefined) bound.services = running.services;
            return { ...bound, ...change(bound) };
          },
        };
      },
    };
  }

  async #stopBeforeStart(): Promise<void> {
    const plugin = this.#changed(() => ({
      start: () => {
        throw new Error('never started');
      },
    }));
    const { services } = this.#options;
    const h = new Harness<unknown>(plugin, { ...this.#options, ...(services && { services: services() }) });
    await assert.rejects(h.start(), /never started/);
    await h.close();
    const thrown = h.logs.find(({ stage, level }) => stage === 'subject' && level === 'error');
    assert.equal(thrown, undefined, `its stop threw: ${JSON.stringify(thrown)}`);
  }

  async #stopTwice(): Promise<void> {
    let calls = 0;
    const plugin = this.#changed(({ stop }) => ({
      stop: async () => {
        const once = async (): Promise<void> => {
          calls += 1;
          await (stop as (() => unknown) | undefined)?.();
        };
        await Promise.all([once(), once()]);
        await once();
      },
    }));
    const h = await this.#start(plugin);
    await h.close();
    assert.equal(calls, 3);
    const thrown = h.logs.find(({ msg }) => msg === 'stopping subject threw');
    assert.equal(thrown, undefined, `a repeated stop threw: ${JSON.stringify(thrown)}`);
  }

  async #startAgain(): Promise<void> {
    const run = async (): Promise<Record<string, number>> => {
      const h = await this.#start();
      if (Object.keys(this.#plugin.manifest.inputs).length > 0) {
        const { feeder } = await this.#camera(h, 'cam1');
        await feeder.write(0, 2000);
      }
      await h.close();
      return this.#deterministic() ? counts(h, 'cam1') : {};
    };
    const first = await run();
    assert.deepEqual(await run(), first, 'the second run gave other numbers of items than the first');
  }

  async #leavesNothing(): Promise<void> {
    const h = await this.#start(this.#plugin, { cameras: { linger: 1000 } });
    const timers = (): string[] =>
      h.pipeline.clock instanceof VirtualClock ? h.clock.timers().map(({ madeAt }) => madeAt) : [];
    const hosts = (): number => hostsOf(h).reduce((sum, each) => sum + each.running.length, 0);
    const [before, running] = [timers(), hosts()];
    const { camera, feeder } = await this.#camera(h, 'cam1');
    await feeder.write(0, 2000);
    camera.end();
    if (h.pipeline.clock instanceof VirtualClock) await h.advance(60_000);
    else await h.pipeline.clock.sleep(1500);
    assert.equal(h.status('cam1')?.state, 'away', 'the flow did not close');
    const left = timers().filter((madeAt) => !before.includes(madeAt));
    // Timers of the whole plugin may have come with its first camera; a second camera shows which are the camera's own.
    const again = await this.#camera(h, 'cam2');
    await again.feeder.write(0, 2000);
    again.camera.end();
    if (h.pipeline.clock instanceof VirtualClock) await h.advance(60_000);
    else await h.pipeline.clock.sleep(1500);
    const after = timers().filter((madeAt) => !before.includes(madeAt));
    assert.ok(after.length <= left.length, `timers of a camera outlive it: ${after.join('; ')}`);
    assert.equal(hosts(), running, 'media hosts of a camera outlive it');
    await h.close();
  }

  async #isolation(): Promise<void> {
    const run = async (poisoned: boolean): Promise<Record<string, number>> => {
      const h = await this.#start();
      const [sick, well] = [await this.#camera(h, 'sick'), await this.#camera(h, 'well')];
      for (let ms = 0; ms < 4000; ms += 500) {
        await well.feeder.write(ms, ms + 500);
        await sick.feeder.write(ms, ms + 500);
        if (poisoned && ms === 1500) await sick.feeder.poison?.();
      }
      const failed = h.reports.filter(({ cameraId, code }) => cameraId === 'well' && code === 'FLOW_FAILED');
      assert.deepEqual(failed, [], 'the other camera failed');
      const states = h.pipeline.eventTypes('subject');
      assert.ok(!states.includes('stage.failed'), 'the whole stage failed');
      await h.stop();
      return counts(h, 'well');
    };
    const alone = await run(false);
    const beside = await run(true);
    if (this.#deterministic()) assert.deepEqual(beside, alone, 'the other camera gave other numbers of items');
  }

  async #discontinuity(): Promise<void> {
    const h = await this.#start();
    const { feeder } = await this.#camera(h, 'cam1');
    await feeder.write(0, 3000);
    const before = counts(h, 'cam1');
    feeder.discontinuity('source-signalled');
    await feeder.write(3000, 9000);
    await h.stop();
    for (const [name, capture] of Object.entries(h.captures)) {
      const { type } = this.#plugin.manifest.outputs[name]!;
      const passed = (before[name] ?? 0) > 0 && capture.items('cam1').length > before[name]!;
      if (!passed || !['frames', 'chunks', 'segments'].includes(type)) continue;
      const marked = capture.items('cam1').some((item) => (item as { discontinuity?: boolean }).discontinuity === true);
      const told = capture.discontinuities('cam1').length > 0 || capture.tracks('cam1').some((track) => track.replaces);
      assert.ok(marked || told, `nothing on "${name}" tells of the discontinuity on the inputs`);
    }
    assert.ok(!h.reports.some(({ code }) => code === 'FLOW_FAILED'), 'the flow failed at it');
  }

  async #drain(): Promise<void> {
    const run = async (stopped: boolean): Promise<Record<string, number>> => {
      const h = await this.#start(this.#plugin, { cameras: { linger: 1000 } });
      const { camera, feeder } = await this.#camera(h, 'cam1');
      await feeder.write(0, 3300);
      if (!stopped) {
        camera.end();
        if (h.pipeline.clock instanceof VirtualClock) await h.advance(30_000);
        else await h.pipeline.clock.sleep(1500);
      }
      const { blocked } = await h.stop();
      assert.deepEqual(blocked, [], 'it did not drain in time');
      return counts(h, 'cam1');
    };
    const ended = await run(false);
    const stopped = await run(true);
    if (this.#deterministic()) assert.deepEqual(stopped, ended, 'a stop passed on other numbers of items than an end');
  }

  async #noWork(): Promise<void> {
    const h = await this.#start(this.#plugin, { unwanted: true });
    if (Object.keys(this.#plugin.manifest.inputs).length > 0) {
      const { feeder } = await this.#camera(h, 'cam1');
      await feeder.write(0, 2000);
    } else if (h.pipeline.clock instanceof VirtualClock) await h.advance(2000);
    const inputs = Object.values(this.#plugin.manifest.inputs);
    // A recorder works for itself; a stage whose every input follows its outputs has nothing to do.
    if (inputs.every(({ demand = 'follow' }) => demand === 'follow')) {
      const launched = hostsOf(h).flatMap(({ hosts }) => hosts.map(({ launch }) => launch.label));
      assert.deepEqual(launched, [], 'it started media hosts that nobody wants');
    }
    for (const [name, capture] of Object.entries(h.captures))
      assert.equal(capture.items().length, 0, `it wrote to "${name}", which nobody wants`);
    await h.close();
  }

  async #reconfigure(): Promise<void> {
    const h = await this.#start();
    const flows = Object.keys(this.#plugin.manifest.inputs).length > 0;
    const fed = flows ? await this.#camera(h, 'cam1') : undefined;
    await fed?.feeder.write(0, 2000);
    await h.reconfigure(this.#options.reconfigureTo!);
    await fed?.feeder.write(2000, 4000);
    assert.equal(h.pipeline.engine.state, 'running', 'it does not run with the other configuration');
    assert.equal(fed?.camera.signal.aborted ?? false, false, 'the camera was put out');
    await h.close();
  }

  /** In real time a plugin may be cut anywhere, so that numbers of items say nothing. */
  #deterministic(): boolean {
    return this.#options.clock !== 'real';
  }
}

function counts(h: Harness<unknown>, camera: string): Record<string, number> {
  return Object.fromEntries(Object.entries(h.captures).map(([name, capture]) => [name, capture.items(camera).length]));
}

function hostsOf(h: Harness<unknown>): FakeMediaHosts[] {
  const fakes: unknown[] = Object.values(h.fakes);
  return fakes.filter((fake): fake is FakeMediaHosts => fake instanceof FakeMediaHosts);
}

function assertComplete(manifest: Manifest): void {
  assert.match(manifest.version, /^\d+\.\d+\.\d+/, 'the version is not semantic');
  assert.ok(manifest.summary.trim().length > 10, 'the summary says nothing');
  for (const [pad, { doc }] of [...Object.entries(manifest.inputs), ...Object.entries(manifest.outputs)])
    assert.ok(doc.trim() !== '', `the pad "${pad}" has no doc`);
  for (const [pad, { type, offers, latency }] of Object.entries(manifest.outputs)) {
    const dataOnly = offers?.every(({ caps }) => caps.kind === 'data') ?? false;
    if ((type === 'frames' || type === 'chunks') && !dataOnly)
      assert.ok(latency, `the output "${pad}" does not say how long it holds an item: declare "latency"`);
  }
  for (const [code, definition] of Object.entries(manifest.errors)) {
    assert.match(code, /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/, `"${code}" is no code: write AREA_WHAT`);
    for (const part of ['meaning', 'mend', 'example'] as const)
      assert.ok(definition[part].trim() !== '', `${code} has no ${part}`);
  }
}

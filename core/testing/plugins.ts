/** Small plugins for tests: one made of a few lines, and one that provides any object as a service. */
import type { Contract } from '../contracts/index.ts';
import { defineManifest, definePlugin, type AnyPlugin, type Context, type ManifestInput } from '../plugin/index.ts';

/** What the `create` of a test's plugin may return: every hook optional, types left to the test. */
export interface LooseRunning {
  readonly services?: Readonly<Record<string, object>>;
  start?(): void | Promise<void>;
  open?(): void | Promise<void>;
  close?(): void | Promise<void>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test's plugin has whatever pads its test links
  flow?(flow: any): unknown;
  drain?(signal: AbortSignal): void | Promise<void>;
  stop?(): void | Promise<void>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  reconfigure?(config: any): boolean | Promise<boolean>;
}

/** The parts of a manifest that a test cares for. */
export type LooseManifest = Partial<ManifestInput>;

/** Makes a plugin from the parts of a manifest that matter and a `create` that is not held to its types. */
export function testPlugin(
  manifest: LooseManifest,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- configuration and services are the test's own
  create: (context: Context<any>) => LooseRunning | Promise<LooseRunning> = () => ({}),
): AnyPlugin {
  const complete = defineManifest({
    name: 'test.plugin',
    version: '1.0.0',
    api: 1,
    summary: 'Made by a test.',
    ...manifest,
  });
  return definePlugin(complete, () => Promise.resolve({ create: create as never }));
}

/** Makes a plugin that provides this object under this contract. */
export function serviceOf<T extends object>(contract: Contract<T>, service: T): AnyPlugin {
  return testPlugin({ name: `fake.${contract.name}`, provides: { service: contract } }, () => ({
    services: { service },
  }));
}

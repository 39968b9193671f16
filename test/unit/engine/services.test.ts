import { describe, expect, it } from 'vitest';
import { contract } from '../../../core/contracts/index.ts';
import { ServiceSlot } from '../../../core/engine/services.ts';
import { optional, type Context } from '../../../core/plugin/index.ts';
import { testPipeline, testPlugin } from '../../../core/testing/index.ts';

interface Greeter {
  greet(name: string): Promise<string>;
  watch(listener: (name: string) => void): () => void;
  later?(listener: () => void): () => void;
  readonly open: boolean;
}
const Greeter = contract<Greeter>('greeter', 1, 'Greets.', ['watch', 'later']);

/** A provider that may be told to fail, and a user of it. */
function pair() {
  const listeners: ((name: string) => void)[] = [];
  const contexts: Context[] = [];
  const starts: number[] = [];
  const provider = testPlugin({ name: 'test.greeter', provides: { greeter: Greeter } }, (ctx) => {
    contexts.push(ctx);
    starts.push(ctx.clock.monotonic());
    const own = starts.length;
    listeners.length = 0;
    return {
      services: {
        greeter: {
          open: true,
          greet: async (name: string) => `hello ${name} from ${own}`,
          watch: (listener: (name: string) => void) => {
            listeners.push(listener);
            return () => void listeners.splice(listeners.indexOf(listener), 1);
          },
        },
      },
    };
  });
  let handle!: Greeter;
  const user = testPlugin({ name: 'test.user', needs: { greeter: Greeter } }, (ctx) => {
    handle = (ctx.services as { greeter: Greeter }).greeter;
    return {};
  });
  return { provider, user, listeners, contexts, starts, handle: () => handle };
}

describe('a live handle', () => {
  it('survives the restart of its provider; meanwhile calls reject', async () => {
    const { provider, user, contexts, starts, handle } = pair();
    const t = await testPipeline({ services: { hello: provider }, stages: { user } });
    const held = handle();
    await expect(held.greet('a')).resolves.toBe('hello a from 1');
    contexts[0]!.fail(new Error('crashed'));
    await t.advance(0);
    await expect(held.greet('b')).rejects.toMatchObject({ code: 'SERVICE_RESTARTING' });
    expect(() => held.open).toThrow(/restarting/);
    expect(t.engine.state).toBe('degraded');
    expect(t.engine.view.ready()).toEqual({ ready: false, reasons: ['"hello" is not running'] });
    await t.advance(500);
    await expect(held.greet('c')).resolves.toBe('hello c from 2');
    expect([held.open, starts, t.engine.state]).toEqual([true, [0, 500], 'running']);
    await t.stop();
    await expect(held.greet('d')).rejects.toMatchObject({ code: 'SERVICE_RESTARTING' });
  });

  it('makes registrations anew with the next provider, those of meanwhile too', async () => {
    const { provider, user, contexts, listeners, handle } = pair();
    const t = await testPipeline({ services: { hello: provider }, stages: { user } });
    const seen: string[] = [];
    handle().watch((name) => seen.push(`kept ${name}`));
    const undo = handle().watch((name) => seen.push(`undone ${name}`));
    expect(listeners).toHaveLength(2);
    contexts[0]!.fail(new Error('crashed'));
    await t.advance(0);
    handle().watch((name) => seen.push(`new ${name}`));
    undo();
    await t.advance(500);
    for (const listener of listeners) listener('x');
    expect(seen).toEqual(['kept x', 'new x']);
    await t.stop();
  });

  it('survives a provider that is replaced by apply', async () => {
    const one = pair();
    const two = pair();
    const t = await testPipeline({ services: { hello: one.provider }, stages: { user: one.user } });
    const held = one.handle();
    const seen: string[] = [];
    held.watch((name) => seen.push(name));
    const other = { ...two.provider, manifest: { ...two.provider.manifest, version: '2.0.0' } };
    await t.apply({ services: { hello: other }, stages: { user: one.user } });
    await expect(held.greet('x')).resolves.toBe('hello x from 1');
    for (const listener of two.listeners) listener('through');
    expect(seen).toEqual(['through']);
    await t.stop();
  });

  it('of an optional need that nobody meets is undefined', async () => {
    let services: unknown;
    const user = testPlugin({ needs: { greeter: optional(Greeter) } }, (ctx) => {
      services = ctx.services;
      return {};
    });
    const t = await testPipeline({ stages: { user } });
    expect(services).toEqual({ greeter: undefined });
    await t.stop();
  });

  it('lets a plugin replace one that provided something else under its name', async () => {
    const { provider } = pair();
    const t = await testPipeline({ services: { it: provider } });
    await t.apply({ services: { it: testPlugin({ name: 'test.other' }) } });
    expect(t.engine.state).toBe('running');
    await t.stop();
  });

  it('is refused at the start where a provider does not provide what its manifest says', async () => {
    const liar = testPlugin({ provides: { greeter: Greeter } }, () => ({}));
    await expect(testPipeline({ services: { liar } })).rejects.toMatchObject({ code: 'SERVICE_START_FAILED' });
  });
});

describe('a service slot', () => {
  it('goes on with the other registrations where the next provider refuses one', () => {
    const errors: unknown[] = [];
    const slot = new ServiceSlot(Greeter, 'hello', (error) => errors.push(error));
    const handle = slot.handle as Greeter;
    handle.watch(() => {});
    handle.watch(() => {});
    let taken = 0;
    slot.provide({
      watch: () => {
        if (taken++ === 0) throw new Error('taken');
        return () => {};
      },
    });
    expect([taken, errors]).toEqual([2, [new Error('taken')]]);
  });

  it('keeps a registration that a provider has no method for', () => {
    const slot = new ServiceSlot(Greeter, 'hello', () => {});
    const undo = (slot.handle as Greeter).later!(() => {});
    expect(() => slot.provide({ watch: () => () => {} })).not.toThrow();
    expect(undo).not.toThrow();
    expect((slot.handle as Greeter).later).toBeUndefined();
  });

  it('is no promise', async () => {
    const slot = new ServiceSlot(Greeter, 'hello', () => {});
    expect(await Promise.resolve(slot.handle)).toBe(slot.handle);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { siblingModule, spawnChild, type Child, type ChildSpec } from '../../../core/process/index.ts';
import { atLevel } from '../../level.ts';

const entry = siblingModule('./children/plain', import.meta.url);
const children: Child[] = [];

async function start(spec: Partial<ChildSpec> = {}): Promise<Child> {
  const child = await spawnChild({ label: 'test', entry, ...spec });
  children.push(child);
  return child;
}

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.close()));
});

function alive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

describe('control', () => {
  it('answers requests, passes messages on, and ends when asked', async () => {
    const messages: unknown[] = [];
    const child = await start({ onMessage: (body) => messages.push(body) });
    expect(await child.request({ do: 'say', n: 1 })).toEqual({ do: 'say', n: 1 });
    child.send('hello');
    await until(() => messages.length > 0);
    expect(messages).toEqual([{ echo: 'hello' }]);
    const [first, second] = await Promise.all([child.close(1000), child.close(1000)]);
    expect(messages.at(-1)).toBe('finishing');
    expect(first).toMatchObject({ cause: 'closed', signal: 'SIGKILL' });
    expect(second).toEqual(first);
    expect(alive(child.pid)).toBe(false);
    await expect(child.request({ do: 'say' })).rejects.toMatchObject({ code: 'PROCESS_DIED' });
    child.send('into the void');
  });

  it('tells a refused request from a dead child', async () => {
    const child = await start();
    await expect(child.request({ do: 'throw' })).rejects.toMatchObject({
      name: 'ChildRefusal',
      message: 'the request is bad',
      code: 'BAD',
      details: { field: 'x' },
    });
    await expect(child.request({ do: 'crash' })).rejects.toMatchObject({ name: 'EddyError', code: 'PROCESS_DIED' });
  });

  it('kills at the deadline a child that does not finish', async () => {
    const child = await start({ args: 'slow-end' });
    expect(await child.close(100)).toMatchObject({ cause: 'closed', signal: 'SIGKILL' });
  });

  it('runs at the priority that it was given', async () => {
    const child = await start({ nice: 10 });
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1');
    expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]).toBe('10');
  });
});

describe('start', () => {
  it.each([
    ['throws', { args: 'refuse' }, /did not start: no such camera/],
    ['crashes', { args: 'die-at-start' }, /ended by SIGSEGV while it started/],
    ['does not exist', { entry: 'file:///nowhere/at/all.ts' }, /did not start: Cannot find module/],
  ])('rejects where the entry %s', async (_what, spec, message) => {
    await expect(start(spec)).rejects.toMatchObject({
      code: 'PROCESS_SPAWN_FAILED',
      message: expect.stringMatching(message),
    });
  });
});

describe('the end by accident', () => {
  it('tells a crash with the last lines', async () => {
    const child = await start();
    await child.request({ do: 'uncaught' });
    const end = await child.ended;
    expect(end.cause).toBe('crashed');
    expect(end.lines.join('\n')).toContain('Error: a mistake in the child');
  });

  it('tells an exit of its own from a crash', async () => {
    const child = await start();
    await expect(child.request({ do: 'exit' })).rejects.toMatchObject({ code: 'PROCESS_DIED' });
    expect(await child.ended).toMatchObject({ cause: 'exited', exitCode: 0 });
  });

  it('kills a child that hangs', async () => {
    const child = await start({ heartbeat: { interval: 50, timeout: 300 } });
    process.kill(child.pid, 'SIGSTOP');
    expect(await child.ended).toMatchObject({ cause: 'stalled', signal: 'SIGKILL' });
  });

  it('keeps the last lines of a flood and nothing more', async () => {
    const child = await start();
    const before = process.memoryUsage().rss;
    await child.request({ do: 'flood', mib: 16 });
    const end = await child.close();
    expect(end.lines.at(-1)).toBe('the last line');
    expect(end.lines.length).toBeLessThanOrEqual(20);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  it('ends with its parent, even while it is stopped', async () => {
    const parentFile = new URL(siblingModule('./children/parent', import.meta.url)).pathname;
    const parent = spawn(process.execPath, ['--conditions=eddy-source', parentFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(alive(pid)).toBe(true);
    process.kill(pid, 'SIGSTOP');
    parent.kill('SIGKILL');
    await until(() => !alive(pid));
  });
});

describe('media pipes', () => {
  it('carry bytes both ways, whole and in order', async () => {
    const child = await start({ pipes: ['other', 'media'] });
    await child.request({ do: 'echo-pipe' });
    const pipe = child.pipe('media');
    const sent = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 5));
    pipe.write(sent);
    const received: Buffer[] = [];
    let size = 0;
    for await (const chunk of pipe as AsyncIterable<Buffer>) {
      received.push(chunk);
      size += chunk.length;
      if (size >= sent.length) break;
    }
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    expect(() => child.pipe('none')).toThrow(TypeError);
  });

  it('hold the child back while the parent does not read, and give what it left when it died', async () => {
    let filled = false;
    const child = await start({
      pipes: ['media'],
      onMessage: () => {
        filled = true;
        void child.close();
      },
    });
    await child.request({ do: 'fill-pipe', chunks: 64 });
    await sleep(150);
    expect(filled).toBe(false);
    let size = 0;
    for await (const chunk of child.pipe('media') as AsyncIterable<Buffer>) {
      size += chunk.length;
    }
    expect(size).toBe(64 * 64 * 1024);
  });
});

describe('metering', () => {
  it('reads processor time and memory', async () => {
    const readings: number[] = [];
    const child = await start({ meterInterval: 50, onUsage: (usage) => readings.push(usage.cpuSeconds) });
    const before = child.usage!;
    expect(before.rssBytes).toBeGreaterThan(2 ** 24);
    await child.request({ do: 'spin', ms: 200 });
    await until(() => child.usage!.cpuSeconds > before.cpuSeconds + 0.1);
    expect(readings.at(-1)).toBe(child.usage!.cpuSeconds);
  });
});

describe('many', () => {
  it('leave no descriptor and no process behind', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    await (await start({ pipes: ['a', 'b'] })).close();
    const before = open();
    const pids: number[] = [];
    for (let i = 0; i < atLevel({ test: 5, proof: 25 }); i++) {
      const pair = await Promise.all([start({ pipes: ['a', 'b'] }), start({ pipes: ['a'] })]);
      pids.push(...pair.map((child) => child.pid));
      await Promise.all(pair.map((child) => child.close()));
    }
    expect(open()).toBeLessThanOrEqual(before);
    expect(pids.filter(alive)).toEqual([]);
  });
});

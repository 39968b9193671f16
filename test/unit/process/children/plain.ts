/** A child for tests: does what its parent asks. */
import { createReadStream, createWriteStream, writeSync } from 'node:fs';
import type { Json, ParentLink } from '../../../../core/process/protocol.ts';

type Ask = { readonly do: string; readonly [key: string]: Json };

export function main(parent: ParentLink): void {
  const { args } = parent;
  if (args === 'refuse') throw Object.assign(new Error('no such camera'), { code: 'NOT_HERE' });
  if (args === 'die-at-start') process.kill(process.pid, 'SIGSEGV');
  parent.onMessage((body) => parent.send({ echo: body }));
  parent.onRequest((body) => {
    const ask = body as Ask;
    switch (ask.do) {
      case 'throw':
        throw Object.assign(new Error('the request is bad'), { code: 'BAD', details: { field: 'x' } });
      case 'never':
        return new Promise<Json>(() => {});
      case 'crash':
        process.kill(process.pid, 'SIGSEGV');
        return null;
      case 'uncaught':
        setImmediate(() => {
          throw new Error('a mistake in the child');
        });
        return null;
      case 'exit':
        process.exit(0);
        return null;
      case 'spin': {
        const until = performance.now() + (ask.ms as number);
        while (performance.now() < until);
        return null;
      }
      case 'flood': {
        const line = `${'x'.repeat(1023)}\n`.repeat(64);
        for (let i = 0; i < (ask.mib as number) * 16; i++) writeSync(2, line);
        writeSync(2, 'the last line\n');
        return null;
      }
      case 'nice':
        return process.pid;
      case 'echo-pipe': {
        const fd = parent.pipes.media!;
        createReadStream('', { fd, autoClose: false }).pipe(createWriteStream('', { fd, autoClose: false }));
        return null;
      }
      case 'fill-pipe': {
        // Blocking writes: how native code writes. It can only go on when the parent reads.
        const chunk = Buffer.alloc(64 * 1024, 7);
        setImmediate(() => {
          for (let i = 0; i < (ask.chunks as number); i++) writeSync(parent.pipes.media!, chunk);
          parent.send('filled');
        });
        return null;
      }
      default:
        return ask;
    }
  });
  parent.onClose(() => {
    if (args === 'slow-end') return new Promise(() => {});
    parent.send('finishing');
    return undefined;
  });
}

/**
 * A service for tests: tells numbered events in steady time, and writes each number down at once before, so that the record
 * survives whatever is killed. It goes on from where its record ends.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { defineManifest, definePlugin, FilePath, Integer, type Context, type Running } from 'eddy/plugin';

const manifest = defineManifest({
  name: 'test.numbered-events',
  version: '1.0.0',
  api: 1,
  summary: 'Tells numbered events.',
  config: {
    rate: Integer({ doc: 'How many a second.', default: 200, min: 1, max: 1000 }),
    record: FilePath({ doc: 'The file with a line of JSON for each.' }),
  },
  events: { 'numbered.told': { meaning: 'One more.', data: { number: { type: 'number', doc: 'From 0 on.' } } } },
});

function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const { rate, record } = ctx.config;
  let number = existsSync(record) ? readFileSync(record, 'utf8').split('\n').length - 1 : 0;
  const file = openSync(record, 'a');
  ctx.scope.add(() => closeSync(file));
  return {
    open() {
      const began = ctx.clock.monotonic();
      let told = 0;
      ctx.clock.every(5, () => {
        for (const due = ((ctx.clock.monotonic() - began) / 1000) * rate; told < due; told++) {
          writeSync(file, `${JSON.stringify({ number, at: Date.now() })}\n`);
          ctx.events.emit({ type: 'numbered.told', data: { number } });
          number += 1;
        }
      });
    },
  };
}

export default definePlugin(manifest, () => Promise.resolve({ create }));
